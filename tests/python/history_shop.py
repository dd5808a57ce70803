"""A small shop whose contacts move between bands, landed day by day, some rows late."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

from reference.hand_made import Row

FEEDS = ["web", "shop", "crm"]
PEOPLE = 120
FIRST_DAY = datetime(2026, 3, 1)
LAST_DAY = datetime(2026, 6, 30)
"""What the last build knows is of the days before."""
DAYS_LANDED = 8
"""All rows until so many days before the last land at once, then each day's on it."""
LATE_PEOPLE = 4
"""Every so many-th contact has rows that come late."""

EVENTS = ("web", "events")
IDENTIFIES = ("web", "identifies")
ORDERS = ("shop", "orders")
CRM_CONTACTS = ("crm", "contacts")

LATE_NEWS = "late_news@example.org"
"""Started checkouts in the week, of which is known only two days later."""
JOINED = "joined@example.org"
"""Had filled carts as a visitor that nobody knew, and then logged in."""
OBJECTOR = "objector@example.org"
"""Objects in the week, having been hot."""


class Told(NamedTuple):
    """A raw row of a table, and when it reached us."""

    table: tuple[str, str]
    row: Row
    received_at: datetime


def days() -> list[date]:
    """The midnights of the week: of the first build, and of each day after."""
    return [
        (LAST_DAY - timedelta(days=number)).date()
        for number in range(DAYS_LANDED, -1, -1)
    ]


def is_on_time(email: str) -> bool:
    """Tell of a contact if none of its rows is late."""
    name = email.partition("@")[0]
    return name.startswith("p") and int(name[1:]) % LATE_PEOPLE != 0


def files_of(rows: Sequence[Told], after: date | None, until: date) -> dict[Path, str]:
    """What reached us from one midnight until another, a file for each table."""
    tables: dict[tuple[str, str], list[Row]] = {}
    for told in rows:
        day = told.received_at.date()
        if day < until and (after is None or day >= after):
            tables.setdefault(told.table, []).append(told.row)
    return {
        Path(feed) / table / f"until_{until}.csv": csv_text(its_rows)
        for (feed, table), its_rows in tables.items()
    }


def csv_text(rows: Sequence[Row]) -> str:
    """Rows that all have the same columns."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows({name: as_text(row[name]) for name in row} for row in rows)
    return text.getvalue()


def as_text(value: object) -> object:
    return f"{value:%FT%TZ}" if isinstance(value, datetime) else value


def shop_rows() -> list[Told]:
    """All rows, each time the same."""
    rng = Random(20260630)  # noqa: S311 - no secret
    rows = [row for number in range(PEOPLE) for row in person(rng, number)]
    rows += special_people()
    return rows


def person(rng: Random, number: int) -> Iterator[Told]:
    """What one person does: sessions now and then, with carts, orders and logins."""
    email, user = f"p{number}@example.org", f"u{number}"
    is_late = number % LATE_PEOPLE == 0
    rhythm = rng.choice([1, 3, 6, 12, 20])
    keenness = rng.choice([0.1, 0.3, 0.7])
    visits = 0
    at = FIRST_DAY + timedelta(seconds=rng.randrange(100 * 86400))
    until = LAST_DAY - timedelta(days=max(0, rng.uniform(-20, 25)))
    yield identify(f"i{number}", at, rng, is_late, user_id=user, email=email)
    while at < until:
        visits += 1
        device = f"d{number}-{visits // 6}"
        is_logged_in = rng.random() < 0.5
        who = {"user_id": user} if is_logged_in else {"anonymous_id": device}
        key = f"{number}-{visits}"
        names = ["Session Started", *["Product Viewed"] * rng.randrange(1, 5)]
        names += ["Product Added"] * (rng.random() < keenness) * rng.randrange(1, 3)
        names += ["Checkout Started"] * (rng.random() < keenness)
        for place, name in enumerate(names):
            moment = at + timedelta(seconds=20 * place)
            yield event(f"e{key}-{place}", name, moment, rng, is_late, who)
        if rng.random() < keenness / 2:
            yield from order(f"o{key}", at, rng, is_late, email)
        if rng.random() < 0.3:
            yield identify(
                f"i{key}", at, rng, is_late, user_id=user, anonymous_id=device
            )
        at += timedelta(days=rhythm * rng.uniform(0.3, 2))
        at = at.replace(microsecond=0)


def special_people() -> Iterator[Told]:
    """People of whom it is known why they change their segment, and when."""
    rng = Random(1)  # noqa: S311 - no secret
    week = [datetime.combine(day, datetime.min.time()) for day in days()]
    noon = timedelta(hours=12)
    for email in (LATE_NEWS, JOINED, OBJECTOR):
        name = email.partition("@")[0]
        at = FIRST_DAY
        yield identify(f"i-{name}", at, rng, False, user_id=name, email=email)
    for number in range(3):
        at = week[2] + noon + timedelta(minutes=number)
        who = {"user_id": "late_news"}
        row = event(f"e-late-{number}", "Checkout Started", at, rng, False, who)
        yield came(row, week[4] + noon)
        who = {"anonymous_id": "visitor"}
        at = week[0] - noon + timedelta(minutes=number)
        yield event(f"e-visitor-{number}", "Product Added", at, rng, False, who)
        for activity in ("Product Added", "Checkout Started", "Product Viewed"):
            at = week[4] - noon + timedelta(minutes=number)
            who = {"user_id": "objector"}
            key = f"e-objector-{activity[8:12]}{number}"
            yield event(key, activity, at, rng, False, who)
    at = week[3] + noon
    yield identify(
        "i-visitor", at, rng, False, user_id="joined", anonymous_id="visitor"
    )
    for at, objects in ((FIRST_DAY, False), (week[6] - noon, True)):
        record: dict[str, object] = {
            "crm_id": "c-objector",
            "email": OBJECTOR,
            "created_at": FIRST_DAY,
            "updated_at": at,
            "objected_to_profiling": objects,
        }
        yield Told(CRM_CONTACTS, {**record, "received_at": at}, at)


def came(told: Told, received_at: datetime) -> Told:
    """The same row, come at another time."""
    return Told(told.table, {**told.row, "received_at": received_at}, received_at)


def arrival(at: datetime, rng: Random, is_late: bool) -> datetime:
    """When a row comes: at once, or days later."""
    if not is_late or rng.random() < 0.6:
        return at
    return at + timedelta(days=rng.randrange(1, 5), seconds=rng.randrange(3600))


def event(
    key: str,
    name: str,
    at: datetime,
    rng: Random,
    is_late: bool,
    who: dict[str, str],
) -> Told:
    received_at = arrival(at, rng, is_late)
    row: dict[str, object] = {"event_id": key, "event_name": name, "event_time": at}
    row |= {"received_at": received_at, "user_id": "", "anonymous_id": "", **who}
    return Told(EVENTS, row, received_at)


def identify(
    key: str,
    at: datetime,
    rng: Random,
    is_late: bool,
    *,
    user_id: str,
    email: str = "",
    anonymous_id: str = "",
) -> Told:
    received_at = arrival(at, rng, is_late)
    row: dict[str, object] = {"event_id": key, "event_time": at, "user_id": user_id}
    row |= {"email": email, "anonymous_id": anonymous_id, "received_at": received_at}
    return Told(IDENTIFIES, row, received_at)


def order(
    key: str, at: datetime, rng: Random, is_late: bool, email: str
) -> Iterator[Told]:
    """An order, and perhaps its cancellation as the row's next version."""
    at = at + timedelta(minutes=10)
    row: dict[str, object] = {
        "order_id": key,
        "email": email,
        "ordered_at": at,
        "cancelled_at": "",
        "updated_at": at,
        "order_total": 30,
        "currency": "EUR",
    }
    received_at = arrival(at, rng, is_late)
    yield Told(ORDERS, {**row, "received_at": received_at}, received_at)
    if rng.random() < 0.2:
        cancelled_at = at + timedelta(days=rng.randrange(1, 6))
        received_at = max(arrival(cancelled_at, rng, is_late), received_at)
        row |= {"cancelled_at": cancelled_at, "updated_at": cancelled_at}
        yield Told(ORDERS, {**row, "received_at": received_at}, received_at)
