"""Connectif: what is sent, what answers mean, and how fast."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from intent.errors import BadInputError
from intent.settings import places
from intent.sync import service
from intent.sync.destinations.connectif import Connectif, ConnectifSettings, heard
from intent.sync.model import (
    ACKNOWLEDGED,
    Advice,
    Op,
    Part,
    Response,
    Row,
    State,
    Value,
    Verdict,
)
from intent.sync.secrets import read_settings
from intent.sync.spec import FieldType
from pydantic import SecretStr
from standins import find_cases
from standins.connectif import API_KEY, ConnectifStandIn
from standins.faults import Fault, Kind
from sync_shop import SyncShop, load_sync
from sync_stage import Stage, case_sync, set_stage

NOW = datetime(2026, 7, 1, 8, 0, 5, tzinfo=UTC)
[CASE] = [case for case in find_cases() if case.name == "connectif"]
ROW = Row(7, Op.UPDATE, "ann@shop.example", {"intent_segment": "hot"})


def adapter_of(**changes: Any) -> Connectif:
    settings = ConnectifSettings(api_key=SecretStr(API_KEY))
    return Connectif(load_sync("connectif", **changes), settings, NOW)


def part_of(row: Row) -> Part:
    [part] = adapter_of().pack([row])
    return part


def answer(status: int, body: Any = None, **headers: str) -> Response:
    return Response(status, headers, b"" if body is None else orjson.dumps(body))


def test_a_contact_is_patched_by_its_address() -> None:
    values: Mapping[str, Value] = {
        "intent_segment": "hot",
        "intent_score": 3.2,
        "intent_hot_until": "2026-08-01T08:00:00Z",
        "intent_grade": None,
    }
    row = Row(1, Op.CREATE, "ann+1/2@shop.example", values)
    request = adapter_of().request(part_of(row))
    assert (request.method, request.path) == (
        "PATCH",
        "/contacts/ann%2B1%2F2@shop.example",
    )
    assert orjson.loads(request.content) == values


def test_dates_go_with_their_time_of_day() -> None:
    fields = {"since": {"column": "as_of", "type": "date", "trigger": True}}
    adapter = adapter_of(fields=fields)
    row = Row(1, Op.UPDATE, "ann@shop.example", {"since": "2026-07-01"})
    [part] = adapter.pack([row])
    sent = orjson.loads(adapter.request(part).content)
    assert sent == {"since": "2026-07-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("2026-07-01T08:00:00.000Z", FieldType.DATETIME, "2026-07-01T08:00:00Z"),
        ("2026-07-01T10:00:00+02:00", FieldType.DATETIME, "2026-07-01T08:00:00Z"),
        ("2026-07-01T00:00:00.000Z", FieldType.DATE, "2026-07-01"),
        ("2026-07-01", FieldType.DATE, "2026-07-01"),
        ("soon", FieldType.DATE, "soon"),
        (True, FieldType.BOOLEAN, True),
        (3, FieldType.NUMBER, 3),
        (["a"], FieldType.TEXT, '["a"]'),
        (None, FieldType.TEXT, None),
    ],
)
def test_values_are_heard_in_our_form(
    value: Any, kind: FieldType, expected: Value
) -> None:
    assert heard(value, kind) == expected


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (answer(200, {"_email": "x"}), Verdict({7: ACKNOWLEDGED})),
        (answer(204), Verdict({7: ACKNOWLEDGED})),
        (answer(503), Verdict()),
        (answer(429), Verdict()),
        (
            answer(
                429,
                date="Wed, 01 Jul 2026 08:00:00 GMT",
                **{"x-ratelimit-reset": "1782892807"},
            ),
            Verdict(wait=7.0),
        ),
        (
            answer(429, date="never", **{"x-ratelimit-reset": "1782892807"}),
            Verdict(),
        ),
    ],
)
def test_what_answers_mean(response: Response, expected: Verdict) -> None:
    assert adapter_of().classify(part_of(ROW), response) == expected


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_stops_the_run(status: int) -> None:
    verdict = adapter_of().classify(part_of(ROW), answer(status))
    assert verdict.advice is Advice.REFUSED
    assert "INTENT_CONNECTIF_API_KEY" in verdict.message
    assert API_KEY not in verdict.message


def test_a_refused_contact_has_the_words_of_connectif() -> None:
    faults = [{"field": "intent_score", "message": "must be a number"}]
    body = {"status": 400, "title": "Bad Request", "validationErrors": faults}
    [outcome] = adapter_of().classify(part_of(ROW), answer(400, body)).outcomes.values()
    assert (outcome.state, outcome.field) == (State.REJECTED, "intent_score")
    assert "must be a number" in outcome.message


@pytest.mark.parametrize(
    "response",
    [
        Response(200, {}, b"<html>"),
        answer(200, []),
        answer(302),
        Response(404, {}, b"<html>"),
    ],
)
def test_answers_that_are_none_are_no_outcome(response: Response) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        adapter_of().classify(part_of(ROW), response)


def test_a_contact_that_is_not_there_is_deleted() -> None:
    gone = Row(3, Op.DELETE, "ann@shop.example", {})
    found = {"status": 404, "title": "Not Found"}
    verdict = adapter_of().classify(part_of(gone), answer(404, found))
    assert verdict == Verdict({3: ACKNOWLEDGED})


@pytest.mark.parametrize("key", ["ann", "@shop.example", "..", "a@" + "b" * 260])
def test_keys_that_would_be_another_path_are_refused(key: str) -> None:
    assert adapter_of().refuse(Row(1, Op.CREATE, key, {}))


@pytest.mark.parametrize("wrap", [list, lambda found: {"contactFields": found}])
def test_fields_are_read_in_either_form(wrap: Any) -> None:
    told = [
        {"id": "score", "type": "decimal"},
        {"id": "note", "type": "text", "maxLength": 50},
        {"id": "stage", "type": "radio", "options": [{"id": "a"}, {"id": "b"}]},
        {"id": "many", "type": "checkbox"},
    ]
    fields = adapter_of().read_fields([answer(200, wrap(told))])
    assert fields
    assert fields["score"].kinds == frozenset({"number", "integer"})
    assert fields["note"].max_length == 50
    assert fields["stage"].options == frozenset({"a", "b"})
    assert fields["many"].kinds == frozenset()
    assert fields["email"].is_unique


def test_where_fields_are_not_listed_any_is_taken() -> None:
    assert adapter_of().read_fields([answer(404, {})]) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"object": "company"}, "contact"),
        ({"match": {"field": "id", "column": "contact_id"}}, "email"),
        ({"segment_changes": {"as": "events"}}, "workflow"),
        ({"fields": {"id": {"column": "segment", "trigger": True}}}, "not `id`"),
        ({"fields": {"1st": {"column": "segment", "trigger": True}}}, "begins with"),
        (
            {
                "fields": {
                    "_newsletterSubscriptionStatus": {
                        "column": "segment",
                        "trigger": True,
                    }
                }
            },
            "may write",
        ),
        ({"fields": {"x" * 151: {"column": "segment", "trigger": True}}}, "150"),
        ({"options": {"requests_a_second": 0}}, "greater than 0"),
    ],
)
def test_what_connectif_has_not_is_refused(changes: Any, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        adapter_of(**changes)


@pytest.mark.parametrize("key", ["abc", ":abc", "abc:"])
def test_a_key_without_its_secret_is_refused(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTENT_CONNECTIF_API_KEY", key)
    with pytest.raises(BadInputError, match="INTENT_CONNECTIF_API_KEY") as told:
        read_settings(ConnectifSettings)
    assert "abc" not in str(told.value).replace("INTENT_CONNECTIF_API_KEY", "")


def test_several_are_under_way_and_the_rate_is_kept_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = SyncShop.open(tmp_path / "shop", 60)
    with ConnectifStandIn(latency=0.2, rate=40) as remote:
        for name, value in {**shop.environment, **CASE.settings(remote.url)}.items():
            monkeypatch.setenv(name, value)
        sync = case_sync(CASE, options={"requests_a_second": 40})
        remote.prepare(sync)
        stage = Stage(CASE, remote, shop, sync)
        assert stage.run().acknowledged == 60
        assert stage.records() == stage.expected()
        counters = remote.counters()
        assert counters["most_at_once"] > 1
        assert counters["last_at"] - counters["first_at"] < 8.0  # one by one: 12


def test_a_429_is_waited_for_until_the_window_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with set_stage(CASE, tmp_path / "shop", monkeypatch) as stage:
        reset = int(time.time()) + 3
        fault = Fault(Kind.ANSWER, 429, {"X-RateLimit-Reset": str(reset)}, b"")
        stage.remote.faults.add(fault, "/contacts/", nth=3)
        assert stage.run().acknowledged == 12
        [refused] = [one for one in stage.remote.log if one.status == 429]
        [again] = [
            one.at
            for one in stage.remote.log
            if one.keys == refused.keys and one.at > refused.at
        ]
        assert time.time() - time.monotonic() + again > reset - 0.1


def test_reconcile_finds_what_others_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with set_stage(CASE, tmp_path / "shop", monkeypatch) as stage:
        stage.run()
        drift = service.reconcile(places(), stage.sync)
        assert (drift.compared, drift.same) == (12, 12)
        stage.put(stage.key(0), {stage.field("segment"): "other"})
        stage.remove(stage.key(1))
        drift = service.reconcile(places(), stage.sync)
        assert (drift.missing, dict(drift.by_field)) == (1, {"intent_segment": 1})
