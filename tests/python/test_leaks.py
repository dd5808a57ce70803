"""Nothing that happened at a past midnight or later reaches a score as of it.

A shop is built twice: with all its rows, and with those of before the midnight alone.
What its scorers say as of the midnight is the same. Then the same is asked of a
warehouse into which leaks were planted, and each is seen.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from builds import Build, build_in_turn
from conftest import Row, Shop, copy_project
from history_shop import (
    CRM_CONTACTS,
    FEEDS,
    FIRST_DAY,
    LAST_DAY,
    ORDERS,
    Told,
    csv_text,
    event,
    identify,
    shop_rows,
)

MIDNIGHT = datetime(2026, 5, 20)
EVALUATED = {"last": f"{MIDNIGHT:%F}", "midnights": 4, "every_days": 40}
"""Of these midnights, one is that of the first day and one is before it."""
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
TOLERANCE = 1e-9

ALWAYS = {7, 14, 28}
PLANTED: Mapping[str, set[int]] = {
    "instant": set(),
    "cookie": ALWAYS,
    "borrowed": ALWAYS,
    "at_once": ALWAYS,
    "late": {14, 28},
    "regretted": {7},
    "cancelled": set(),
    "uncancelled": set(),
    "twin": ALWAYS,
    "other_twin": ALWAYS,
    "attribute": set(),
    "taken": set(),
    "adopter": set(),
    "parted": set(),
}
"""Contacts of which something at the midnight or later must not be known at it, and
within how many days they buy."""
OBJECTED = "objected"
LEAKS = {
    # What begins on the day of the midnight is known at it.
    "instant": "update intent_intermediate.int_activity_days"
    " set valid_from = valid_from - interval 1 day"
    f" where activity_date = date '{MIDNIGHT:%F}'",
    # The link that the purchase made is older than the purchase.
    "cookie": "update intent_intermediate.int_identifier_contacts"
    " set valid_from = valid_from - interval 10 day,"
    " valid_to = valid_to - interval 10 day"
    " where identifier = 'anonymous_id:cookie'",
    # What is cancelled later was never done.
    "cancelled": "update intent_intermediate.int_activity_days"
    " set valid_to = valid_to - interval 20 day"
    f" where activity = 'purchase' and valid_to >= date '{MIDNIGHT:%F}'",
    # A record knew earlier what was written into it later.
    "attribute": "update intent_intermediate.int_usable_records"
    " set version_at = version_at - interval 20 day"
    f" where version_at >= timestamp '{MIDNIGHT:%F}'",
}

SCORERS = {"purchase", "loyalty", "sample", "recency", "undecayed", "rfm"}
Key = tuple[datetime, str, str]
"""Midnight, contact, scorer."""


class Shops(NamedTuple):
    """The same shop, with what it knows."""

    whole: Shop
    before: Shop
    """Only the rows of before the midnight."""
    leaky: Shop
    """The whole one's warehouse, in which what came later is dated earlier."""
    objecting: Shop
    """The whole one, built again without an evaluation when one more objected."""


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Shops:
    project = copy_project(tmp_path_factory.mktemp("project"))
    rules = project / "seeds" / "rules" / "activity_rules.csv"
    # Views count for more of a business that bought: an attribute moves a score.
    rules.write_text(
        rules.read_text()
        + "purchase,product_viewed,business_customer,5,60,40,,,true,\n"
    )
    shops = Shops(
        *(Shop(tmp_path_factory.mktemp(name), project) for name in Shops._fields)
    )
    rows = [*shop_rows(), *planted_rows()]
    known = [told for told in rows if time_of(told) < MIDNIGHT]
    until = LAST_DAY.date()
    evaluated = {"intent_evaluation": EVALUATED, "intent_holdout_share": 0.3}
    build_in_turn(
        [
            Build(
                shops.whole,
                until,
                files=landed(shops.whole, rows),
                more_variables=evaluated,
            ),
            Build(
                shops.before,
                until,
                files=landed(shops.before, known),
                more_variables=evaluated,
            ),
            Build(
                shops.leaky,
                until,
                ("--select", "tag:evaluation"),
                copy_of=shops.whole,
                more_variables=evaluated,
                statements=list(LEAKS.values()),
            ),
            Build(
                shops.objecting,
                until,
                ("--exclude", "tag:evaluation"),
                copy_of=shops.whole,
                files=landed(
                    shops.objecting,
                    [record("late", FIRST_DAY, LAST_DAY, objected_to_profiling=True)],
                    "objection",
                ),
            ),
        ],
        FEEDS,
    )
    return shops


def time_of(told: Told) -> datetime:
    """When a row was made: the record's version, or the event."""
    at = told.row.get("updated_at") or told.row.get("event_time")
    assert isinstance(at, datetime)
    return at


def landed(shop: Shop, rows: Iterable[Told], name: str = "part") -> dict[Path, str]:
    """The rows as files, of each table one for each set of columns."""
    files: dict[Path, list[Mapping[str, object]]] = {}
    for told in rows:
        feed, table = told.table
        columns = "_".join(sorted(told.row))
        files.setdefault(shop.landing / feed / table / columns, []).append(told.row)
    return {
        file.with_name(f"{name}_{number}.csv"): csv_text(list(its_rows))
        for number, (file, its_rows) in enumerate(files.items())
    }


def email(name: str) -> str:
    return f"{name}@example.org"


def planted_rows() -> Iterator[Told]:
    """People who do something before the midnight, and something that tells later."""
    rng = Random(2)  # noqa: S311 - no secret
    for name in (*PLANTED, OBJECTED):
        at = FIRST_DAY + 10 * DAY
        yield identify(f"i-{name}", at, rng, False, user_id=name, email=email(name))
        for number in range(5):
            at = MIDNIGHT - (5 - number) * DAY - number * SECOND
            yield did(name, f"view-{number}", "Product Viewed", at)
    # At the very instant, and the last one before it, which counts.
    yield did("instant", "now", "Checkout Started", MIDNIGHT)
    yield did("instant", "last", "Product Added", MIDNIGHT - SECOND)
    # A cookie that nobody knew filled carts; the purchase tells whose it was.
    for number in range(4):
        at = MIDNIGHT - (number + 1) * DAY
        who = {"anonymous_id": "cookie"}
        yield event(f"cookie-{number}", "Checkout Started", at, rng, False, who)
    at = MIDNIGHT + 2 * DAY
    who = {"user_id": "cookie", "anonymous_id": "cookie"}
    yield event("cookie-bought", "Order Completed", at, rng, False, who)
    # One that is known for hers only later, and orders at the edges of the days.
    at = MIDNIGHT + 3 * DAY
    who = {"anonymous_id": "new"}
    yield event("borrowed-bought", "Order Completed", at, rng, False, who)
    at = MIDNIGHT + 10 * DAY
    yield identify("i-new", at, rng, False, user_id="borrowed", anonymous_id="new")
    yield from ordered("at_once", MIDNIGHT, None)
    yield from ordered("late", MIDNIGHT + 7 * DAY, None)
    yield from ordered("regretted", MIDNIGHT + 7 * DAY - SECOND, MIDNIGHT + 10 * DAY)
    # Two contacts of whom one buys, and who then turn out to be one.
    yield from ordered("twin", MIDNIGHT + DAY, None)
    at = MIDNIGHT + 4 * DAY
    yield record("twin", MIDNIGHT, at, customer_id="twin-account")
    yield record("other_twin", MIDNIGHT, at, customer_id="twin-account")
    # Orders of before, one taken back after it and one taken back before.
    yield from ordered("cancelled", MIDNIGHT - 6 * DAY, MIDNIGHT + 3 * DAY)
    yield from ordered("uncancelled", MIDNIGHT - 6 * DAY, MIDNIGHT - 3 * DAY)
    # A record that learns of an attribute, having had orders.
    yield from ordered("attribute", MIDNIGHT - 30 * DAY, None)
    yield record("attribute", FIRST_DAY, FIRST_DAY, account_type="consumer")
    yield record("attribute", FIRST_DAY, MIDNIGHT + DAY, account_type="business")
    # An address that goes from one record to another.
    yield record("taken", FIRST_DAY, FIRST_DAY + DAY, shown="taken")
    yield record("taken", FIRST_DAY, MIDNIGHT + 4 * DAY, shown="")
    yield record("adopter", FIRST_DAY, MIDNIGHT + 5 * DAY, shown="taken")
    # An objection holds for the past, too.
    yield record(OBJECTED, FIRST_DAY, FIRST_DAY, objected_to_profiling=False)
    yield record(OBJECTED, FIRST_DAY, MIDNIGHT + DAY, objected_to_profiling=True)
    # Two devices that turn out not to be one person's.
    at = FIRST_DAY + 12 * DAY
    yield identify("i-both", at, rng, False, user_id="parted", anonymous_id="both")
    at = MIDNIGHT - 2 * DAY
    who = {"anonymous_id": "both"}
    yield event("both-cart", "Product Added", at, rng, False, who)


def did(name: str, key: str, what: str, at: datetime) -> Told:
    rng = Random(3)  # noqa: S311 - no secret
    return event(f"{name}-{key}", what, at, rng, False, {"user_id": name})


def ordered(name: str, at: datetime, cancelled_at: datetime | None) -> Iterator[Told]:
    """An order, and its next version if it is cancelled."""
    row: dict[str, object] = {
        "order_id": f"o-{name}",
        "email": email(name),
        "ordered_at": at,
        "cancelled_at": "",
        "updated_at": at,
        "order_total": 50,
        "currency": "EUR",
        "received_at": at,
    }
    yield Told(ORDERS, row, at)
    if cancelled_at:
        changed = {"cancelled_at": cancelled_at, "updated_at": cancelled_at}
        yield Told(
            ORDERS, {**row, **changed, "received_at": cancelled_at}, cancelled_at
        )


def record(
    name: str,
    created_at: datetime,
    updated_at: datetime,
    shown: str | None = None,
    **more: object,
) -> Told:
    row: dict[str, object] = {
        "crm_id": f"c-{name}",
        "email": email(name if shown is None else shown) if shown != "" else "",
        "created_at": created_at,
        "updated_at": updated_at,
        "received_at": updated_at,
        **more,
    }
    return Told(CRM_CONTACTS, row, updated_at)


def said(shop: Shop) -> dict[Key, Row]:
    """What each scorer says of each contact at each midnight."""
    return {
        (row["as_of"], row["contact_id"], row["scorer"]): row
        for row in shop.rows(
            "select distinct as_of, contact_id, scorer, score, segment, is_holdout"
            " from score_outcomes"
        )
    }


def moved(one: Mapping[Key, Row], other: Mapping[Key, Row]) -> set[str]:
    """The contacts of whom two shops say different things."""
    return {
        key[1]
        for key in one.keys() | other.keys()
        if key not in one or key not in other or differs(one[key], other[key])
    }


def differs(one: Row, other: Row) -> bool:
    same = ("segment", "is_holdout")
    return bool(abs(one["score"] - other["score"]) > TOLERANCE) or any(
        one[name] != other[name] for name in same
    )


def contact(shop: Shop, name: str) -> Any:
    """The id of a planted contact at the midnight."""
    return shop.value(f"""
        select contact_id from intent_intermediate.int_identifier_contacts
        where
            identifier = 'email:{email(name)}'
            and valid_from < timestamp '{MIDNIGHT:%F}'
            and (valid_to is null or valid_to >= timestamp '{MIDNIGHT:%F}')
    """)


def test_what_came_later_moves_no_score(shops: Shops) -> None:
    whole, before = said(shops.whole), said(shops.before)
    assert len({key for key in whole if key[0] == MIDNIGHT}) > 400
    # Who objects is evaluated no more, whenever that was.
    assert moved(whole, before) == {contact(shops.before, OBJECTED)}


def test_the_planted_are_evaluated(shops: Shops) -> None:
    known = {key[1] for key in said(shops.whole) if key[0] == MIDNIGHT}
    assert {contact(shops.whole, name) for name in PLANTED} <= known


@pytest.mark.parametrize("name", PLANTED)
def test_who_buys_is_known_by_what_came_later(shops: Shops, name: str) -> None:
    found = shops.whole.rows(f"""
        select horizon_days, has_converted from score_outcomes
        where
            as_of = timestamp '{MIDNIGHT:%F}'
            and scorer = 'recency'
            and contact_id = '{contact(shops.whole, name)}'
    """)
    assert {row["horizon_days"] for row in found} == ALWAYS
    bought = {row["horizon_days"] for row in found if row["has_converted"]}
    assert bought == PLANTED[name]


def test_without_outcomes_measures_are_null(shops: Shops) -> None:
    of_midnight = f"where as_of = timestamp '{MIDNIGHT:%F}'"
    found = shops.before.rows(f"from score_quality {of_midnight}")
    assert len(found) == len(SCORERS) * len(ALWAYS)
    for row in found:
        assert (row["conversions"], row["base_rate"]) == (0, 0)
        undefined = ("roc_auc", "pr_auc", "top_decile_lift", "share_caught_hot")
        assert {row[name] for name in undefined} == {None}
        assert not row["has_enough"]
    lifts = shops.before.rows(f"select distinct lift from score_deciles {of_midnight}")
    assert lifts == [{"lift": None}]


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_seen(shops: Shops, name: str) -> None:
    leaked = moved(said(shops.whole), said(shops.leaky))
    assert contact(shops.whole, name) in leaked


def test_who_objects_after_the_evaluation_leaves_it(shops: Shops) -> None:
    whole, after = said(shops.whole), said(shops.objecting)
    assert moved(whole, after) == {contact(shops.whole, "late")}


def test_midnights_before_the_first_fact_are_left_out(shops: Shops) -> None:
    for shop in (shops.whole, shops.before):
        found = shop.rows("select distinct as_of from score_quality order by 1")
        assert [row["as_of"] for row in found] == [MIDNIGHT - 40 * DAY, MIDNIGHT]
