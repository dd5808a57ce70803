"""Braze: how rows are told to it, what that costs, and events that come once."""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from intent.errors import BadInputError
from intent.sync import courier, retry
from intent.sync.destinations.braze import Braze, BrazeSettings, from_remote
from intent.sync.model import (
    ACKNOWLEDGED,
    Advice,
    Op,
    Part,
    RemoteRecord,
    Response,
    Row,
    State,
    Value,
)
from intent.sync.spec import FieldType
from pydantic import SecretStr
from standins import find_cases
from standins.braze import API_KEY, MARK, TRACK, BrazeStandIn
from standins.faults import APPLY_DROP, Fault, answers, applies_and_answers
from sync_shop import load_sync
from sync_stage import Stage, set_stage

NOW = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
[CASE] = [case for case in find_cases() if case.name == "braze"]


def adapter_of(**changes: Any) -> Braze:
    keys = BrazeSettings(
        url="https://rest.fra-01.braze.eu/", api_key=SecretStr(API_KEY)
    )
    return Braze(load_sync("braze", **changes), keys, NOW)


def row_of(
    number: int = 0,
    op: Op = Op.UPDATE,
    values: Mapping[str, Value] | None = None,
    changed: frozenset[str] | None = None,
) -> Row:
    told = {"intent_segment": "hot"} if values is None else values
    return Row(number, op, f"user{number}", told, f"event-{number}", None, changed)


def told_in(adapter: Braze, part: Part) -> Any:
    return orjson.loads(adapter.request(part).content)


def answer(status: int, **content: Any) -> Response:
    return Response(status, {}, orjson.dumps({"message": "success", **content}))


def part_of(*rows: Row) -> Part:
    [part] = adapter_of().pack(rows)
    return part


# Writing ----------------------------------------------------------------------------


def test_an_update_has_what_changed_and_nothing_else() -> None:
    values: dict[str, Value] = {"intent_segment": "hot", "intent_hot_until": None}
    part = part_of(
        row_of(0, values=values, changed=frozenset({"intent_hot_until"})),
        row_of(1, values=values),
        row_of(2, Op.CREATE, values),
        row_of(3, values=values, changed=frozenset({"gone"})),
    )
    told = told_in(adapter_of(), part)["attributes"]
    assert told[0] == {"external_id": "user0", "intent_hot_until": None}
    assert told[1:] == [{"external_id": f"user{n}", **values} for n in (1, 2, 3)]


def test_a_contact_that_leaves_creates_nobody() -> None:
    unset: dict[str, Value] = {"intent_segment": None}
    [told] = told_in(adapter_of(), part_of(row_of(0, Op.LEAVE, unset)))["attributes"]
    assert told == {
        "external_id": "user0",
        "_update_existing_only": True,
        "intent_segment": None,
        MARK: None,
    }


def test_an_event_takes_its_mark_with_it() -> None:
    at: dict[str, Value] = {"from": None, "to": "hot", "at": "2026-06-30T08:00:00Z"}
    adapter = adapter_of()
    part = part_of(row_of(1, Op.EVENT, at))
    told = told_in(adapter, part)
    assert told["attributes"] == [{"external_id": "user1", MARK: "event-1"}]
    [event] = told["events"]
    assert (event["time"], event["properties"]) == (at["at"], {"to": "hot"})
    done = RemoteRecord("", {MARK: "event-1"})
    assert adapter.has_done(part.rows[0], done)
    assert not adapter.has_done(part.rows[0], RemoteRecord("", {MARK: "event-0"}))


@pytest.mark.parametrize(
    ("options", "objects", "events"),
    [({}, 75, 37), ({"options": {"read_back": True, "objects": 50}}, 50, 25)],
)
def test_requests_are_full(options: dict[str, Any], objects: int, events: int) -> None:
    adapter = adapter_of(**options)
    parts = list(adapter.pack(row_of(n) for n in range(1_000)))
    assert len(parts) == math.ceil(1_000 / objects)
    told = {"from": None, "to": "hot", "at": "2026-06-30T08:00:00Z"}
    rows = [row_of(n, Op.EVENT, told) for n in range(100)]
    sizes = [len(part.rows) for part in adapter.pack(rows)]
    assert sizes[0] == events
    assert sum(sizes) == 100
    gone = [row_of(n, Op.DELETE, {}) for n in range(60)]
    assert [len(part.rows) for part in adapter.pack(gone)] == [50, 10]


def test_texts_that_braze_would_leave_out_are_refused() -> None:
    adapter = adapter_of()
    assert adapter.refuse(row_of(values={"a": "é" * 255})) is None
    assert "truncate" in str(adapter.refuse(row_of(values={"a": "x" * 256})))


# Answers ----------------------------------------------------------------------------


def error(index: Any) -> dict[str, Any]:
    return {"type": "no", "input_array": "attributes", "index": index}


def test_answers_name_the_rows_that_are_refused() -> None:
    adapter, part = adapter_of(), part_of(*map(row_of, range(3)))
    good = answer(201, attributes_processed=3)
    assert set(adapter.classify(part, good).outcomes.values()) == {ACKNOWLEDGED}
    verdict = adapter.classify(
        part, answer(201, attributes_processed=2, errors=[error(1)])
    )
    states = [verdict.outcomes[seq].state for seq in range(3)]
    assert states == [State.ACKNOWLEDGED, State.REJECTED, State.ACKNOWLEDGED]
    queued = Response(202, {}, b'{"message": "queued"}')
    assert len(adapter.classify(part, queued).outcomes) == 3


def test_nobody_is_taken_for_done_who_may_not_be() -> None:
    adapter, part = adapter_of(), part_of(*map(row_of, range(3)))
    missing = adapter.classify(part, answer(201, attributes_processed=2))
    assert (missing.outcomes, missing.advice) == ({}, Advice.IN_DOUBT)
    for index in (None, 7, "1"):
        unnamed = adapter.classify(part, answer(201, errors=[error(index)]))
        assert (unnamed.outcomes, unnamed.advice) == ({}, Advice.SPLIT)
    told: dict[str, Value] = {"to": "hot", "at": "2026-06-30T08:00:00Z"}
    events = part_of(*(row_of(n, Op.EVENT, told) for n in range(3)))
    unnamed = adapter.classify(events, answer(201, errors=["no"]))
    assert (unnamed.outcomes, unnamed.advice) == ({}, Advice.IN_DOUBT)
    with pytest.raises(ValueError, match="neither"):
        adapter.classify(part, Response(200, {}, b'{"message": "hello"}'))


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, Advice.SPLIT),
        (413, Advice.SPLIT),
        (401, Advice.REFUSED),
        (403, Advice.REFUSED),
        (404, Advice.REFUSED),
        (429, Advice.RESEND),
        (500, Advice.RESEND),
    ],
)
def test_trouble_is_told_from_refusals(status: int, advice: Advice) -> None:
    part = part_of(row_of(0), row_of(1))
    assert adapter_of().classify(part, answer(status)).advice is advice


@pytest.mark.parametrize(
    ("told", "kind", "ours"),
    [
        ("2030-01-01T08:00:00.000Z", FieldType.DATETIME, "2030-01-01T08:00:00Z"),
        ("2030-01-01T08:00:00+02:00", FieldType.DATETIME, "2030-01-01T06:00:00Z"),
        ("2030-01-01T00:00:00.000Z", FieldType.DATE, "2030-01-01"),
        ("soon", FieldType.DATETIME, "soon"),
        ("2030-01-01", FieldType.TEXT, "2030-01-01"),
        (3.5, FieldType.NUMBER, 3.5),
        (["a"], FieldType.TEXT, '["a"]'),
        (None, FieldType.DATETIME, None),
    ],
)
def test_values_are_read_back(told: Any, kind: FieldType, ours: Value) -> None:
    assert from_remote(told, kind) == ours


# Runs -------------------------------------------------------------------------------


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.01)
    with set_stage(CASE, tmp_path / "shop", monkeypatch) as made:
        yield made


def remote_of(stage: Stage) -> BrazeStandIn:
    assert isinstance(stage.remote, BrazeStandIn)
    return stage.remote


FIRST = "contact_id = md5('contact 0')"


def test_an_update_costs_what_changed(stage: Stage) -> None:
    remote = remote_of(stage)
    stage.run()
    before = remote.data_points
    stage.shop.change("segment = 'cold'", FIRST)
    assert stage.run().acknowledged == 1
    assert remote.data_points - before == 1
    stage.shop.tick(1)
    stage.shop.change("segment = 'hot', intent_score = 4.9", FIRST)
    stage.run()
    assert remote.data_points - before == 4  # and as_of, which went along
    assert stage.records()[stage.key(0)] == stage.expected()[stage.key(0)]


def test_what_may_have_been_written_unheard_is_written_whole(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changed since the last answer is not all that may differ over there."""
    remote = remote_of(stage)
    stage.change_sync(options={"read_back": False})
    stage.run()
    remote.faults.add(APPLY_DROP, TRACK, nth=2, times=None)
    stage.shop.change("segment = 'cold', buying_stage = 'decision'", FIRST)
    with monkeypatch.context() as patch:
        patch.setattr(courier, "TRIES", 1)
        assert stage.run().acknowledged == 0
    remote.faults.clear()
    stage.shop.change("segment = 'hot', buying_stage = null", FIRST)
    stage.shop.change("intent_score = 4.9", FIRST)
    stage.run()
    assert stage.records() == stage.expected()
    assert stage.run().planned == 0


@pytest.mark.parametrize(
    "fault", [APPLY_DROP, applies_and_answers(504), answers(500)], ids=str
)
def test_no_event_is_told_twice_or_lost(stage: Stage, fault: Fault) -> None:
    remote = remote_of(stage)
    stage.change_sync(segment_changes={"as": "events"})
    stage.run()
    stage.shop.change("segment = 'cold'", "segment = 'hot'")
    remote.faults.add(fault, TRACK, nth=3, times=1)  # a check, the records, the events
    result = stage.run()
    assert len(remote.faults.befell) == 1
    assert result.acknowledged == result.planned == 8
    told = [event["key"] for event in remote.events()]
    assert len(told) == len(set(told)) == 4


def test_an_event_in_doubt_is_settled_by_the_next_run(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = remote_of(stage)
    stage.change_sync(segment_changes={"as": "events"})
    stage.run()
    stage.shop.change("segment = 'cold'", FIRST)
    remote.faults.add(APPLY_DROP, TRACK, nth=3, times=None)
    remote.faults.add(answers(503), "/users/export/ids", nth=2, times=None)
    with monkeypatch.context() as patch:
        patch.setattr(courier, "TRIES", 2)
        assert stage.run().in_doubt == 1
    remote.faults.clear()
    stage.run()
    assert len(remote.events()) == 1
    assert stage.run().planned == 0


def test_rows_that_no_error_names_are_found(stage: Stage) -> None:
    remote = remote_of(stage)
    remote.names_errors = False
    remote.poison(stage.key(5))
    result = stage.run()
    assert (result.rejected, result.acknowledged) == (1, 11)


def test_what_is_queued_for_maintenance_is_accepted(stage: Stage) -> None:
    remote_of(stage).is_queueing = True
    assert stage.run().acknowledged == 12
    assert stage.records() == stage.expected()


# Syncs ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"object": "person"}, "object"),
        ({"match": {"field": "email", "column": "email"}}, "match.field"),
        ({"fields": {"email": {"column": "email", "trigger": True}}}, "email"),
        ({"fields": {"intent_told": {"column": "state", "trigger": True}}}, "custom"),
        ({"segment_changes": {"as": "lists", "lists": {"hot": "A"}}}, "segments"),
        ({"segment_changes": {"as": "events", "event": "x" * 256}}, "255"),
        ({"options": {}}, "read_back"),
        (
            {"options": {}, "segment_changes": None, "mode": "create_only"},
            "create_only",
        ),
        ({"options": {"objects": 76}}, "objects"),
    ],
)
def test_what_braze_has_not_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        adapter_of(**changes)
