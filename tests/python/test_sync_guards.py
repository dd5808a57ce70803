"""What stops a run before anything is sent, to the row."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from intent.errors import GuardError
from intent.settings import places
from intent.sync import service
from intent.sync.difference import Difference
from intent.sync.planning import find_guards
from intent.sync.source import Source
from intent.sync.spec import GuardRule
from standins import find_cases
from sync_shop import load_sync
from sync_stage import Stage, set_stage

[CUSTOMER_IO] = [case for case in find_cases() if case.name == "customer_io"]


def tripped(
    acked: int,
    leaving: int = 0,
    downgrades: int = 0,
    deletions: int = 0,
    red: bool = False,
    **shares: float,
) -> list[str]:
    """The names of the guards that stop a run of so many rows."""
    sync = load_sync("customer_io", guards=GuardRule.model_validate(shares))
    source = Source("shop", {}, None, {}, ["web is silent"] if red else [], None)
    difference = Difference(
        source_rows=max(0, acked - leaving),
        without_key=0,
        acked_rows=acked,
        unchanged=0,
        leaving=leaving,
        downgrades=downgrades,
        deletions=deletions,
        is_first=False,
    )
    return [each.partition(":")[0] for each in find_guards(sync, source, difference)]


def test_nothing_stops_a_first_run() -> None:
    assert tripped(0) == []
    assert tripped(0, at_least=0, shrinking=0, downgrades=0, deletions=0) == []


@pytest.mark.parametrize(
    ("acked", "rows", "stops"),
    [(100, 19, False), (100, 20, True), (1000, 199, False), (1000, 200, True)],
)
def test_at_the_share_it_stops(acked: int, rows: int, stops: bool) -> None:
    assert tripped(acked, leaving=rows) == ["shrinking"] * stops
    assert tripped(acked, downgrades=rows, red=True) == ["downgrades"] * stops
    assert tripped(acked, downgrades=rows) == []
    assert tripped(4 * acked, deletions=rows) == ["deletions"] * stops


def test_few_rows_stop_nothing() -> None:
    assert tripped(19, leaving=19, downgrades=19, deletions=19, red=True) == []
    assert tripped(20, leaving=20, deletions=20) == ["shrinking", "deletions"]
    assert tripped(3, leaving=1, at_least=1) == ["shrinking"]
    assert tripped(3, at_least=0, shrinking=0) == []


def test_who_leaves_half_as_often_makes_downgrades_suspicious() -> None:
    assert tripped(1000, leaving=99, downgrades=300) == []
    assert tripped(1000, leaving=100, downgrades=300) == ["downgrades"]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with set_stage(CUSTOMER_IO, tmp_path / "shop", monkeypatch, 40) as made:
        yield made


def test_as_many_others_do_not_make_up_for_who_leaves(stage: Stage) -> None:
    """Such as when all ids change: everybody would be left, and created anew."""
    stage.run()
    stage.shop.change("contact_id = md5(contact_id)")
    before = stage.records()
    with pytest.raises(GuardError, match="shrinking: 40 of 40 rows"):
        stage.run(allowed=())
    assert stage.records() == before
    stage.shop.remove("true")
    with pytest.raises(GuardError, match="shrinking"):
        stage.run(allowed=())
    assert stage.records() == before
    assert stage.run(allowed=("shrinking", "downgrades")).acknowledged == 40


def test_erasures_do_not_stop_a_mirror(stage: Stage) -> None:
    stage.change_sync(mode="mirror", guards={"at_least": 1, "deletions": 0.05})
    stage.run()
    stage.shop.remove("contact_id = md5('contact 1')")
    assert service.plan(places(), stage.sync).guards == []
    stage.shop.remove("contact_id = md5('contact 2')")
    [guard] = service.plan(places(), stage.sync).guards
    assert guard.startswith("deletions: 2 of 40 records")
