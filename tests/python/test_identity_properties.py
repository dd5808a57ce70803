"""Who is who, in hundreds of random small worlds at once, against plain union-find.

The worlds stand in one landing folder, each with names of its own, so that one run of
dbt judges them all; what the models make of them is compared with the reference at
every clock. They are landed twice: at once, and in random slices with a run each.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import PROJECT, Shop
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from reference import read_world
from reference.hand_made import Row, write_file
from reference.identity import Identities
from reference.score import contact_id_of
from reference.values import seconds_of

WORLDS = 300
SLICES = 3
FEEDS = ("web", "shop", "crm")
FIRST_DAY = datetime(2026, 3, 1)
DAYS = 20
CLOCKS = [FIRST_DAY + timedelta(days=day) for day in range(1, DAYS + 2)]
HOURS = 2
"""Times fall on few hours, so that many things happen at once."""

Contacts = Mapping[str, str]
"""Identifier to contact_id."""


class Told(NamedTuple):
    """A raw row of a table, such as ("web", "events")."""

    table: tuple[str, str]
    row: Row


class Plan(NamedTuple):
    """A row before it has a name and a time."""

    source: str
    identifiers: Mapping[str, int]
    hour: int
    created_before: int


SOURCES: Mapping[str, tuple[tuple[str, str], tuple[str, ...]]] = {
    "visit": (("web", "events"), ("user_id", "email", "anonymous_id")),
    "login": (("web", "identifies"), ("user_id", "email", "phone", "anonymous_id")),
    "order": (("shop", "orders"), ("customer_id", "email", "phone")),
    "customer": (("shop", "customers"), ("customer_id", "email", "phone")),
    "contact": (("crm", "contacts"), ("crm_id", "customer_id", "email", "phone")),
    "merge": (
        ("crm", "identifier_links"),
        ("customer_id", "user_id", "crm_id", "email", "phone", "anonymous_id"),
    ),
}
RECORDS = {"customer": "customer_id", "contact": "crm_id"}
WITHDRAWALS = "withdrawal"


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """One row: who it names, of three of each kind, and when."""
    source = draw(
        st.sampled_from([*SOURCES, *RECORDS, *RECORDS, *RECORDS, WITHDRAWALS])
    )
    kinds = SOURCES["merge" if source == WITHDRAWALS else source][1]
    named = draw(st.sets(st.sampled_from(kinds), min_size=1, max_size=3))
    needed = {RECORDS[source]} if source in RECORDS else set()
    return Plan(
        source=source,
        identifiers={kind: draw(st.integers(0, 2)) for kind in sorted(named | needed)},
        hour=draw(st.integers(0, DAYS * HOURS - 1)),
        created_before=draw(st.integers(0, 2)),
    )


worlds = st.lists(plans(), min_size=8, max_size=30)


def drawn_worlds() -> list[list[Plan]]:
    """Worlds as hypothesis draws them, the same ones each time."""
    drawn: list[list[Plan]] = []

    @seed(20260701)
    @settings(
        max_examples=WORLDS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(worlds)
    def collect(world: list[Plan]) -> None:
        drawn.append(world)

    collect()
    return drawn


def told_rows(worlds: list[list[Plan]]) -> list[Told]:
    """The raw rows of all worlds, each with names of its own."""
    return [
        told_row(plan, f"w{number}", f"w{number}r{index}")
        for number, world in enumerate(worlds)
        for index, plan in enumerate(world)
    ]


def told_row(plan: Plan, world: str, event_id: str) -> Told:
    time = FIRST_DAY + timedelta(hours=plan.hour * 24 // HOURS)
    table, _ = SOURCES["merge" if plan.source == WITHDRAWALS else plan.source]
    row: dict[str, object] = {
        kind: named(kind, world, number) for kind, number in plan.identifiers.items()
    }
    if plan.source in RECORDS:
        created_at = time - timedelta(days=plan.created_before)
        row |= {"created_at": created_at, "updated_at": time}
    elif plan.source == "order":
        row |= {"order_id": event_id, "ordered_at": time}
    else:
        row |= {"event_id": event_id, "event_time": time}
    if plan.source == "visit":
        row["event_name"] = "Page Viewed"
    if table == ("crm", "identifier_links"):
        row["is_withdrawn"] = plan.source == WITHDRAWALS
    # Two versions of one second: the one received last counts.
    row["received_at"] = time + timedelta(seconds=len(event_id), hours=1)
    return Told(table, row)


def named(kind: str, world: str, number: int) -> str:
    if kind == "email":
        return (f"{world}.{number}@x.example", f"{world}-{number}@GMAIL.com")[
            number % 2
        ]
    return f"{world}-{number}"


def land(landing: Path, rows: list[Told], name: str) -> None:
    tables: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for table, row in rows:
        tables[table].append(row)
    for (feed, table_name), of_table in tables.items():
        write_file(landing / feed / table_name / f"{name}.ndjson", of_table)


def run_identity(shop: Shop, as_of: datetime) -> None:
    done = shop.dbt(
        "build",
        *("--select", "+retired_contact_ids", "assert_identity_is_settled"),
        *("--indirect-selection", "cautious", "--exclude-resource-type", "unit_test"),
        variables={
            "intent_as_of": as_of.date().isoformat(),
            "intent_feeds": list(FEEDS),
        },
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """All worlds, landed and judged at once."""
    shop = Shop(tmp_path_factory.mktemp("at_once"))
    land(shop.landing, told_rows(drawn_worlds()), "all")
    run_identity(shop, CLOCKS[-1])
    return shop


@pytest.fixture(scope="module")
def in_slices(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The same rows in random order, in slices, each judged when it comes."""
    shop = Shop(tmp_path_factory.mktemp("in_slices"))
    rows = told_rows(drawn_worlds())
    rows.sort(key=lambda told: hashlib.sha256(repr(told).encode()).digest())
    for number in range(SLICES):
        land(shop.landing, rows[number::SLICES], f"slice_{number}")
        run_identity(shop, CLOCKS[-1])
    return shop


@pytest.fixture(scope="module")
def reference(at_once: Shop) -> Identities:
    """The reference's view of the same files."""
    return read_world(at_once.landing, PROJECT / "seeds", FEEDS).identities


def contacts_at(shop: Shop, clock: datetime) -> Contacts:
    rows = shop.rows(f"""
        select identifier, contact_id
        from intent_intermediate.int_identifier_contacts
        where
            valid_from < timestamp '{clock}'
            and (valid_to is null or valid_to >= timestamp '{clock}')
    """)
    contacts = {row["identifier"]: row["contact_id"] for row in rows}
    assert len(contacts) == len(rows), "an identifier is in two contacts at once"
    return contacts


def expected_contacts(identities: Identities, clock: datetime) -> Contacts:
    return {
        identifier: contact_id_of(members[0])
        for members in identities.components(seconds_of(clock))
        for identifier in members
    }


def differences(found: Contacts, expected: Contacts) -> list[str]:
    """What differs, world by world, to be read."""
    return sorted(
        f"{identifier}: {found.get(identifier)}, not {expected.get(identifier)}"
        for identifier in found.keys() | expected.keys()
        if found.get(identifier) != expected.get(identifier)
    )


@pytest.mark.parametrize("clock", CLOCKS, ids=str)
def test_contacts_are_the_components_at_every_clock(
    at_once: Shop, reference: Identities, clock: datetime
) -> None:
    expected = expected_contacts(reference, clock)
    assert differences(contacts_at(at_once, clock), expected) == []


def test_worlds_have_in_them_what_is_hard(at_once: Shop, reference: Identities) -> None:
    """Merges that are taken back, shared identifiers and changes of hands."""
    parted = len(reference._partings)
    counts = at_once.rows("""
        select
            (select count(*) from intent_intermediate.int_shared_identifiers) as shared,
            (select count(*) from intent_intermediate.int_identifier_handovers)
                as handed_over,
            (select count(*) from intent_intermediate.int_identifier_link_periods
                where valid_to is not null) as taken_back,
            (select max(size) from (
                select count(*) as size
                from intent_intermediate.int_identifier_clusters group by component
            )) as largest
    """)[0]
    assert parted > 20
    assert counts["shared"] > 20
    assert counts["handed_over"] > 20
    assert counts["taken_back"] > 100
    assert counts["largest"] > 8


@pytest.mark.proofs
@pytest.mark.parametrize(
    "table", ["int_identifier_contacts", "int_identifier_link_periods"]
)
def test_any_order_of_arrival_ends_in_the_same(
    at_once: Shop, in_slices: Shop, table: str
) -> None:
    query = {
        "int_identifier_contacts": """
            select * exclude (run_id)
            from intent_intermediate.int_identifier_contacts order by all
        """,
        "int_identifier_link_periods": """
            select one.identifier, other.identifier as linked, valid_from, valid_to
            from intent_intermediate.int_identifier_link_periods as periods
            inner join intent_intermediate.int_identifiers as one
                on periods.node = one.node
            inner join intent_intermediate.int_identifiers as other
                on periods.linked_node = other.node
            where valid_from is not null
            order by all
        """,
    }[table]
    assert at_once.rows(query) == in_slices.rows(query)
