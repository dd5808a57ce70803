"""Marketo: how rows are told to it, as requests and files, and what answers mean."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intent.errors import BadInputError
from intent.sync.destinations import _marketo_bulk as bulk
from intent.sync.destinations.marketo import SIZE, MarketoAdapter, MarketoSettings
from intent.sync.model import (
    Advice,
    Job,
    Op,
    Outcome,
    Part,
    RemoteRecord,
    Response,
    Row,
    State,
    Value,
    Verdict,
)
from intent.sync.spec import FieldType, Mode, Sync
from pydantic import SecretStr
from sync_shop import load_sync

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
EMAIL = "ann@shop.example"
EACH_TYPE: dict[str, Any] = {
    "aText": {"column": "segment", "trigger": True},
    "aNumber": {"column": "intent_score", "type": "number"},
    "anInteger": {"column": "activity_count_30d", "type": "integer"},
    "aBoolean": {"column": "is_exportable", "type": "boolean"},
    "aMoment": {"column": "hot_until", "type": "datetime"},
    "aDate": {"column": "as_of", "type": "date"},
}


def adapter_of(sync: Sync | None = None, url: str = "") -> MarketoAdapter:
    config = MarketoSettings(
        url=url or "https://123-ABC-456.mktorest.com/rest",
        client_id=SecretStr("id of client"),
        client_secret=SecretStr("top secret"),
    )
    return MarketoAdapter(sync or load_sync("marketo"), config, NOW)


def rows_of(count: int, op: Op = Op.CREATE, **values: Value) -> list[Row]:
    told = values or {"intentScore": 1.0}
    return [Row(seq, op, f"n{seq}@shop.example", told) for seq in range(count)]


def answer(*results: Any, **more: Any) -> Response:
    told = {"requestId": "1", "success": True, "result": list(results), **more}
    return Response(200, {}, orjson.dumps(told))


def refusal(code: str, message: str = "") -> Response:
    errors = [{"code": code, "message": message}]
    told = {"requestId": "1", "success": False, "errors": errors}
    return Response(200, {}, orjson.dumps(told))


def skipped(code: str, message: str = "") -> dict[str, Any]:
    return {"status": "skipped", "reasons": [{"code": code, "message": message}]}


def told_of(verdict: Verdict, rows: Sequence[Row]) -> list[tuple[str, str]]:
    ended = (verdict.outcomes.get(row.seq, Outcome(State.IN_DOUBT)) for row in rows)
    return [(outcome.state, outcome.code) for outcome in ended]


# Values -------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300)
moments = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(
    lambda moment: f"{moment:%Y-%m-%dT%H:%M:%SZ}"
)
values_of_each_type = st.fixed_dictionaries(
    {
        "aText": texts,
        "aNumber": st.floats(-1e12, 1e12),
        "anInteger": st.integers(-(2**53), 2**53),
        "aBoolean": st.booleans(),
        "aMoment": moments,
        "aDate": st.dates().map(str),
    }
)


@given(values_of_each_type, st.sets(st.sampled_from(list(EACH_TYPE))))
def test_values_come_back_as_they_were_sent(
    values: dict[str, Value], unset: set[str]
) -> None:
    sync = load_sync("marketo", fields=EACH_TYPE)
    adapter = adapter_of(sync)
    told = {**values, **dict.fromkeys(unset)}
    [part] = adapter.pack([Row(0, Op.CREATE, EMAIL, told)])
    [lead] = orjson.loads(part.content)["input"]
    found = adapter.read_lookup([EMAIL], list(EACH_TYPE), answer({**lead, "id": 7}))
    assert not isinstance(found, Verdict)
    expected = {name: None if value == "" else value for name, value in told.items()}
    assert found == {EMAIL: RemoteRecord("7", expected)}


@pytest.mark.parametrize(
    ("kind", "theirs", "ours"),
    [
        (FieldType.DATETIME, "2015-05-07T11:47:30-08:00", "2015-05-07T19:47:30Z"),
        (FieldType.DATETIME, "2014-09-17T22:31:49+0000", "2014-09-17T22:31:49Z"),
        (FieldType.DATETIME, "2017-07-27T01:38:33Z+0000", "2017-07-27T01:38:33Z"),
        (FieldType.DATETIME, "2026-07-01T08:00:00", "2026-07-01T08:00:00Z"),
        (FieldType.NUMBER, "1604.47", 1604.47),
        (FieldType.INTEGER, "30", 30),
        (FieldType.BOOLEAN, "True", True),
        (FieldType.DATE, "2010-05-07T00:00:00Z", "2010-05-07"),
        (FieldType.TEXT, 5, "5"),
    ],
)
def test_reads_every_form_that_marketo_writes(
    kind: FieldType, theirs: Any, ours: Value
) -> None:
    fields = {"field": {"column": "segment", "type": kind, "trigger": True}}
    adapter = adapter_of(load_sync("marketo", fields=fields))
    lead = {"id": 1, "email": EMAIL.upper(), "field": theirs}
    found = adapter.read_lookup([EMAIL], ["field"], answer(lead))
    assert found == {EMAIL: RemoteRecord("1", {"field": ours})}


# Packing ------------------------------------------------------------------------------

ops = st.sampled_from([Op.CREATE, Op.UPDATE, Op.LEAVE, Op.DELETE])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(ops, st.integers(0, 40_000)), max_size=900),
    st.one_of(st.none(), st.integers(1, 400)),
)
def test_parts_are_full_within_the_limits_and_lose_nothing(
    drawn: list[tuple[Op, int]], rows_at_once: int | None
) -> None:
    adapter = adapter_of(load_sync("marketo", rows_at_once=rows_at_once))
    rows = [
        Row(
            seq,
            op,
            f"n{seq}@shop.example",
            {"intentDrivers": "é" * (size // 2)},
            "",
            "7",
        )
        for seq, (op, size) in enumerate(drawn)
    ]
    parts = list(adapter.pack(iter(rows)))
    assert sorted(row.seq for part in parts for row in part.rows) == list(
        range(len(rows))
    )
    most = min(300, rows_at_once or 300)
    for part in parts:
        assert len(part.rows) <= most
        assert len(part.content) <= SIZE
        assert len(orjson.loads(part.content)["input"]) == len(part.rows)
        made_anew = Part(part.rows, part.route)
        assert adapter.request(made_anew) == adapter.request(part)
    for route in {part.route for part in parts}:
        *full, _ = [part for part in parts if part.route == route]
        assert all(
            len(part.rows) == most or len(part.content) > SIZE - 50_000 for part in full
        )


def test_a_row_says_what_may_become_of_its_lead() -> None:
    actions = {}
    for mode in Mode:
        adapter = adapter_of(load_sync("marketo", mode=mode))
        for op in (Op.CREATE, Op.LEAVE):
            [part] = adapter.pack(rows_of(1, op, intentScore=None))
            request = adapter.request(part)
            body = orjson.loads(request.content)
            assert (request.method, request.path) == ("POST", "/rest/v1/leads.json")
            assert body["lookupField"] == "email"
            assert body["input"] == [{"email": "n0@shop.example", "intentScore": None}]
            actions[mode, op] = body["action"]
    assert {op: actions[Mode.UPSERT, op] for op in (Op.CREATE, Op.LEAVE)} == {
        Op.CREATE: "createOrUpdate",
        Op.LEAVE: "updateOnly",
    }
    assert {actions[mode, Op.LEAVE] for mode in Mode} == {"updateOnly"}
    assert actions[Mode.MIRROR, Op.CREATE] == "createOrUpdate"
    assert actions[Mode.UPDATE_ONLY, Op.CREATE] == "updateOnly"
    assert actions[Mode.CREATE_ONLY, Op.CREATE] == "createOnly"


def test_the_partition_is_named_where_marketo_takes_it() -> None:
    adapter = adapter_of(load_sync("marketo", options={"partition": "EMEA"}))
    rows = [*rows_of(1), Row(1, Op.LEAVE, EMAIL, {"intentScore": None})]
    bodies = [orjson.loads(part.content) for part in adapter.pack(rows)]
    assert [body.get("partitionName") for body in bodies] == ["EMEA", None]


def test_one_row_may_stand_for_several_leads_of_one_email() -> None:
    adapter = adapter_of()
    rows = [
        Row(0, Op.DELETE, EMAIL, {}, remote_id="12,15"),
        Row(1, Op.DELETE, "ben@shop.example", {}, remote_id="20"),
    ]
    [part] = adapter.pack(rows)
    assert orjson.loads(part.content) == {"input": [{"id": 12}, {"id": 15}, {"id": 20}]}
    done = {"status": "deleted"}
    gone, in_use = skipped("1004"), skipped("1022", "Object in use")
    results = [{"id": 20, **done}, {"id": 15, **gone}, {"id": 12, **done}]
    verdict = adapter.classify(part, answer(*results))
    assert told_of(verdict, rows) == [("acknowledged", "")] * 2
    results = [{"id": 15, **in_use}, {"id": 12, **done}]
    verdict = adapter.classify(part, answer(*results))
    assert told_of(verdict, rows) == [("rejected", "1022"), ("in doubt", "")]
    assert verdict.advice is Advice.RESEND


def test_refuses_what_marketo_can_not_have() -> None:
    adapter = adapter_of()
    assert adapter.refuse(Row(0, Op.CREATE, EMAIL, {"intentScore": 1.0})) is None
    for key, word in (("zoë@shop.example", "ASCII"), ("a,b@shop.example", "comma")):
        assert word in str(adapter.refuse(Row(0, Op.CREATE, key, {})))
    large = Row(0, Op.CREATE, EMAIL, {"intentDrivers": "x" * SIZE})
    assert "larger" in str(adapter.refuse(large))
    assert len(list(adapter.pack([*rows_of(2), large]))) == 2


# Answers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "upsert", "delete", "wait"),
    [
        ("601", Advice.REAUTHORISE, Advice.REAUTHORISE, None),
        ("602", Advice.REAUTHORISE, Advice.REAUTHORISE, None),
        ("603", Advice.REFUSED, Advice.REFUSED, None),
        ("606", Advice.RESEND, Advice.RESEND, 20.0),
        ("607", Advice.STOP, Advice.STOP, None),
        ("608", Advice.RESEND, Advice.RESEND, None),
        ("614", Advice.RESEND, Advice.RESEND, None),
        ("615", Advice.RESEND, Advice.RESEND, 1.0),
        ("713", Advice.RESEND, Advice.RESEND, None),
        # May have been carried out: a second upsert could make a second lead.
        ("502", Advice.IN_DOUBT, Advice.RESEND, None),
        ("604", Advice.IN_DOUBT, Advice.RESEND, None),
        ("611", Advice.IN_DOUBT, Advice.RESEND, None),
        ("609", Advice.SPLIT, Advice.SPLIT, None),
        ("1001", Advice.SPLIT, Advice.SPLIT, None),
        ("1003", Advice.SPLIT, Advice.SPLIT, None),
        ("4711", Advice.SPLIT, Advice.SPLIT, None),
    ],
)
def test_what_a_refused_request_means(
    code: str, upsert: Advice, delete: Advice, wait: float | None
) -> None:
    adapter = adapter_of()
    for op, advice in ((Op.UPDATE, upsert), (Op.DELETE, delete)):
        rows = [Row(seq, op, f"{seq}", {}, remote_id=f"{seq}") for seq in range(3)]
        [part] = adapter.pack(rows)
        verdict = adapter.classify(part, refusal(code))
        assert (verdict.outcomes, verdict.advice, verdict.wait) == ({}, advice, wait)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, Advice.REAUTHORISE),
        (403, Advice.REFUSED),
        (413, Advice.SPLIT),
        (429, Advice.RESEND),
        (500, Advice.IN_DOUBT),
        (502, Advice.IN_DOUBT),
        (503, Advice.RESEND),
        (504, Advice.IN_DOUBT),
    ],
)
def test_what_a_status_means(status: int, advice: Advice) -> None:
    adapter = adapter_of()
    [part] = adapter.pack(rows_of(2))
    verdict = adapter.classify(part, Response(status, {}, b"<html>"))
    assert (verdict.outcomes, verdict.advice) == ({}, advice)


def test_a_fault_of_the_mapping_is_not_looked_for_row_by_row() -> None:
    adapter = adapter_of()
    [part] = adapter.pack(rows_of(3))
    verdict = adapter.classify(part, refusal("1006", "Field 'intentScore' not found"))
    assert told_of(verdict, part.rows) == [("rejected", "1006")] * 3
    assert verdict.outcomes[0].field == "intentScore"


def test_the_last_row_of_a_split_is_the_guilty_one() -> None:
    adapter = adapter_of()
    [part] = adapter.pack(rows_of(1))
    for response in (refusal("1003", "Invalid data"), Response(413)):
        verdict = adapter.classify(part, response)
        assert [state for state, _ in told_of(verdict, part.rows)] == ["rejected"]


def test_success_of_the_request_is_none_of_its_rows() -> None:
    adapter = adapter_of()
    rows = rows_of(9)
    [part] = adapter.pack(rows)
    results = [
        {"id": 50, "status": "created"},
        {"id": 51, "status": "updated"},
        skipped("1004", "Lead not found"),
        skipped("1005", "Lead already exists"),
        skipped("1006", "Field \u2018intentScore\u2019 not found"),
        skipped("1007", "Multiple leads match the lookup criteria"),
        skipped("611", "System error"),
        {"status": "skipped", "reason": {"code": 1003, "message": "Invalid data"}},
        {"status": "skipped"},
    ]
    verdict = adapter.classify(part, answer(*results))
    assert told_of(verdict, rows) == [
        ("acknowledged", ""),
        ("acknowledged", ""),
        ("skipped", "NO_MATCH"),
        ("skipped", "EXISTS"),
        ("rejected", "1006"),
        ("rejected", "1007"),
        ("in doubt", ""),
        ("rejected", "1003"),
        ("in doubt", ""),
    ]
    assert verdict.outcomes[0].remote_id == "50"
    assert verdict.outcomes[4].field == "intentScore"
    assert verdict.advice is Advice.IN_DOUBT


def test_an_answer_that_lacks_a_row_tells_of_none() -> None:
    adapter = adapter_of()
    [part] = adapter.pack(rows_of(3))
    results = [{"id": n, "status": "created"} for n in range(2)]
    verdict = adapter.classify(part, answer(*results))
    assert (verdict.outcomes, verdict.advice) == ({}, Advice.IN_DOUBT)


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"{}", b'{"success": 1}', b""])
def test_what_is_no_answer_of_marketos(content: bytes) -> None:
    adapter = adapter_of()
    [part] = adapter.pack(rows_of(2))
    with pytest.raises(ValueError):  # noqa: PT011
        adapter.classify(part, Response(200, {}, content))


@pytest.mark.parametrize(
    ("op", "code", "ended"),
    [
        (Op.LEAVE, "1004", ("acknowledged", "")),
        (Op.DELETE, "1004", ("acknowledged", "")),
        (Op.DROP, "1004", ("acknowledged", "")),
        (Op.DROP, "1015", ("acknowledged", "")),
        (Op.JOIN, "1004", ("skipped", "NO_MATCH")),
        (Op.UPDATE, "1004", ("skipped", "NO_MATCH")),
    ],
)
def test_what_is_undone_already(op: Op, code: str, ended: tuple[str, str]) -> None:
    adapter = adapter_of()
    row = Row(0, op, EMAIL, {"list": "1001"}, remote_id="7")
    if op in (Op.LEAVE, Op.UPDATE):
        row = Row(0, op, EMAIL, {"intentScore": None})
    [part] = adapter.pack([row])
    verdict = adapter.classify(part, answer({"id": 7, **skipped(code)}))
    assert told_of(verdict, [row]) == [ended]


# Requests -----------------------------------------------------------------------------


def test_nothing_secret_or_personal_stands_in_an_address() -> None:
    adapter = adapter_of()
    token = adapter.token_request()
    looked = adapter.lookup([EMAIL, "ben@shop.example"], ["intentScore"])
    assert (token.path, looked.path) == (
        "/identity/oauth/token",
        "/rest/v1/leads.json?_method=GET",
    )
    assert parse_qs(token.content.decode())["client_secret"] == ["top secret"]
    assert parse_qs(looked.content.decode()) == {
        "filterType": ["email"],
        "filterValues": [f"{EMAIL},ben@shop.example"],
        "fields": ["id,email,intentScore"],
    }
    assert adapter.authorise(looked, "abc", NOW) == {"authorization": "Bearer abc"}
    assert adapter.address == "https://123-ABC-456.mktorest.com"


def test_several_leads_of_one_email_are_one_record() -> None:
    adapter = adapter_of()
    leads = [
        {"id": 12, "email": EMAIL, "intentScore": 2.0},
        {"id": 7, "email": EMAIL, "intentScore": 1.0},
        {"id": 1, "email": "somebody@else.example", "intentScore": 3.0},
    ]
    found = adapter.read_lookup([EMAIL], ["intentScore"], answer(*leads))
    assert found == {EMAIL: RemoteRecord("7,12", {"intentScore": 1.0})}
    more = adapter.read_lookup([EMAIL], [], answer(moreResult=True))
    assert isinstance(more, Verdict)
    assert more.advice is Advice.SPLIT
    for code, advice in (("606", "resend"), ("611", "resend"), ("1006", "refused")):
        verdict = adapter.read_lookup([EMAIL], [], refusal(code))
        assert isinstance(verdict, Verdict)
        assert verdict.advice == advice


@pytest.mark.parametrize(
    ("response", "token"),
    [
        (Response(200, {}, b'{"access_token": "a:int", "expires_in": 3}'), "a:int"),
        (Response(401, {}, b'{"error": "unauthorized"}'), None),
        (Response(200, {}, b'{"error": "invalid_client"}'), None),
    ],
)
def test_reads_tokens(response: Response, token: str | None) -> None:
    assert adapter_of().read_token(response) == token


def test_what_is_no_token() -> None:
    for content in (b"<html>", b"[]", b"{}"):
        with pytest.raises(ValueError):  # noqa: PT011
            adapter_of().read_token(Response(200, {}, content))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"options": {"bulky": True}}, "bulky"),
        ({"options": {"calls_at_once": 11}}, "calls_at_once"),
        ({"object": "contact"}, "lead"),
        ({"segment_changes": {"as": "events"}}, "activity_type_id"),
        ({"segment_changes": {"as": "lists", "lists": {"hot": "Hot ones"}}}, "1001"),
    ],
)
def test_tells_what_a_sync_can_not_ask_for(
    changes: Mapping[str, Any], words: str
) -> None:
    with pytest.raises(BadInputError, match=words):
        adapter_of(load_sync("marketo", **changes))


def test_lists_what_an_admin_creates() -> None:
    lines = "\n".join(adapter_of().setup())
    for words in ("Read-Write Lead", "API Only", "LaunchPoint", "intentHotUntil, type"):
        assert words in lines
    assert "Read-Write Activity" not in lines
    changes = {"as": "events"}
    options = {"activity_type_id": 100001}
    sync = load_sync("marketo", segment_changes=changes, options=options)
    lines = "\n".join(adapter_of(sync).setup())
    assert "Read-Write Activity" in lines
    assert "100001" in lines


# Files to import ----------------------------------------------------------------------

IN_BULK = {"bulk": True, "bulk_at_least": 1000}


def bulk_adapter(**options: Any) -> MarketoAdapter:
    fields = {name: EACH_TYPE[name] for name in ("aText", "aNumber", "aMoment")}
    told = {**IN_BULK, **options}
    return adapter_of(load_sync("marketo", fields=fields, options=told))


def bulk_rows(count: int, text: str = "a") -> list[Row]:
    values: dict[str, Value] = {
        "aText": text,
        "aNumber": 0.5,
        "aMoment": "2026-07-01T08:00:00Z",
    }
    return [Row(n, Op.CREATE, f"n{n}@shop.example", values) for n in range(count)]


@given(st.lists(st.tuples(texts, st.floats(-1e12, 1e12)), min_size=1, max_size=20))
def test_a_file_says_what_the_rows_say(drawn: list[tuple[str, float]]) -> None:
    adapter = bulk_adapter()
    sync = adapter.sync
    rows = [
        Row(seq, Op.CREATE, f"{seq}@shop.example", {"aText": text, "aNumber": number})
        for seq, (text, number) in enumerate(drawn)
    ]
    moment = "2026-07-01T08:00:00Z"
    rows = [Row(r.seq, r.op, r.key, {**r.values, "aMoment": moment}) for r in rows]
    fitting = [row for row in rows if bulk.fits(row, sync, None)]
    assert {row.seq for row in rows} - {row.seq for row in fitting} == {
        row.seq for row in rows if row.values["aText"] in ("", "NULL")
    }
    file = bulk.header(sync) + b"".join(bulk.row_line(r, sync, None) for r in fitting)
    lines = list(csv.reader(io.StringIO(file.decode(), newline="")))
    assert lines[0] == ["email", "aText", "aNumber", "aMoment"]
    told = "2026-07-01T08:00:00+00:00"
    assert lines[1:] == [
        [row.key, str(row.values["aText"]), str(row.values["aNumber"]), told]
        for row in fitting
    ]


def test_rows_that_a_file_can_not_say_go_by_request() -> None:
    adapter = bulk_adapter()
    rows = bulk_rows(1500)
    rows[3] = Row(3, Op.UPDATE, rows[3].key, {**rows[3].values, "aMoment": None})
    rows[4] = Row(4, Op.UPDATE, rows[4].key, {"aText": "a"})
    rows[5] = Row(5, Op.UPDATE, rows[5].key, {**rows[5].values, "aText": "NULL"})
    rows[6] = Row(6, Op.LEAVE, rows[6].key, dict.fromkeys(rows[6].values))
    by_route = {part.route: part for part in adapter.pack(iter(rows))}
    assert [row.seq for row in by_route["createOrUpdate"].rows] == [3, 4, 5]
    assert [row.seq for row in by_route["updateOnly"].rows] == [6]
    assert len(by_route["bulk"].rows) == 1496
    with_word = {
        part.route: len(part.rows)
        for part in bulk_adapter(bulk_nulls_as="NULL").pack(iter(rows))
    }
    assert with_word == {"createOrUpdate": 2, "updateOnly": 1, "bulk": 1497}


def test_few_rows_and_modes_that_import_does_not_know_go_by_request() -> None:
    assert {part.route for part in bulk_adapter().pack(bulk_rows(999))} == {
        "createOrUpdate"
    }
    sync = bulk_adapter().sync.model_copy(update={"mode": Mode.UPDATE_ONLY})
    assert {part.route for part in adapter_of(sync).pack(bulk_rows(1000))} == {
        "updateOnly"
    }
    by_request = adapter_of(load_sync("marketo", fields=EACH_TYPE))
    assert {part.route for part in by_request.pack(bulk_rows(2000))} == {
        "createOrUpdate"
    }


def test_files_are_filled_up_to_ten_megabytes() -> None:
    adapter = bulk_adapter()
    rows = bulk_rows(40_000, "x" * 700)
    parts = list(adapter.pack(iter(rows)))
    sizes = [len(adapter.request(part).content) for part in parts]
    assert all(size < 10_000_000 for size in sizes)
    assert all(size > 9_900_000 for size in sizes[:-1])
    assert [row.seq for part in parts for row in part.rows] == list(range(40_000))


def state(
    status: str, processed: int = 0, failed: int = 0, warned: int = 0
) -> Response:
    return answer(
        {
            "batchId": 3404,
            "status": status,
            "numOfLeadsProcessed": processed,
            "numOfRowsFailed": failed,
            "numOfRowsWithWarning": warned,
        }
    )


def file(*lines: str) -> Response:
    return Response(200, {}, "\r\n".join(lines).encode())


def test_the_steps_of_an_import() -> None:
    adapter = bulk_adapter()
    rows = bulk_rows(4)
    part = Part(rows, "bulk")
    job = Job()
    request = adapter.step(part, job)
    assert request.path == "/bulk/v1/leads.json?format=csv&lookupField=email"
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    move = adapter.advance(part, job, state("Queued"))
    assert (move.job.step, move.job.vendor_id) == ("poll", "3404")
    assert 5 <= move.wait <= 30
    for status in ("Queued", "Importing"):
        again = adapter.advance(part, move.job, state(status))
        assert (again.job, again.verdict.outcomes) == (move.job, {})
        assert 5 <= again.wait <= 30
    assert adapter.step(part, move.job).path == "/bulk/v1/leads/batch/3404.json"

    move = adapter.advance(part, move.job, state("Complete", 3, failed=1, warned=1))
    assert adapter.step(part, move.job).path.endswith("/3404/failures.json")
    head = "email,aText,aNumber,aMoment,Import Failure Reason"
    told = file(head, "n1@shop.example,a,0.5,x,Invalid value")
    move = adapter.advance(part, move.job, told)
    assert told_of(move.verdict, rows)[1] == ("rejected", "import_failed")
    assert adapter.step(part, move.job).path.endswith("/3404/warnings.json")
    head = "email,aText,aNumber,aMoment,Import Warning Reason"
    told = file(head, "n2@shop.example,a,0.5,x,Value not taken over")
    move = adapter.advance(part, move.job, told)
    assert move.job.step == "done"
    assert told_of(move.verdict, rows) == [
        ("acknowledged", ""),
        ("in doubt", ""),  # it was told before
        ("rejected", "import_warning"),
        ("acknowledged", ""),
    ]
    assert "Value not" not in str(move.job.detail)


def test_an_import_whose_sums_do_not_agree_is_in_doubt() -> None:
    adapter = bulk_adapter()
    part = Part(bulk_rows(3), "bulk")
    polling = Job("poll", "3404")
    for told in (state("Complete", 2), state("Complete")):
        move = adapter.advance(part, polling, told)
        assert (move.job.step, move.verdict.outcomes) == ("done", {})
        assert move.verdict.advice is Advice.IN_DOUBT
    reading = adapter.advance(part, polling, state("Complete", 1, failed=2)).job
    head = "email,aText,Import Failure Reason"
    move = adapter.advance(part, reading, file(head, "n0@shop.example,a,Bad"))
    assert move.job.step == "done"
    assert told_of(move.verdict, part.rows)[0] == ("rejected", "import_failed")
    assert (len(move.verdict.outcomes), move.verdict.advice) == (1, Advice.IN_DOUBT)
    assert adapter.advance(
        part, polling, state("Complete", 3)
    ).verdict.outcomes.keys() == {
        0,
        1,
        2,
    }


@pytest.mark.parametrize(
    ("step", "response", "where", "advice", "waits"),
    [
        ("start", refusal("1016"), "start", Advice.RESEND, 30.0),
        ("start", refusal("602"), "start", Advice.REAUTHORISE, 0.0),
        ("start", refusal("607"), "start", Advice.STOP, 0.0),
        ("start", refusal("611"), "start", Advice.IN_DOUBT, 0.0),
        ("start", Response(413), "done", Advice.SPLIT, 0.0),
        ("poll", refusal("606"), "poll", Advice.RESEND, 20.0),
        ("poll", refusal("601"), "poll", Advice.REAUTHORISE, 0.0),
        ("poll", Response(503), "poll", Advice.RESEND, 0.0),
        ("poll", state("Failed"), "done", Advice.RESEND, 0.0),
        ("poll", refusal("1013", "Object not found"), "done", Advice.IN_DOUBT, 0.0),
        ("failures", refusal("602"), "failures", Advice.REAUTHORISE, 0.0),
        ("failures", Response(404), "done", Advice.IN_DOUBT, 0.0),
    ],
)
def test_what_goes_wrong_in_an_import(
    step: str, response: Response, where: str, advice: Advice, waits: float
) -> None:
    adapter = bulk_adapter()
    job = Job() if step == "start" else Job(step, "3404", {"failed": 1, "warned": 0})
    move = adapter.advance(Part(bulk_rows(3), "bulk"), job, response)
    assert (move.job.step, move.verdict.advice, move.wait) == (where, advice, waits)
    assert not move.verdict.outcomes


def test_what_is_no_list_of_failures() -> None:
    adapter = bulk_adapter()
    job = Job("failures", "3404", {"processed": 2, "failed": 1, "warned": 0})
    for content in (b"<html>", b"", b"aText,Reason\r\nx,y"):
        with pytest.raises(ValueError):  # noqa: PT011
            adapter.advance(Part(bulk_rows(3), "bulk"), job, Response(200, {}, content))
    with pytest.raises(ValueError):  # noqa: PT011
        adapter.advance(Part(bulk_rows(3), "bulk"), Job("poll", "1"), state("Lost"))
