"""A row at which we fail is refused alone: all others go, in this run and the next."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from intent.errors import IntentError
from intent.settings import places
from intent.sync import packing, service
from intent.sync.adapter import Adapter
from intent.sync.destinations import find_adapter
from intent.sync.model import Job, Part, Request, Row
from standins import find_cases
from standins.case import Case
from sync_stage import Stage, set_stage

NAMES = (
    "braze",
    "connectif",
    "customer_io",
    "eloqua",
    "hubspot",
    "klaviyo",
    "marketo",
    "pardot",
    "salesforce",
    "salesmanago",
    "webhook",
)
CASES = [case for case in find_cases() if case.name in NAMES]


@pytest.fixture
def stage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    with set_stage(request.param, tmp_path / "shop", monkeypatch) as made:
        yield made


def over(cases: Sequence[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stage", cases, ids=str, indirect=True)


def trip(bad: set[str], rows: Iterable[Row]) -> None:
    """Fail at some rows, as a fault of ours would, with a value in its words."""
    for row in rows:
        if row.key in bad:
            raise RuntimeError(f"can't write {row.key}")


def tripping(kind: type[Adapter[Any]], name: str, bad: set[str]) -> Callable[..., Any]:
    """A function of an adapter that fails at some rows."""
    true = getattr(kind, name)

    def pack(self: Adapter[Any], rows: Iterable[Row]) -> Iterator[Part]:
        def looked_at() -> Iterator[Row]:
            for row in rows:
                trip(bad, [row])
                yield row

        yield from true(self, looked_at())

    def refuse(self: Adapter[Any], row: Row) -> str | None:
        trip(bad, [row])
        found: str | None = true(self, row)
        return found

    def request(self: Adapter[Any], part: Part) -> Request:
        trip(bad, part.rows)
        asked: Request = true(self, part)
        return asked

    def step(self: Adapter[Any], part: Part, job: Job) -> Request:
        trip(bad, part.rows)
        asked: Request = true(self, part, job)
        return asked

    made: dict[str, Callable[..., Any]] = {
        "pack": pack,
        "refuse": refuse,
        "request": request,
        "step": step,
    }
    return made[name]


@pytest.mark.parametrize("where", ["pack", "refuse", "request"])
@over(CASES)
def test_a_row_that_we_fail_at_is_refused_alone(
    stage: Stage, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = find_adapter(stage.sync.destination)
    bad = {stage.key(number) for number in (1, 7)}
    with monkeypatch.context() as patch:
        patch.setattr(kind, where, tripping(kind, where, bad))
        result = stage.run()
    assert (result.rejected, result.acknowledged) == (2, result.planned - 2)
    expected = stage.expected()
    assert {key for key, fields in stage.records().items() if fields} == (
        expected.keys() - bad
    )
    refused = service.rejected(places(), stage.sync)
    assert {one.code for one in refused} == {packing.FAULT}
    assert "RuntimeError" in (refused[0].message or "")
    assert not any(key in (one.message or "") for one in refused for key in bad)
    assert stage.retry().acknowledged == 2
    assert stage.records() == expected


@over([case for case in CASES if case.name == "marketo"])
def test_a_job_that_we_fail_at_is_not_begun(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = find_adapter(stage.sync.destination)
    bad = {stage.key(3)}
    monkeypatch.setattr(kind, "is_job", lambda _, part: len(part.rows) > 3)
    with monkeypatch.context() as patch:
        patch.setattr(kind, "step", tripping(kind, "step", bad))
        patch.setattr(kind, "request", tripping(kind, "request", bad))
        result = stage.run()
    assert (result.rejected, result.acknowledged) == (1, result.planned - 1)


@over([case for case in CASES if case.name == "webhook"])
def test_a_fault_in_all_rows_is_one_of_ours(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = find_adapter(stage.sync.destination)
    monkeypatch.setattr(packing, "MOST_FAULTS", 5)
    for where in ("pack", "request"):
        with monkeypatch.context() as patch:
            patch.setattr(kind, where, tripping(kind, where, set(stage.expected())))
            with pytest.raises(IntentError, match="fault of intent"):
                stage.run()
    [result] = service.status(places())
    assert result.planned == result.rejected + result.deferred + result.skipped
    monkeypatch.undo()


@over([case for case in CASES if case.name == "customer_io"])
def test_moments_and_numbers_that_are_none_are_refused_alone(stage: Stage) -> None:
    for number, moment in enumerate(("infinity", "-infinity", "12026-07-01")):
        stage.shop.change(
            f"hot_until = timestamp '{moment}'", f"contact_id = md5('contact {number}')"
        )
    stage.shop.change("score_percentile = 'nan'", "contact_id = md5('contact 3')")
    result = stage.run()
    assert (result.rejected, result.acknowledged) == (4, result.planned - 4)
    assert result.rejections == {"NOT_A_MOMENT": 3, "NOT_A_NUMBER": 1}
    codes = service.plan(places(), stage.sync).refused
    assert codes == {"NOT_A_MOMENT": 3, "NOT_A_NUMBER": 1}


@over([case for case in CASES if case.name == "customer_io"])
def test_a_number_that_is_too_large_for_an_integer_stops_nobody(stage: Stage) -> None:
    fields = {
        name: rule.model_dump(exclude_defaults=True)
        for name, rule in stage.sync.fields.items()
    }
    fields["intent_rank"] = {"column": "score_percentile", "type": "integer"}
    stage.change_sync(fields=fields)
    stage.shop.change("score_percentile = 1e300", "contact_id = md5('contact 3')")
    stage.shop.change("score_percentile = 'nan'", "contact_id = md5('contact 4')")
    result = stage.run()
    assert (result.rejected, result.acknowledged) == (2, result.planned - 2)
