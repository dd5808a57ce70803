"""Klaviyo: how rows are told to it, what answers mean, and imports without order."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from intent.errors import BadInputError
from intent.sync import courier, retry
from intent.sync.destinations._klaviyo_import import BYTES, ROW_BYTES
from intent.sync.destinations.klaviyo import Klaviyo, KlaviyoSettings
from intent.sync.model import (
    ACKNOWLEDGED,
    Advice,
    Job,
    Move,
    Op,
    Part,
    Response,
    Row,
    State,
    Value,
)
from pydantic import SecretStr
from standins import find_cases
from standins.faults import APPLY_DROP
from standins.klaviyo import API_KEY, JOBS, KlaviyoStandIn
from sync_shop import load_sync
from sync_stage import Stage, set_stage

NOW = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
[CASE] = [case for case in find_cases() if case.name == "klaviyo"]


def adapter_of(**changes: Any) -> Klaviyo:
    return Klaviyo(
        load_sync("klaviyo", **changes),
        KlaviyoSettings(api_key=SecretStr(API_KEY)),
        NOW,
    )


def row_of(
    number: int = 0, op: Op = Op.UPDATE, values: Mapping[str, Value] | None = None
) -> Row:
    told = {"intent_segment": "hot"} if values is None else values
    return Row(number, op, f"person{number}@shop.example", told, f"event-{number}")


def answer(status: int, data: Any = None, **more: Any) -> Response:
    return Response(status, {}, orjson.dumps({"data": data, **more}))


def state(status: str, done: int = 0, failed: int = 0) -> Response:
    counts = {"completed_count": done, "failed_count": failed}
    return answer(200, {"id": "j", "attributes": {"status": status, **counts}})


def part_of(*rows: Row) -> Part:
    [part] = adapter_of().pack(rows)
    return part


def moved(part: Part, *responses: Response) -> Move:
    """Where a job stands after some answers."""
    job, move = Job(), None
    for response in responses:
        move = adapter_of().advance(part, job, response)
        job = move.job
    assert move
    return move


STARTED = answer(202, {"type": "profile-bulk-import-job", "id": "j"})


# Writing ----------------------------------------------------------------------------


def test_a_profile_names_what_it_sets_and_what_it_unsets() -> None:
    values: dict[str, Value] = {
        "intent_segment": "hot",
        "intent_score": 3.2,
        "intent_grade": None,
    }
    content = orjson.loads(part_of(row_of(values=values)).content)
    [profile] = content["data"]["attributes"]["profiles"]["data"]
    assert profile == {
        "type": "profile",
        "attributes": {
            "email": "person0@shop.example",
            "properties": {"intent_segment": "hot", "intent_score": 3.2},
        },
        "meta": {"patch_properties": {"unset": ["intent_grade"]}},
    }


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXT, min_size=1, max_size=30))
@example(texts=["\x01" * 300, '"', "\u2028"])
def test_texts_arrive_as_they_are(texts: Sequence[str]) -> None:
    adapter, remote = adapter_of(), KlaviyoStandIn()
    rows = [row_of(n, values={"intent_segment": t}) for n, t in enumerate(texts)]
    for part in adapter.pack(rows):
        content = orjson.loads(adapter.request(part).content)
        for profile in content["data"]["attributes"]["profiles"]["data"]:
            remote.upsert(profile)
    there = remote.records()
    assert [there[row.key]["intent_segment"] for row in rows] == list(texts)


def test_imports_are_filled_to_the_byte_or_the_row() -> None:
    long = {"intent_segment": "x" * 2_000}
    parts = list(adapter_of().pack(row_of(n, values=long) for n in range(6_000)))
    assert [row.seq for part in parts for row in part.rows] == list(range(6_000))
    for part in parts[:-1]:
        assert BYTES - 2_200 < len(part.content) <= BYTES
    short = list(adapter_of().pack(map(row_of, range(20_001))))
    assert [len(part.rows) for part in short] == [10_000, 10_000, 1]


def test_rows_that_are_too_large_are_refused() -> None:
    adapter = adapter_of()
    most = ROW_BYTES - len(part_of(row_of(values={"a": ""})).content) + 100
    assert adapter.refuse(row_of(values={"a": "x" * (most - 150)})) is None
    assert "100,000 bytes" in str(adapter.refuse(row_of(values={"a": "é" * most})))


def test_an_event_has_the_same_id_each_time_and_a_deletion_only_the_address() -> None:
    adapter = adapter_of()
    at: dict[str, Value] = {"from": None, "to": "hot", "at": "2026-06-30T08:00:00Z"}
    event, gone = row_of(1, Op.EVENT, at), row_of(2, Op.DELETE, {})
    [told, erased] = [adapter.request(part) for part in adapter.pack([event, gone])]
    attributes = orjson.loads(told.content)["data"]["attributes"]
    assert attributes["unique_id"] == "event-1"
    assert attributes["properties"] == {"from": None, "to": "hot"}
    assert attributes["time"] == at["at"]
    assert (told.lane, erased.lane) == ("events", "deletions")
    assert b"person2@shop.example" in erased.content
    for part in adapter.pack([gone]):
        for status in (202, 404):
            verdict = adapter.classify(part, answer(status))
            assert verdict.outcomes == {2: ACKNOWLEDGED}


def test_no_request_has_an_address_in_its_path_unless_that_is_wanted() -> None:
    adapter = adapter_of()
    assert adapter.lookup_rows == 0
    assert adapter_of(options={"read_back": True}).lookup_rows == 100
    for part in adapter.pack([row_of(), row_of(1, Op.DELETE, {})]):
        assert "person" not in adapter.request(part).path


# Answers ----------------------------------------------------------------------------


def test_a_complete_import_acknowledges_all_rows() -> None:
    part = part_of(row_of(0), row_of(1))
    move = moved(part, STARTED, state("queued"), state("processing"))
    assert (move.job.step, move.job.vendor_id) == ("poll", "j")
    assert not move.verdict.outcomes
    move = moved(part, STARTED, state("complete", 2))
    assert move.job.step == "done"
    assert move.verdict.outcomes == {0: ACKNOWLEDGED, 1: ACKNOWLEDGED}


def error(payload: Any = None, pointer: str = "/data") -> dict[str, Any]:
    told = {
        "code": "invalid",
        "title": "t",
        "detail": "no",
        "original_payload": payload,
    }
    return {"attributes": {**told, "source": {"pointer": pointer}}}


def person(number: int) -> dict[str, Any]:
    return {"type": "profile", "attributes": {"email": f"Person{number}@shop.example"}}


@pytest.mark.parametrize(
    "told",
    [
        error(person(1)),
        error({"data": person(1)}),
        error({"email": "person1@shop.example"}),
        error(None, "/data/attributes/profiles/data/1/attributes/properties/score"),
    ],
)
def test_an_error_names_its_row(told: dict[str, Any]) -> None:
    part = part_of(*map(row_of, range(3)))
    complete = state("complete", 2, 1)
    move = moved(part, STARTED, complete, answer(200, [told]))
    outcomes = move.verdict.outcomes
    assert [outcomes[seq].state for seq in range(3)] == [
        State.ACKNOWLEDGED,
        State.REJECTED,
        State.ACKNOWLEDGED,
    ]
    assert (outcomes[1].code, outcomes[1].message) == ("INVALID", "no")
    if "score" in told["attributes"]["source"]["pointer"]:
        assert outcomes[1].field == "score"


def test_errors_come_in_pages() -> None:
    part = part_of(*map(row_of, range(3)))
    following = {"next": "https://a.klaviyo.com/x?page%5Bcursor%5D=abc%3D"}
    first = answer(200, [error(person(0))], links=following)
    move = moved(part, STARTED, state("complete", 1, 2), first)
    assert move.job.step == "errors"
    assert "page%5Bcursor%5D=abc%3D" in adapter_of().step(part, move.job).path
    last = answer(200, [error(person(2))], links={"next": None})
    move = moved(part, STARTED, state("complete", 1, 2), first, last)
    assert move.verdict.outcomes[1] == ACKNOWLEDGED
    assert move.verdict.outcomes[2].state is State.REJECTED


def test_nobody_is_taken_for_done_who_may_not_be() -> None:
    part = part_of(*map(row_of, range(3)))
    unnamed = moved(part, STARTED, state("complete", 2, 1), answer(200, [error()]))
    assert (unnamed.verdict.outcomes, unnamed.verdict.advice) == ({}, Advice.SPLIT)
    missing = moved(part, STARTED, state("complete", 2, 0))
    assert (missing.verdict.outcomes, missing.verdict.advice) == ({}, Advice.SPLIT)
    alone = moved(part_of(row_of()), STARTED, state("complete", 0, 0))
    assert (alone.verdict.outcomes, alone.verdict.advice) == ({}, Advice.RESEND)
    stopped = moved(part, STARTED, state("cancelled", 3))
    assert (stopped.verdict.outcomes, stopped.verdict.advice) == ({}, Advice.RESEND)
    with pytest.raises(ValueError, match="state"):
        moved(part, STARTED, state("burnt"))


def test_places_count_only_while_all_rows_are_there() -> None:
    """After a crash a job goes on with those rows that have no outcome yet."""
    job = Job("errors", "j", {"rows": 3, "failed": 1, "done": 2, "named": 0})
    told = error(None, "/data/attributes/profiles/data/0")
    move = adapter_of().advance(part_of(row_of(1), row_of(2)), job, answer(200, [told]))
    assert move.verdict.outcomes == {}


def test_a_request_that_is_refused_names_rows_or_is_halved() -> None:
    part = part_of(row_of(0), row_of(1))
    pointer = {"source": {"pointer": "/data/attributes/profiles/data/1/attributes"}}
    wrong = {"code": "invalid", "detail": "no"}
    named = moved(part, answer(400, errors=[{**wrong, **pointer}]))
    assert [*named.verdict.outcomes] == [1]
    assert named.verdict.advice is Advice.RESEND
    assert moved(part, answer(413)).verdict.advice is Advice.SPLIT
    alone = moved(part_of(row_of()), answer(400, errors=[wrong]))
    assert alone.verdict.outcomes[0].state is State.REJECTED


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, Advice.REFUSED),
        (403, Advice.REFUSED),
        (429, Advice.RESEND),
        (503, Advice.RESEND),
    ],
)
def test_trouble_leaves_a_job_where_it_is(status: int, advice: Advice) -> None:
    move = moved(part_of(row_of()), STARTED, Response(status))
    assert (move.job.step, move.verdict.advice) == ("poll", advice)


# Order ------------------------------------------------------------------------------


def test_a_run_waits_for_imports_of_before_and_not_for_those_of_others_since() -> None:
    adapter = adapter_of()

    def begun(minutes: float, status: str = "queued") -> Response:
        at = (NOW + timedelta(minutes=minutes)).isoformat()
        return answer(
            200, [{"id": "j", "attributes": {"status": status, "created_at": at}}]
        )

    waits = adapter.refuses(begun(-30))
    assert waits
    assert (waits.advice, waits.wait) == (Advice.RESEND, adapter.options.poll_seconds)
    assert adapter.refuses(begun(0.5))
    assert adapter.refuses(begun(-30, "complete")) is None
    assert adapter.refuses(begun(5)) is None
    assert adapter.refuses(answer(200, [])) is None


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.01)
    with set_stage(CASE, tmp_path / "shop", monkeypatch) as made:
        yield made


def remote_of(stage: Stage) -> KlaviyoStandIn:
    assert isinstance(stage.remote, KlaviyoStandIn)
    return stage.remote


def test_an_import_nobody_heard_of_can_not_end_after_newer_values(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = remote_of(stage)
    stage.run()
    remote.import_seconds = 2.0
    remote.faults.add(APPLY_DROP, f"^{JOBS}$", "POST", times=None)
    stage.shop.change("segment = 'cold', intent_score = 0.5")
    with monkeypatch.context() as patch:
        patch.setattr(courier, "TRIES", 1)
        assert stage.run().acknowledged == 0
    assert any(job.is_unfinished for job in remote.jobs.values())
    remote.faults.clear()
    remote.import_seconds = 0.02
    remote.races.clear()  # the repetitions of one run say the same
    stage.shop.change("segment = 'hot', intent_score = 4.5")
    assert stage.run().acknowledged == 12
    assert not remote.races
    assert stage.records() == stage.expected()


def test_no_two_imports_under_way_have_a_contact_in_common(stage: Stage) -> None:
    remote = remote_of(stage)
    stage.change_sync(rows_at_once=2)
    remote.import_seconds = 0.3
    for score in (1.5, 2.5):
        stage.shop.change(f"intent_score = {score}")
        stage.run()
    assert not remote.races
    assert stage.records() == stage.expected()


@pytest.mark.parametrize(("payloads", "places"), [(True, False), (False, True)])
def test_refused_rows_are_found_whatever_errors_tell(
    stage: Stage, payloads: bool, places: bool
) -> None:
    remote = remote_of(stage)
    remote.hides_payloads, remote.names_places = not payloads, places
    stage.shop.add(228)
    bad = {stage.key(place) for place in range(0, 230, 2)}  # more than a page
    for key in bad:
        remote.poison(key)
    result = stage.run()
    assert (result.rejected, result.acknowledged) == (115, 125)
    assert not stage.records().keys() & bad


def test_refused_rows_are_found_if_errors_tell_nothing(stage: Stage) -> None:
    remote = remote_of(stage)
    remote.hides_payloads, remote.names_places = True, False
    remote.poison(stage.key(5))
    result = stage.run()
    assert (result.rejected, result.acknowledged) == (1, 11)


def test_an_import_that_is_cancelled_is_sent_again(stage: Stage) -> None:
    remote_of(stage).imports_that_are_cancelled = 1
    assert stage.run().acknowledged == 12
    assert stage.records() == stage.expected()


def test_an_import_that_is_stuck_is_looked_after_by_the_next_run(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = remote_of(stage)
    remote.import_seconds = 3600
    monkeypatch.setattr(courier, "JOB_HOURS", 0.1 / 3600)
    assert stage.run().in_doubt == 12
    [job] = remote.jobs.values()
    job.ends_at = 0.0
    stage.run()
    assert [*remote.jobs.values()] == [job]
    assert stage.records() == stage.expected()
    assert stage.run().planned == 0


def test_an_import_that_is_forgotten_over_there_is_sent_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = remote_of(stage)
    remote.import_seconds = 3600
    with monkeypatch.context() as patch:
        patch.setattr(courier, "JOB_HOURS", 0.1 / 3600)
        assert stage.run().in_doubt == 12
    remote.jobs.clear()
    remote.import_seconds = 0.02
    stage.run()
    assert stage.run().planned == 0
    assert stage.records() == stage.expected()


# Syncs ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"object": "person"}, "object"),
        ({"match": {"field": "email", "column": "email"}}, "ignore_case"),
        ({"match": {"field": "external_id", "column": "contact_id"}}, "match.field"),
        (
            {"fields": {"first_name": {"column": "state", "trigger": True}}},
            "first_name",
        ),
        ({"fields": {"$source": {"column": "state", "trigger": True}}}, "custom"),
        ({"segment_changes": {"as": "lists", "lists": {"hot": "A"}}}, "segments"),
        ({"segment_changes": {"as": "events", "event": "x" * 128}}, "128"),
        ({"mode": "update_only"}, "read_back"),
        ({"options": {"list": 1}}, "list"),
    ],
)
def test_what_klaviyo_has_not_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError, match=words.replace("$", r"\$")):
        adapter_of(**changes)
