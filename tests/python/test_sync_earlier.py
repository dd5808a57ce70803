"""Runs that are taken back, or taken up again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml
from intent.errors import UnavailableError
from intent.settings import places
from intent.sync import service
from intent.sync.ledger import open_ledger
from intent.sync.results import RunResult
from standins import find_cases
from standins.case import Case
from sync_stage import Silent, Stage, set_stage

NAMES = (
    "braze",
    "connectif",
    "customer_io",
    "eloqua",
    "hubspot",
    "klaviyo",
    "pardot",
    "salesmanago",
    "webhook",
)
CASES = [case for case in find_cases() if case.name in NAMES]
[CUSTOMER_IO] = [case for case in CASES if case.name == "customer_io"]


@dataclass
class Past(Stage):
    """A stage whose runs are taken back."""

    def rollback(self, run: RunResult) -> RunResult:
        """Take a run back, by the sync as it is now."""
        project = self.shop.folder / "project"
        (project / "syncs").mkdir(parents=True, exist_ok=True)
        content = self.sync.model_dump(mode="json", by_alias=True, exclude_none=True)
        file = project / "syncs" / f"{self.sync.name}.yml"
        file.write_text(yaml.safe_dump(content), encoding="utf-8")
        found = replace(places(), project=project)
        result = service.rollback(found, run.run_id, Silent())
        self.check(result)
        return result

    def resume(self) -> RunResult:
        """Finish the run before."""
        result = service.resume(places(), self.sync, Silent())
        assert result
        self.check(result)
        return result


@pytest.fixture
def stage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Past]:
    with set_stage(request.param, tmp_path / "shop", monkeypatch) as made:
        yield Past(made.case, made.remote, made.shop, made.sync)


def over(cases: Sequence[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stage", cases, ids=str, indirect=True)


def number(*of: int) -> str:
    ids = ", ".join(f"md5('contact {each}')" for each in of)
    return f"contact_id in ({ids})"


@over(CASES)
def test_who_left_by_mistake_is_told_again(stage: Past) -> None:
    stage.run()
    before = stage.records()
    stage.shop.change("is_exportable = false", number(1, 2))
    left = stage.run()
    assert stage.records() != before
    stage.shop.change("is_exportable = true", number(1, 2))
    assert stage.rollback(left).acknowledged == 2
    assert stage.records() == before
    assert stage.run().planned == 0


@over(CASES)
def test_nobody_who_objected_is_told_by_a_rollback(stage: Past) -> None:
    """Whether that was in the run that is taken back, or since."""
    stage.run()
    stage.shop.change("is_exportable = false", number(1))
    stage.shop.change("segment = 'cold'", number(0, 3))
    run = stage.run()
    stage.shop.change("is_exportable = false", number(3))
    told = stage.records()
    result = stage.rollback(run)
    assert (result.planned, result.acknowledged) == (1, 1)
    after = stage.records()
    assert after.pop(stage.key(0)) != told.pop(stage.key(0))
    assert after == told
    stage.run()
    kept = {name for name, rule in stage.sync.fields.items() if rule.if_null == "keep"}
    for one in (1, 3):
        there = stage.records().get(stage.key(one), {}).keys() & stage.sync.fields
        assert there <= kept


@over([CUSTOMER_IO])
def test_who_may_be_told_must_be_known(stage: Past) -> None:
    run = stage.run()
    stage.shop.warehouse.rename(stage.shop.folder / "away.duckdb")
    with pytest.raises(UnavailableError):
        stage.rollback(run)


@over(CASES)
def test_nobody_who_objected_is_told_by_the_rest_of_a_run(stage: Past) -> None:
    stage.run()
    stage.shop.change("segment = 'cold', intent_score = 0.1", number(0, 3))
    stage.change_sync(requests_a_day=1)
    assert stage.run().deferred == 2
    stage.change_sync()
    stage.shop.change("is_exportable = false", number(3))
    told = stage.records()
    assert stage.resume().acknowledged == 1
    assert stage.records() == {**told, stage.key(0): stage.expected()[stage.key(0)]}
    assert stage.run().acknowledged == 1


@over(CASES)
def test_a_rollback_can_be_taken_back(stage: Past) -> None:
    stage.run()
    before = stage.records()
    stage.shop.change("segment = 'cold'", number(0))
    stage.shop.add(1)
    run = stage.run()
    after = stage.records()
    back = stage.rollback(run)
    assert back.acknowledged == 2
    kept = {key: fields for key, fields in stage.records().items() if key in before}
    assert kept == before
    assert stage.rollback(run).planned == 0
    assert stage.rollback(back).acknowledged == 2
    assert stage.records() == after
    assert stage.run().planned == 0


@over(CASES)
def test_what_a_later_run_wrote_stays(stage: Past) -> None:
    stage.run()
    before = stage.records()
    stage.shop.change("segment = 'cold'", number(0, 3))
    run = stage.run()
    stage.shop.change("segment = 'warm'", number(3))
    stage.run()
    after = stage.records()
    assert stage.rollback(run).acknowledged == 1
    assert stage.records() == {**after, stage.key(0): before[stage.key(0)]}


@over([case for case in CASES if case.event])
def test_no_event_is_told_twice_because_of_a_rollback(stage: Past) -> None:
    read = stage.case.event
    assert read
    stage.change_sync(segment_changes={"as": "events"})
    first = stage.run()
    stage.rollback(first)
    assert not any(fields.get("intent_segment") for fields in stage.records().values())
    stage.run()
    assert stage.records() == stage.expected()
    assert not stage.remote.events()
    stage.shop.change("segment = 'cold'", number(0))
    second = stage.run()
    stage.rollback(second)
    stage.run()
    assert [read(one)[2:] for one in stage.remote.events()] == [("hot", "cold")]
    stage.shop.change("is_exportable = false", number(0))
    stage.run()
    stage.shop.change("is_exportable = true", number(0))
    stage.run()
    assert [read(one)[2:] for one in stage.remote.events()][1:] == [(None, "cold")]


@over([case for case in CASES if case.lists])
def test_lists_are_as_they_were_before_a_run(stage: Past) -> None:
    stage.change_sync(segment_changes={"as": "lists", "lists": dict(stage.case.lists)})
    stage.run()
    before, records = stage.remote.lists(), stage.records()
    stage.shop.change("segment = 'warm'", number(0))
    stage.shop.change("segment = 'hot'", number(2))
    stage.shop.change("is_exportable = false", number(3))
    stage.shop.add(3)
    second = stage.run()
    changed = stage.remote.lists()
    assert changed != before
    stage.shop.change("is_exportable = true", number(3))
    stage.rollback(second)
    assert stage.remote.lists() == before
    assert {key: stage.records()[key] for key in records} == records
    stage.run()
    [row] = stage.shop.rows(
        f"select segment from intent.contact_intent where {number(3)}"
    )
    changed[stage.case.lists[row["segment"]]].add(stage.key(3))
    assert stage.remote.lists() == changed
    assert stage.records() == stage.expected()


@over([CUSTOMER_IO])
def test_a_run_that_wrote_nothing_has_nothing_to_take_back(stage: Past) -> None:
    stage.shop.change("email = null, contact_id = ' ' || contact_id", number(1))
    stage.run()
    for key in stage.expected():
        stage.remote.poison(key, "is not to our liking")
    stage.shop.change("segment = 'warm'")
    refused = stage.run()
    assert refused.acknowledged == 0
    assert stage.rollback(refused).planned == 0
    with open_ledger(stage.shop.ledger) as ledger:
        assert ledger.rows("select count(*) from runs") == [(3,)]
