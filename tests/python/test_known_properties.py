"""What was known at K is what a build finds of the rows that had reached us by K.

Hundreds of random small worlds stand side by side, each with keys of its own. The
models' own SQL, as dbt compiles it, runs on all of their rows, and again on those
received until each K. The versions that hold at K must be the state of that build, and
what the reference finds in those rows.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Shop
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from reference.activities import Event, build_facts, build_orders, group_events
from reference.rules import FeedRules
from reference.values import seconds_of

WORLDS = 300
FIRST_DAY = datetime(2026, 3, 1)
DAYS = 6
LATEST = timedelta(days=5)
FEEDS = ("web", "shop", "crm")
PREFERENCES = {"shop": 1, "web": 2, "crm": 3}
MIDNIGHTS = [FIRST_DAY + timedelta(days=day) for day in range(1, DAYS + 7)]
MODELS = (
    "int_activities",
    "int_activities_known",
    "int_activity_changes",
    "int_reversals",
    "int_activity_days",
    "int_orders",
)
COLUMNS = {
    "feed": "varchar",
    "feed_table": "varchar",
    "event_id": "varchar",
    "event_name": "varchar",
    "activity": "varchar",
    "business_key": "varchar",
    "identifier": "varchar",
    "reversed_order_id": "varchar",
    "product_category": "varchar",
    "user_agent": "varchar",
    "message_id": "varchar",
    "is_machine_flagged": "boolean",
    "quantity": "bigint",
    "amount": "double",
    "currency": "varchar",
    "quarantine_reason": "varchar",
    "malformed_columns": "varchar",
    "source_file": "varchar",
    "occurred_at": "timestamp",
    "received_at": "timestamp",
    "version_at": "timestamp",
    "reversed_at": "timestamp",
}
FACTS = {
    "int_activity_days": (
        "identifier, activity, activity_date, valid_from, valid_to, quantity,"
        " event_count, first_at, last_at"
    ),
    "int_orders": (
        "order_key, identifier, ordered_at, amount, currency, valid_from, valid_to"
    ),
}
SHOWN = {
    "int_activity_days": "identifier, activity, quantity, epoch(last_at)::bigint",
    "int_orders": "identifier, order_key, epoch(ordered_at)::bigint, amount",
}
ENDED_BEFORE = {
    "int_activity_days": "activity_date < date '{}'",
    "int_orders": "valid_from < date '{}'",
}

Telling = dict[str, Any]
Compiled = Mapping[str, str]
"""Model to SQL."""

WAYS = {
    ("web", "purchase"): ("events", "order"),
    ("shop", "purchase"): ("orders", "order"),
    ("shop", "returned"): ("returns", "return"),
    ("web", "product_viewed"): ("events", "view"),
    ("crm", "score_raised"): ("interactions", "note"),
}
"""Feed and activity to the feed's table, and the kind of thing that rows tell of."""
OFTEN = [("shop", "purchase")] * 4 + [("web", "purchase")]

moments = st.integers(0, DAYS * 4 - 1).map(
    lambda quarter: FIRST_DAY + timedelta(hours=6 * quarter)
)
delays = st.sampled_from(
    [
        *(timedelta(seconds=5), timedelta(seconds=5), timedelta(hours=6)),
        *(timedelta(hours=18), timedelta(days=1), timedelta(days=2, hours=3), LATEST),
        # By a fast clock.
        -timedelta(seconds=60),
    ]
)


@st.composite
def tellings(draw: st.DrawFn) -> Telling:
    """One row of a feed, telling of one of few things."""
    feed, activity = draw(st.sampled_from([*WAYS, *OFTEN]))
    feed_table, kind = WAYS[feed, activity]
    number = draw(st.integers(1, 2))
    occurred_at = draw(moments)
    has_end = activity in ("purchase", "score_raised")
    return {
        "feed": feed,
        "feed_table": feed_table,
        "activity": activity,
        "kind": kind,
        "number": number,
        "event_id": f"{kind}{number}{draw(st.sampled_from(['', '', 'b']))}",
        "identifier": draw(st.sampled_from(["ann", "ann", "ben"])),
        "reversed_order": (
            draw(st.sampled_from([None, 1, 2])) if kind == "return" else None
        ),
        "quantity": draw(st.integers(1, 2)) if kind == "note" else 1,
        "amount": draw(st.sampled_from([None, 20.0])) if kind == "order" else None,
        "quarantine_reason": draw(st.sampled_from([*[None] * 9, "negative_amount"])),
        "occurred_at": occurred_at,
        "received_at": occurred_at + draw(delays),
        "version_at": draw(st.none() | moments) if feed == "shop" else None,
        "reversed_at": draw(st.none() | moments) if has_end else None,
    }


@st.composite
def worlds(draw: st.DrawFn) -> list[Telling]:
    """Rows about a few things, some of them sent again later."""
    told = draw(st.lists(tellings(), min_size=2, max_size=9))
    again = draw(st.lists(st.sampled_from(told), max_size=2))
    return [
        *told,
        *({**row, "received_at": row["occurred_at"] + draw(delays)} for row in again),
    ]


def all_rows() -> Iterator[Telling]:
    """The rows of all worlds as hypothesis draws them, the same ones each time."""
    drawn: list[list[Telling]] = []

    @seed(20260701)
    @settings(
        max_examples=WORLDS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(worlds())
    def collect(world: list[Telling]) -> None:
        drawn.append(world)

    collect()
    for number, world in enumerate(drawn):
        for index, told in enumerate(world):
            yield named(told, f"w{number}", f"w{number}r{index}.csv")


def named(told: Telling, world: str, source_file: str) -> Telling:
    """A row with names of its world."""
    row = dict.fromkeys(COLUMNS) | {k: v for k, v in told.items() if k in COLUMNS}
    thing = f"{world}-{told['number']}"
    row["event_id"] = f"{world}-{told['event_id']}"
    row["identifier"] = f"user_id:{world}-{told['identifier']}"
    row["source_file"] = source_file
    if told["kind"] == "order":
        row["business_key"] = f"order:{thing}"
    else:
        row["business_key"] = f"{told['feed']}:{told['feed_table']}:{row['event_id']}"
    if told["reversed_order"] is not None:
        row["reversed_order_id"] = f"{world}-{told['reversed_order']}"
    return row


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """The models' SQL, as a first build runs it."""
    shop = Shop(tmp_path_factory.mktemp("compiled"))
    done = shop.dbt(
        *("compile", "--full-refresh", "--quiet", "--select", *MODELS),
        variables={"intent_feeds": list(FEEDS)},
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    found = {file.stem: file for file in shop.folder.glob("target/compiled/**/*.sql")}
    return {model: Path(found[model]).read_text() for model in MODELS}


@pytest.fixture(scope="module")
def rows() -> list[Telling]:
    return list(all_rows())


@pytest.fixture(scope="module")
def warehouse(compiled: Compiled, rows: list[Telling]) -> duckdb.DuckDBPyConnection:
    """All rows and their facts in the table `..._all`, and those of each clock."""
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as intent")
    connection.execute("create schema intent.intent_intermediate")
    connection.execute("create schema intent.intent_rules")
    connection.execute("use intent.intent_intermediate")
    columns = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
    connection.execute(f"create table told ({columns})")
    connection.executemany(
        f"insert into told values ({', '.join('?' * len(COLUMNS))})",
        [[row[name] for name in COLUMNS] for row in rows],
    )
    connection.execute(
        "create table intent.intent_rules.feed_preferences as "
        "select unnest(?) as feed, unnest(?) as preference",
        [list(PREFERENCES), list(PREFERENCES.values())],
    )
    connection.execute(
        "create table int_machine_activities "
        "(activity_key varchar, rule varchar, run_id bigint)"
    )
    build(connection, compiled, MIDNIGHTS[-1], "all")
    for clock in (*MIDNIGHTS, *map(noon_after, MIDNIGHTS)):
        build(connection, compiled, clock, suffix_of(clock))
    return connection


def noon_after(midnight: datetime) -> datetime:
    return midnight + timedelta(hours=12)


def suffix_of(clock: datetime) -> str:
    return f"{clock:%Y%m%d%H%M}"


def build(
    connection: duckdb.DuckDBPyConnection,
    compiled: Compiled,
    received_until: datetime,
    suffix: str,
) -> None:
    """Build the facts anew from the rows received until a moment."""
    for feed in FEEDS:
        connection.execute(
            f"create or replace table int_{feed}__activities as from told "
            f"where feed = '{feed}' and received_at <= timestamp '{received_until}'"
        )
    for model in MODELS:
        connection.execute(f"create or replace table {model} as {compiled[model]}")
    days_gone = "delete from int_activity_days where event_count = 0"
    orders_gone = "delete from int_orders where identifier is null"
    for hook in (days_gone, orders_gone):
        connection.execute(hook)
    for model in FACTS:
        connection.execute(f"create table {model}_{suffix} as from {model}")


def known_at(
    connection: duckdb.DuckDBPyConnection, model: str, clock: datetime
) -> Counter[tuple[object, ...]]:
    """The facts that hold at a clock, by their versions, of what had ended by then."""
    return facts(
        connection,
        f"from {model}_all where {ENDED_BEFORE[model].format(clock.date())} "
        f"and known_from <= timestamp '{clock}' "
        f"and (known_to is null or known_to > timestamp '{clock}')",
        model,
    )


def found_at(
    connection: duckdb.DuckDBPyConnection,
    model: str,
    received_until: datetime,
    clock: datetime,
) -> Counter[tuple[object, ...]]:
    """The facts that a build finds in what had been received, of what had ended."""
    return facts(
        connection,
        f"from {model}_{suffix_of(received_until)} "
        f"where known_to is null and {ENDED_BEFORE[model].format(clock.date())}",
        model,
    )


def facts(
    connection: duckdb.DuckDBPyConnection, source: str, model: str
) -> Counter[tuple[object, ...]]:
    return Counter(connection.execute(f"select {FACTS[model]} {source}").fetchall())


@pytest.mark.parametrize("model", FACTS)
@pytest.mark.parametrize("clock", MIDNIGHTS, ids=str)
def test_what_was_known_at_a_midnight_is_what_had_arrived(
    warehouse: duckdb.DuckDBPyConnection, clock: datetime, model: str
) -> None:
    known = known_at(warehouse, model, clock)
    found = found_at(warehouse, model, clock, clock)
    assert known
    assert known - found == Counter()
    assert found - known == Counter()


@pytest.mark.parametrize("model", FACTS)
@pytest.mark.parametrize("clock", MIDNIGHTS, ids=str)
def test_within_a_day_nothing_is_known_before_it_came(
    warehouse: duckdb.DuckDBPyConnection, clock: datetime, model: str
) -> None:
    """A fact is as at the midnight before, or as what has come until now makes it."""
    noon = noon_after(clock)
    known = known_at(warehouse, model, noon)
    before = found_at(warehouse, model, clock, noon)
    now = found_at(warehouse, model, noon, noon)
    assert known - before - now == Counter()


@pytest.mark.parametrize("known_at", MIDNIGHTS, ids=str)
def test_what_was_known_is_what_the_reference_finds(
    warehouse: duckdb.DuckDBPyConnection, rows: list[Telling], known_at: datetime
) -> None:
    """At every clock until then, and at one by which all that is said has happened."""
    events = [
        event_of(row)
        for row in rows
        if row["received_at"] <= known_at and not row["quarantine_reason"]
    ]
    kept = [group[0] for group in group_events(events, FeedRules({}, PREFERENCES))]
    for clock in (*(each for each in MIDNIGHTS if each <= known_at), MIDNIGHTS[-1]):
        second = seconds_of(clock)
        days = {
            (identifier, activity, *state)
            for identifier, by_activity in build_facts(kept).items()
            for activity, facts_of_days in by_activity.items()
            for fact in facts_of_days
            if fact.midnight < seconds_of(known_at) and (state := fact.at(second))
        }
        orders = {
            (identifier, order.order_id, order.time, order.amount)
            for identifier, of_identifier in build_orders(kept).items()
            for order in of_identifier
            if order.time < seconds_of(known_at) and order.stands_at(second)
        }
        assert standing(warehouse, "int_activity_days", known_at, clock) == days
        assert standing(warehouse, "int_orders", known_at, clock) == orders


def event_of(row: Telling) -> Event:
    """A row as the reference has it."""

    def seconds(column: str) -> int | None:
        return None if row[column] is None else seconds_of(row[column])

    is_order = row["activity"] == "purchase"
    return Event(
        activity=row["activity"],
        business_key=row["business_key"],
        table=(row["feed"], row["feed_table"]),
        event_id=row["event_id"],
        version=seconds("version_at"),
        time=seconds_of(row["occurred_at"]),
        identifier=row["identifier"],
        received_at=seconds("received_at"),
        quantity=row["quantity"],
        order_id=row["business_key"].removeprefix("order:") if is_order else None,
        reversed_order=row["reversed_order_id"],
        reversed_at=seconds("reversed_at"),
        amount=row["amount"],
    )


def standing(
    connection: duckdb.DuckDBPyConnection,
    model: str,
    known_at: datetime,
    clock: datetime,
) -> set[tuple[object, ...]]:
    """What stands at a clock by what was known at a moment, of days ended by then."""
    found = connection.execute(
        f"select {SHOWN[model]} from {model}_all "
        f"where {ENDED_BEFORE[model].format(known_at.date())} "
        f"and known_from <= timestamp '{known_at}' "
        f"and (known_to is null or known_to > timestamp '{known_at}') "
        f"and valid_from < timestamp '{clock}' "
        f"and (valid_to is null or valid_to >= timestamp '{clock}')"
    ).fetchall()
    assert len(set(found)) == len(found)
    return set(found)


@pytest.mark.parametrize("model", FACTS)
def test_versions_are_as_many_as_they_must_be(
    warehouse: duckdb.DuckDBPyConnection, model: str
) -> None:
    """No version is empty, none says what the one before it says; some are past."""
    [[versions, past, empty]] = warehouse.execute(
        f"select count(*), count(known_to), count_if(known_from >= known_to)"
        f" from {model}_all"
    ).fetchall()
    [[repeated]] = warehouse.execute(
        f"select count(*) from {model}_all as one inner join {model}_all as next"
        f" on one.known_to = next.known_from and ({columns_of('one', model)})"
        f" is not distinct from ({columns_of('next', model)})"
    ).fetchall()
    assert (empty, repeated) == (0, 0)
    assert past > versions / 10


def columns_of(relation: str, model: str) -> str:
    return ", ".join(f"{relation}.{name.strip()}" for name in FACTS[model].split(","))
