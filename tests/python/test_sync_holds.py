"""Rows that came to nothing are tried again, but neither too often nor too late."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from intent.settings import places
from intent.sync import service
from intent.sync.ledger import open_ledger
from sync_stage import Stage, number, over_case, set_stage


@pytest.fixture
def stage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    with set_stage(request.param, tmp_path / "shop", monkeypatch) as made:
        yield made


def in_ledger(stage: Stage, sql: str) -> list[tuple[Any, ...]]:
    with open_ledger(stage.shop.ledger) as ledger:
        return ledger.rows(sql)


def let_pauses_pass(stage: Stage) -> None:
    in_ledger(
        stage,
        "update rejected set next_try_at = next_try_at - interval 8 day,"
        " last_at = last_at - interval 8 day",
    )


@over_case("hubspot", "salesforce")
def test_who_is_not_there_is_looked_up_again_in_time(stage: Stage) -> None:
    stage.change_sync(mode="update_only")
    assert stage.run().skipped == 12
    requests, rows = len(stage.remote.log), "select count(*) from outbox"
    kept = in_ledger(stage, rows)
    stage.put(stage.key(5), {})
    held = stage.run()
    assert (held.planned, held.skipped, held.acknowledged) == (12, 12, 0)
    assert held.skips == {"HELD_BACK": 12}
    looked_up = [one for one in stage.remote.log[requests:] if one.method != "GET"]
    assert not [one for one in looked_up if "oauth2" not in one.path]
    assert in_ledger(stage, rows) == kept  # it would grow with every run
    let_pauses_pass(stage)
    result = stage.run()
    assert (result.acknowledged, result.skipped) == (1, 11)
    assert stage.records()[stage.key(5)] == stage.expected()[stage.key(5)]
    assert stage.run().skipped == 11


@over_case("hubspot", "salesforce")
def test_who_is_not_there_is_looked_up_at_once_when_it_matters(stage: Stage) -> None:
    """Not when a score fades a little, as all do, all the time."""
    stage.change_sync(mode="update_only")
    stage.run()
    for contact in (3, 6):
        stage.put(stage.key(contact), {})
    stage.shop.change("intent_score = greatest(0, intent_score - 0.02)")
    stage.shop.tick(1)
    assert stage.run().acknowledged == 0
    stage.shop.change("intent_score = 0.1", number(3))
    stage.shop.change("intent_grade = 'A9'", number(6))
    assert stage.run().acknowledged == 2


@over_case("hubspot", "salesforce")
def test_who_leaves_while_held_back_is_forgotten(stage: Stage) -> None:
    stage.change_sync(mode="update_only")
    stage.run()
    stage.shop.change("is_exportable = false", number(3))
    result = stage.run()
    assert (result.planned, result.skipped) == (11, 11)
    assert in_ledger(stage, "select count(*) from rejected") == [(11,)]
    stage.put(stage.key(3), {})
    let_pauses_pass(stage)
    stage.run()
    assert not stage.records()[stage.key(3)].keys() & stage.sync.fields.keys()


@over_case("customer_io")
def test_what_hangs_on_a_row_is_held_with_it(stage: Stage) -> None:
    stage.change_sync(segment_changes={"as": "events"})
    stage.run()
    stage.shop.add(1)
    stage.remote.poison(stage.key(12), "is not to our liking")
    first = stage.run()
    assert (first.rejected, first.skipped) == (1, 1)
    kept = in_ledger(stage, "select count(*) from outbox")
    held = stage.run()
    assert held.skips == {"HELD_BACK": 2}
    assert in_ledger(stage, "select count(*) from outbox") == kept
    stage.remote.heal(stage.key(12))
    assert stage.retry().acknowledged == 2
    assert stage.records() == stage.expected()


@over_case("customer_io")
def test_an_objection_ends_what_is_held_in_doubt_or_refused(stage: Stage) -> None:
    stage.run()
    told = stage.records()
    stage.remote.poison(stage.key(0), "is not to our liking")
    stage.shop.change("segment = 'cold'", number(0))
    assert stage.run().rejected == 1
    stage.shop.change("is_exportable = false", number(0))
    stage.remote.heal(stage.key(0))
    assert stage.run().acknowledged == 1
    there = stage.records()
    assert there.pop(stage.key(0)).keys() <= {"email"}
    assert there == {key: one for key, one in told.items() if key in there}
    assert not service.rejected(places(), stage.sync)
    assert stage.run().planned == 0


@over_case("customer_io")
def test_a_holdout_that_is_drawn_later_leaves(stage: Stage) -> None:
    stage.run()
    stage.shop.change("is_holdout = true", number(1))
    assert stage.run().acknowledged == 1
    assert "intent_segment" not in stage.records()[stage.key(1)]
    stage.shop.change("is_holdout = false", number(1))
    assert stage.run().acknowledged == 1
    assert stage.records()[stage.key(1)]["intent_segment"]
