"""The warehouse at several clocks, against a scorer that shares nothing with it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from conftest import DEMO, FEEDS, PROJECT, Row, Shop
from reference import account_rows, compare, read_world, score_world
from reference.world import World

END = DEMO.until.isoformat()
PAST = ("2025-07-09", "2025-12-15", "2026-04-01")
LATER = ("2026-07-02", "2026-07-20")


@dataclass(frozen=True)
class Snapshot:
    """What the marts said at one clock."""

    scores: list[Row]
    drivers: list[Row]
    states: Mapping[str, str]


def take_snapshot(shop: Shop) -> Snapshot:
    states = shop.rows("select contact_id, state from contact_intent")
    return Snapshot(
        scores=shop.rows("from contact_scores"),
        drivers=shop.rows("from contact_intent_drivers"),
        states={row["contact_id"]: row["state"] for row in states},
    )


@pytest.fixture(scope="module")
def world(demo_shop: Shop) -> World:
    return read_world(demo_shop.landing, PROJECT / "seeds", FEEDS)


@pytest.fixture(scope="module")
def snapshots(
    demo_shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Snapshot]:
    found = {END: take_snapshot(demo_shop)}
    shop = demo_shop.copy_to(tmp_path_factory.mktemp("clocks"))
    for as_of in (*PAST, *LATER):
        shop.build(as_of)
        found[as_of] = take_snapshot(shop)
    return found


@pytest.mark.parametrize("as_of", [END, *PAST])
def test_every_score_and_driver_agrees_with_the_reference(
    world: World, snapshots: dict[str, Snapshot], as_of: str
) -> None:
    expected = score_world(world, datetime.fromisoformat(as_of))
    snapshot = snapshots[as_of]
    assert len(snapshot.scores) > 1000
    assert compare(expected, snapshot.scores, snapshot.drivers) == []
    assert snapshot.states == {
        contact.contact_id: contact.state for contact in expected.contacts.values()
    }


def test_the_demo_has_contacts_of_every_segment_and_state(
    snapshots: dict[str, Snapshot],
) -> None:
    segments = Counter(
        row["segment"]
        for row in snapshots[END].scores
        if row["score_model"] == "purchase"
    )
    assert set(segments) == {"hot", "warm", "cold"}
    assert set(snapshots[END].states.values()) == {
        "active",
        "dormant",
        "never_active",
        "suppressed",
    }


def test_the_accounts_agree_with_the_reference(world: World, demo_shop: Shop) -> None:
    assert demo_shop.accounts() == account_rows(world)


def test_time_alone_raises_no_score_that_has_no_negative_part(
    snapshots: dict[str, Snapshot],
) -> None:
    pulled_down = {
        (row["contact_id"], row["score_model"])
        for row in snapshots[END].drivers
        if row["net_points"] < 0
    }
    earlier = scores_by_key(snapshots[END].scores)
    falls = 0
    for as_of in LATER:
        later = scores_by_key(snapshots[as_of].scores)
        assert later.keys() == earlier.keys()
        for key in earlier.keys() - pulled_down:
            assert later[key] <= earlier[key] + 1e-12, (as_of, key)
            falls += later[key] < earlier[key]
        earlier = later
    assert falls > 1000
    assert pulled_down


def scores_by_key(scores: list[Row]) -> dict[tuple[str, str], Any]:
    return {
        (row["contact_id"], row["score_model"]): row["intent_score"] for row in scores
    }
