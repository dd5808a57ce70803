"""Derived signals on years of random orders and logins, against the reference."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

import pytest
from conftest import ASSERTED, PROJECT, Shop
from reference import compare, read_world, score_world
from reference.values import moment_of

pytestmark = pytest.mark.proofs

FEEDS = ["web", "shop"]
CUSTOMERS = 200
START = datetime(2022, 1, 3)
CLOCKS = ("2024-03-01", "2026-06-30")
ORDER_COLUMNS = (
    "order_id,customer_id,email,ordered_at,cancelled_at,updated_at,"
    "order_total,currency,received_at\n"
)
RETURN_COLUMNS = (
    "return_id,order_id,customer_id,returned_at,is_full_return,received_at\n"
)
LOGIN_COLUMNS = "event_id,event_name,event_time,received_at,user_id,email\n"


def random_orders(rng: Random, until: datetime) -> Iterator[list[str]]:
    """Yield customers who order in rhythms, with all that disturbs them."""
    for customer in range(CUSTOMERS):
        rhythm = rng.choice([1, 3, 10, 30, 30, 90, 200, 364])
        unrest = rng.choice([0, 0.1, 0.5, 1.5])
        money = rng.choice([["EUR"], ["EUR"], ["EUR", "chf", "USD"], ["", "EUR"]])
        at = START + timedelta(days=rng.randrange(900), seconds=rng.randrange(86400))
        if customer % 20 == 0:
            at = datetime(2024, 2, 29, 12)
        while at < until and rng.random() > 0.03:
            yield order(rng, customer, at, rng.choice(money))
            if rng.random() < 0.1:  # a second parcel, perhaps in the same second
                later = at + timedelta(seconds=rng.choice([0, 0, 60, 7200]))
                yield order(rng, customer, later, rng.choice(money))
            gap = max(rhythm * (1 + unrest * rng.uniform(-1, 1)), 0.2)
            at += timedelta(days=round(gap) if rng.random() < 0.5 else gap)
            at = at.replace(microsecond=0)


def order(rng: Random, customer: int, at: datetime, currency: str) -> list[str]:
    amount = rng.choice(["20", "20", "30", "10", "0.1", "", "0", "-5", "45.55"])
    email = f"c{customer}@example.org"
    # Some order as guests: the email joins them where it was told with the customer.
    names = ["", email] if rng.random() < 0.3 else [f"k{customer}", email]
    cancelled = ""
    if rng.random() < 0.05:
        cancelled = f"{at + timedelta(hours=rng.choice([0, 5, 500, 9000])):%FT%TZ}"
    moment = f"{at:%FT%TZ}"
    number = f"o{rng.randrange(10**12)}"
    return [number, *names, moment, cancelled, moment, amount, currency, moment]


def random_logins(rng: Random, until: datetime) -> Iterator[list[str]]:
    """Yield people who log in about weekly, and the edges of weeks."""
    for customer in range(0, CUSTOMERS, 2):
        at = START + timedelta(days=rng.randrange(800))
        while at < until and rng.random() > 0.02:
            midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
            at = rng.choice([at, midnight, midnight + timedelta(seconds=86399)])
            moment, number = f"{at:%FT%TZ}", f"e{rng.randrange(10**12)}"
            person = [f"u{customer}", f"c{customer}@example.org"]
            yield [number, "Signed In", moment, moment, *person]
            at += timedelta(days=rng.choice([1, 6, 7, 7, 8, 14]))


def returns(rng: Random, orders: list[list[str]]) -> Iterator[list[str]]:
    for number, customer, _, ordered, *_ in orders:
        if rng.random() < 0.05:
            back = datetime.fromisoformat(ordered) + timedelta(days=rng.randrange(300))
            moment = f"{back:%FT%TZ}"
            full = rng.choice(["true", "false"])
            yield [f"r{number}", number, customer, moment, full, moment]


def as_text(rows: list[list[str]]) -> str:
    return "".join(",".join(row) + "\n" for row in rows)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop whose tables come in two files: before and after the first clock."""
    shop = Shop(tmp_path_factory.mktemp("derived"))
    rng = Random(7)  # noqa: S311 - no secret
    until = datetime.fromisoformat(CLOCKS[-1]) + timedelta(days=40)
    orders = list(random_orders(rng, until))
    logins = list(random_logins(rng, until))
    tables = (
        ("shop/orders", ORDER_COLUMNS, orders, 3),
        ("shop/returns", RETURN_COLUMNS, list(returns(rng, orders)), 3),
        ("web/events", LOGIN_COLUMNS, logins, 2),
    )
    for table, header, rows, time in tables:
        first = [row for row in rows if row[time] < CLOCKS[0]]
        rest = [row for row in rows if row[time] >= CLOCKS[0]]
        shop.land(table, "first.csv", header + as_text(first))
        shop.land(table, ".rest.csv", header + as_text(rest))
    return shop


def land_the_rest(shop: Shop) -> None:
    for hidden in shop.landing.rglob(".rest.csv"):
        hidden.rename(hidden.with_name("rest.csv"))


def test_all_signals_agree_with_the_reference_as_files_come_in(shop: Shop) -> None:
    seen: Counter[str] = Counter()
    for clock in CLOCKS:
        if clock != CLOCKS[0]:
            land_the_rest(shop)
        shop.build(clock, *ASSERTED, intent_feeds=FEEDS)
        world = read_world(shop.landing, PROJECT / "seeds", FEEDS)
        expected = score_world(world, datetime.fromisoformat(clock))
        found = Counter(
            (row["contact_id"], row["activity"], row["quantity"], row["last_at"])
            for row in shop.rows("from intent_intermediate.int_derived_days")
        )
        assert found == Counter(
            (
                expected.contacts[key].contact_id,
                signal,
                day.quantity,
                moment_of(day.last_at),
            )
            for key, signals in expected.derived.items()
            for signal, days in signals.items()
            for day in days
        )
        scores = shop.rows("from contact_scores")
        drivers = shop.rows("from contact_intent_drivers")
        assert compare(expected, scores, drivers) == []
        seen.update(signal for _, signal, _, _ in found)
    assert set(seen) == set(world.signals)
    assert min(seen.values()) > 10, seen


def test_what_is_derived_is_not_what_the_contact_did(shop: Shop) -> None:
    """The last test's shop: an order that falls due is no activity of the contact."""
    [wrong] = shop.rows("""
        select count(*) as contacts
        from contact_intent
        inner join (
            select contact_id, max(last_at) as last_at, sum(event_count) as events
            from intent_intermediate.int_contact_observed_days
            group by contact_id
        ) as observed using (contact_id)
        where
            last_activity_at <> observed.last_at
            or last_activity not in ('purchase', 'logged_in', 'returned')
            or activity_count_30d > observed.events
    """)
    assert wrong["contacts"] == 0
