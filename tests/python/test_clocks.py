"""The warehouse at several clocks, against a scorer that shares nothing with it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pytest
from builds import Build, build_in_turn
from conftest import DEMO, FEEDS, PROJECT, Row, Shop
from reference import account_rows, compare, read_world, score_world
from reference.score import Result
from reference.values import moment_of
from reference.world import World

END = DEMO.until.isoformat()
PAST = ("2025-07-09", "2026-04-01")
LATER = "2026-07-20"
CLOCKS = [END, *(pytest.param(each, marks=pytest.mark.proofs) for each in PAST)]


DerivedDay = tuple[str, str, int, datetime]
"""Contact, signal, how often that day, when last."""


@dataclass(frozen=True)
class Snapshot:
    """What the marts said at one clock."""

    scores: list[Row]
    drivers: list[Row]
    states: Mapping[str, str]
    profiles: Mapping[str, Row]
    """What contact_intent says of each contact that is scored."""
    derived: frozenset[DerivedDay]


def take_snapshot(shop: Shop) -> Snapshot:
    states = shop.rows("from contact_intent")
    return Snapshot(
        scores=shop.rows("from contact_scores"),
        drivers=shop.rows("from contact_intent_drivers"),
        states={row["contact_id"]: row["state"] for row in states},
        profiles={r["contact_id"]: r for r in states if r["state"] != "suppressed"},
        derived=frozenset(
            (row["contact_id"], row["activity"], row["quantity"], row["last_at"])
            for row in shop.rows("from intent_intermediate.int_derived_days")
        ),
    )


@pytest.fixture(scope="module")
def world(demo_shop: Shop) -> World:
    return read_world(demo_shop.landing, PROJECT / "seeds", FEEDS)


@pytest.fixture(scope="module")
def at_the_end(demo_shop: Shop) -> Snapshot:
    return take_snapshot(demo_shop)


@pytest.fixture(scope="module")
def at_others(
    demo_shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Snapshot]:
    shops = {
        as_of: Shop(tmp_path_factory.mktemp(f"as_of_{as_of}"))
        for as_of in (*PAST, LATER)
    }
    build_in_turn(
        [
            Build(shop, date.fromisoformat(as_of), copy_of=demo_shop)
            for as_of, shop in shops.items()
        ],
        FEEDS,
    )
    return {as_of: take_snapshot(shop) for as_of, shop in shops.items()}


@pytest.fixture(scope="module", params=CLOCKS)
def as_of(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def snapshot(as_of: str, request: pytest.FixtureRequest) -> Snapshot:
    if as_of == END:
        found: Snapshot = request.getfixturevalue("at_the_end")
        return found
    others: dict[str, Snapshot] = request.getfixturevalue("at_others")
    return others[as_of]


@pytest.fixture(scope="module")
def expected(world: World, as_of: str) -> Result:
    """What the reference says at the same clock."""
    return score_world(world, datetime.fromisoformat(as_of))


def test_every_score_and_driver_agrees_with_the_reference(
    expected: Result, snapshot: Snapshot
) -> None:
    assert len(snapshot.scores) > 1000
    assert compare(expected, snapshot.scores, snapshot.drivers) == []
    assert snapshot.states == {
        contact.contact_id: contact.state for contact in expected.contacts.values()
    }


def test_every_derived_signal_agrees_with_the_reference(
    expected: Result, snapshot: Snapshot
) -> None:
    """Also those that earn no points, and so are no drivers."""
    assert snapshot.derived == derived_days(expected)


def derived_days(result: Result) -> frozenset[DerivedDay]:
    return frozenset(
        (result.contacts[key].contact_id, signal, day.quantity, moment_of(day.last_at))
        for key, signals in result.derived.items()
        for signal, days in signals.items()
        for day in days
    )


def test_who_contacts_are_is_what_was_known_at_the_clock(
    expected: Result, snapshot: Snapshot
) -> None:
    assert {
        contact_id: (
            row["account_id"],
            row["fit_score"] and round(row["fit_score"], 9),
            row["fit_grade"],
            row["buying_stage"],
            row["top_interest"],
        )
        for contact_id, row in snapshot.profiles.items()
    } == {
        expected.contacts[key].contact_id: (
            profile.account,
            profile.fit.score and round(profile.fit.score, 9),
            profile.fit.grade,
            profile.stage,
            profile.top_interest,
        )
        for key, profile in expected.profiles.items()
    }


def test_the_demo_has_contacts_of_every_segment_and_state(
    at_the_end: Snapshot,
) -> None:
    segments = Counter(
        row["segment"] for row in at_the_end.scores if row["score_model"] == "purchase"
    )
    assert set(segments) == {"hot", "warm", "cold"}
    assert set(at_the_end.states.values()) == {
        "active",
        "dormant",
        "never_active",
        "suppressed",
    }


def test_the_accounts_agree_with_the_reference(world: World, demo_shop: Shop) -> None:
    assert demo_shop.accounts() == account_rows(world)


@pytest.mark.proofs
def test_time_alone_raises_no_score_without_negative_part_or_new_signal(
    at_the_end: Snapshot, at_others: dict[str, Snapshot]
) -> None:
    """An order that falls due, a week or a year that ends may raise a score."""
    pulled_down = {
        (row["contact_id"], row["score_model"])
        for row in at_the_end.drivers
        if row["net_points"] < 0
    }
    signalled = {
        contact
        for contact, _, _, last_at in at_others[LATER].derived
        if last_at >= datetime.fromisoformat(END)
    }
    earlier = scores_by_key(at_the_end.scores)
    later = scores_by_key(at_others[LATER].scores)
    assert later.keys() == earlier.keys()
    falls = 0
    for key in earlier.keys() - pulled_down:
        if key[0] not in signalled:
            assert later[key] <= earlier[key] + 1e-12, key
            falls += later[key] < earlier[key]
    assert falls > 1000
    assert pulled_down


def scores_by_key(scores: list[Row]) -> dict[tuple[str, str], Any]:
    return {
        (row["contact_id"], row["score_model"]): row["intent_score"] for row in scores
    }
