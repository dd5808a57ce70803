"""What rows become for Salesforce, and what its answers mean; without a server."""

import csv
import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from intent.errors import BadInputError
from intent.sync.destinations import _salesforce_answers as answers
from intent.sync.destinations import _salesforce_bulk as bulk
from intent.sync.destinations import _salesforce_query as query
from intent.sync.destinations._salesforce_auth import SalesforceSettings
from intent.sync.destinations._salesforce_pack import (
    BULK_ROWS,
    Pile,
    Sizes,
    lines,
    pack,
)
from intent.sync.destinations._salesforce_values import from_remote, line, to_remote
from intent.sync.destinations.salesforce import Salesforce
from intent.sync.model import (
    Advice,
    Job,
    Op,
    Outcome,
    Part,
    Response,
    Row,
    State,
    Value,
    Verdict,
)
from intent.sync.spec import FieldType, Sync
from pydantic import SecretStr
from standins.salesforce import unescaped
from sync_shop import load_sync

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
FIELDS: Mapping[str, Mapping[str, Any]] = {
    "Text__c": {"column": "segment", "trigger": True},
    "Number__c": {"column": "intent_score", "type": "number"},
    "Flag__c": {"column": "is_exportable", "type": "boolean"},
    "Moment__c": {"column": "hot_until", "type": "datetime"},
}
UPSERT: Mapping[str, Any] = {
    "mode": "upsert",
    "match": {"field": "Intent_Contact_Id__c", "column": "contact_id"},
    "fields": FIELDS,
}
VALUES: Mapping[str, Value] = {
    "Text__c": 'a "b"',
    "Number__c": 1.5,
    "Flag__c": True,
    "Moment__c": None,
}
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def adapter(sync: str = "salesforce_contacts", **changes: Any) -> Salesforce:
    config = SalesforceSettings(
        domain="shop", client_id="id", client_secret=SecretStr("secret")
    )
    return Salesforce(load_sync(sync, **changes), config, NOW)


def row(seq: int, op: Op = Op.CREATE, ids: str | None = None, **values: Value) -> Row:
    return Row(seq, op, f"key{seq}", values or VALUES, remote_id=ids)


def record_id(number: int) -> str:
    return f"003{number:012d}AAA"


def told(body: Any, status: int = 200) -> Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Response(status, {}, content)


def refusal(code: str, status: int = 400, message: str = "no") -> Response:
    return told([{"errorCode": code, "message": message}], status)


# Values -------------------------------------------------------------------------------


@settings(deadline=None)
@given(TEXTS, st.floats(allow_nan=False, allow_infinity=False), st.booleans(), TEXTS)
def test_lines_say_what_records_say(
    text: str, number: float, flag: bool, key: str
) -> None:
    sync = load_sync("salesforce_contacts", **UPSERT)
    values: dict[str, Value] = {"Text__c": text, "Number__c": number, "Flag__c": flag}
    written = line(Row(1, Op.CREATE, key, values), sync, key).decode()
    [cells] = csv.reader(io.StringIO(written, newline=""), strict=True)
    assert cells[0] == key
    assert cells[1] == (text or "#N/A")
    assert float(cells[2]) == number
    assert cells[3:] == [str(flag).lower(), ""]  # a field that is not named is left


def test_no_value_is_told_apart_from_no_change() -> None:
    sync = load_sync("salesforce_contacts", **UPSERT)
    written = line(row(1, Text__c=None, Moment__c=""), sync, "k").decode()
    assert written == '"k",#N/A,,,#N/A\n'


@settings(deadline=None)
@given(st.datetimes(datetime(1700, 1, 1), datetime(4000, 12, 30)))
def test_moments_come_back(moment: datetime) -> None:
    ours = f"{moment:%Y-%m-%dT%H:%M:%S}Z".rjust(20, "0")
    theirs = f"{to_remote(ours, FieldType.DATETIME)}"[:19] + ".000+0000"
    assert from_remote(theirs, FieldType.DATETIME) == ours


def test_what_never_comes_is_the_last_day_that_salesforce_has() -> None:
    for kind, ours, theirs in (
        (FieldType.DATETIME, "9999-12-31T00:00:00Z", "4000-12-31T00:00:00Z"),
        (FieldType.DATE, "9999-12-31", "4000-12-31"),
    ):
        assert to_remote(ours, kind) == theirs
        assert from_remote(theirs, kind) == ours


def test_a_checkbox_is_never_unset() -> None:
    assert to_remote(None, FieldType.BOOLEAN) is False


@settings(deadline=None)
@given(TEXTS)
def test_a_key_can_not_break_out_of_a_query(key: str) -> None:
    found = query.literal(key)
    assert unescaped(found[1:-1]) == key
    assert "'" not in found[1:-1].replace("\\\\", "").replace("\\'", "")


# Packing ------------------------------------------------------------------------------


def parts_of(rows: Sequence[Row], **changes: Any) -> list[Part]:
    return list(adapter(**{**UPSERT, **changes}).pack(rows))


def test_few_rows_go_by_requests_and_many_by_files() -> None:
    rows = [row(seq) for seq in range(2_001)]
    few = parts_of(rows[:2_000])
    assert [len(part.rows) for part in few] == [200] * 10
    assert {part.route for part in few} == {"upsert"}
    [many] = parts_of(rows)
    assert (len(many.rows), many.route) == (2_001, "bulk upsert")
    assert many.content.count(b"\n") == 2_002


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=60),
    st.integers(1, 20),
    st.integers(100, 3_000),
)
def test_files_are_full(lengths: list[int], most: int, size: int) -> None:
    sync = load_sync("salesforce_contacts", **UPSERT)
    pile = Pile("bulk upsert", most, size, sync, lines)
    rows = [row(seq, Text__c="x" * length) for seq, length in enumerate(lengths)]
    parts = [part for each in rows for part in pile.add(each)] + [pile.cut()]
    assert [each.seq for part in parts for each in part.rows] == [*range(len(rows))]
    head = parts[0].content.index(b"\n") + 1
    for part, after in itertools.pairwise(parts):
        used = len(part.content) - head
        assert len(part.rows) <= most
        assert used <= size or len(part.rows) == 1
        next_line = len(line(after.rows[0], sync, after.rows[0].key))
        assert len(part.rows) == most or used + next_line > size


def test_files_hold_whole_batches_and_are_made_one_by_one() -> None:
    taken = 0

    def rows() -> Iterator[Row]:
        nonlocal taken
        for taken in range(1, 2_501):
            yield row(taken, Text__c="hot")

    sync = load_sync("salesforce_contacts", **UPSERT)
    parts = pack(rows(), sync, Sizes(bulk_above=200, bulk_rows=1_000))
    assert (len(next(parts).rows), taken) == (1_000, 1_001)
    assert [len(part.rows) for part in parts] == [1_000, 500]
    assert BULK_ROWS % 10_000 == 0


def test_files_are_cut_by_bytes_and_99_percent_full() -> None:
    sync = load_sync("salesforce_contacts", **UPSERT)
    rows = (row(seq, Text__c="x" * 900) for seq in range(30_000))
    sizes = Sizes(bulk_size=1_000_000)
    *full, _ = pack(rows, sync, sizes)
    assert len(full) > 20
    assert min(len(part.content) for part in full) >= 0.99 * sizes.bulk_size


def test_a_shop_can_have_fewer_rows_at_once() -> None:
    rows = [row(seq) for seq in range(5_000)]
    assert {len(part.rows) for part in parts_of(rows, rows_at_once=100)} == {100}
    files = parts_of(rows, rows_at_once=2_500)
    assert [(part.route, len(part.rows)) for part in files] == [
        ("bulk upsert", 2_500),
        ("bulk upsert", 2_500),
    ]


def test_a_text_that_unsets_in_files_goes_by_requests() -> None:
    rows = [row(seq) for seq in range(2_100)] + [row(5_000, Text__c="#N/A")]
    bulk_part, request = parts_of(rows)
    assert (bulk_part.route, request.route) == ("bulk upsert", "upsert")
    assert [each.seq for each in request.rows] == [5_000]


def test_a_row_counts_as_many_records_as_it_stands_for() -> None:
    ids = ",".join(record_id(number) for number in range(150))
    made = adapter("salesforce_opportunities")
    values: dict[str, Value] = {"Intent_Segment__c": "hot"}
    rows = [Row(seq, Op.UPDATE, f"k{seq}", values, None, ids) for seq in range(3)]
    parts = list(made.pack(rows))
    assert [len(part.rows) for part in parts] == [1, 1, 1]
    assert made.request(parts[0]).content.count(b'"id"') == 150
    wide = ",".join(record_id(number) for number in range(250))
    [file] = made.pack([replace(rows[0], remote_id=wide)])
    assert made.is_job(file)
    assert file.content.count(b"\n") == 251


def test_ops_go_their_own_ways() -> None:
    made = adapter(**UPSERT)
    ids = record_id(1)
    rows = [
        row(1),
        row(2, Op.UPDATE, ids),
        row(3, Op.LEAVE, ids, Text__c=None),
        row(4, Op.DELETE, ids),
    ]
    sent = {part.route: made.request(part) for part in made.pack(rows)}
    assert {route: each.method for route, each in sent.items()} == {
        "upsert": "PATCH",
        "update": "PATCH",
        "delete": "DELETE",
    }
    collections = "/services/data/v67.0/composite/sobjects"
    assert sent["upsert"].path == f"{collections}/Contact/Intent_Contact_Id__c"
    assert sent["delete"].path == f"{collections}?ids={ids}&allOrNone=false"
    [left] = orjson.loads(sent["update"].content)["records"]
    assert left == {"attributes": {"type": "Contact"}, "id": ids, "Text__c": None}


def test_a_part_made_anew_says_the_same() -> None:
    made = adapter(**UPSERT)
    for count in (3, 2_001):
        [part] = made.pack([row(seq) for seq in range(count)])
        anew = replace(part, content=b"")
        if made.is_job(part):
            job = Job("upload", "750000000000001AAA")
            assert made.step(anew, job).content == part.content
        else:
            assert made.request(anew).content == part.content


# Answers ------------------------------------------------------------------------------


def classify(
    results: Any, rows: Sequence[Row], status: int = 200, **changes: Any
) -> Verdict:
    made = adapter(**{**UPSERT, **changes})
    [part] = made.pack(rows)
    return made.classify(part, told(results, status))


def good(number: int) -> dict[str, Any]:
    return {"id": record_id(number), "success": True, "errors": []}


def bad(code: str, *fields: str) -> dict[str, Any]:
    error = {"statusCode": code, "message": "no", "fields": list(fields)}
    return {"success": False, "errors": [error]}


def test_each_record_has_its_own_result() -> None:
    rows = [row(1), row(2), row(3)]
    results = [
        good(1),
        bad("REQUIRED_FIELD_MISSING", "LastName"),
        bad("UNABLE_TO_LOCK_ROW"),
    ]
    verdict = classify(results, rows)
    assert verdict.outcomes == {
        1: Outcome(State.ACKNOWLEDGED, remote_id=record_id(1)),
        2: Outcome(State.REJECTED, "REQUIRED_FIELD_MISSING", "LastName", "no"),
    }
    assert verdict.advice is Advice.RESEND


def test_fewer_results_than_records_tell_of_none() -> None:
    verdict = classify([good(1)], [row(1), row(2)])
    assert not verdict.outcomes
    assert verdict.advice is Advice.RESEND


def test_results_of_other_records_are_none() -> None:
    made = adapter()
    rows = [Row(n, Op.UPDATE, f"k{n}", {}, None, record_id(n)) for n in (1, 2)]
    [part] = made.pack(rows)
    with pytest.raises(ValueError, match="another order"):
        made.classify(part, told([good(2), good(1)]))


@pytest.mark.parametrize(
    ("results", "state"),
    [
        ([good(1), good(2)], State.ACKNOWLEDGED),
        ([good(1), bad("ENTITY_IS_DELETED")], State.ACKNOWLEDGED),
        ([bad("ENTITY_IS_DELETED")] * 2, State.SKIPPED),
        ([good(1), bad("UNABLE_TO_LOCK_ROW")], None),
        ([bad("ENTITY_IS_DELETED"), bad("UNABLE_TO_LOCK_ROW")], None),
        ([bad("UNABLE_TO_LOCK_ROW"), bad("STRING_TOO_LONG", "X__c")], State.REJECTED),
    ],
)
@pytest.mark.parametrize("as_file", [False, True])
def test_a_row_ends_when_all_its_records_have(
    results: list[dict[str, Any]], state: State | None, as_file: bool
) -> None:
    ids = f"{record_id(1)},{record_id(2)}"
    sync = load_sync("salesforce_opportunities")
    made = adapter("salesforce_opportunities")
    rows = [Row(7, Op.UPDATE, "k", {"Intent_Segment__c": "hot"}, None, ids)]
    if as_file:
        verdict = through_files(sync, rows, results)
    else:
        [part] = made.pack(rows)
        verdict = made.classify(part, told(results))
    found = verdict.outcomes.get(7)
    assert (found.state if found else None) == state


def through_files(
    sync: Sync, rows: Sequence[Row], results: Sequence[dict[str, Any]]
) -> Verdict:
    """The outcomes of a job with two records that fared so."""
    load = bulk.Load("/b", sync.object, "update", "Id", rows)
    failed = ['"sf__Id","sf__Error","Id"']
    done = ['"sf__Id","sf__Created","Id"']
    for number, result in enumerate(results, 1):
        name = record_id(number)
        if result["success"]:
            done.append(f'"{name}","false","{name}"')
        else:
            error = result["errors"][0]
            fields = ", ".join(error["fields"])
            failed.append(f'"","{error["statusCode"]}:no:{fields} --","{name}"')
    job = Job("failures", "750")
    first = bulk.advance(load, job, told("\n".join(failed).encode()))
    second = bulk.advance(load, first.job, told("\n".join(done).encode()))
    assert second.job.step == "done"
    return Verdict({**first.verdict.outcomes, **second.verdict.outcomes})


@pytest.mark.parametrize(
    ("response", "advice", "code"),
    [
        (refusal("INVALID_SESSION_ID", 401), Advice.REAUTHORISE, None),
        (
            refusal("REQUEST_LIMIT_EXCEEDED", 403, "TotalRequests Limit exceeded."),
            Advice.STOP,
            None,
        ),
        (
            refusal("REQUEST_LIMIT_EXCEEDED", 403, "ConcurrentRequests Limit exceeded"),
            Advice.RESEND,
            None,
        ),
        (refusal("API_DISABLED_FOR_ORG", 403), Advice.REFUSED, None),
        (refusal("SERVER_UNAVAILABLE", 503), Advice.RESEND, None),
        (Response(502, {}, b"<html>"), Advice.RESEND, None),
        (refusal("UNABLE_TO_LOCK_ROW"), Advice.RESEND, None),
        (refusal("JSON_PARSER_ERROR"), Advice.SPLIT, None),
        (refusal("INVALID_FIELD"), Advice.RESEND, "INVALID_FIELD"),
        (refusal("NOT_FOUND", 404), Advice.RESEND, "NOT_FOUND"),
    ],
)
def test_refused_requests(response: Response, advice: Advice, code: str | None) -> None:
    verdict = answers.judge(response, [row(1), row(2)])
    assert verdict is not None
    assert verdict.advice is advice
    codes = {outcome.code for outcome in verdict.outcomes.values()}
    assert codes == ({code} if code else set())
    assert len(verdict.outcomes) == (2 if code else 0)


def test_one_row_that_spoils_a_request_is_refused_alone() -> None:
    verdict = answers.judge(refusal("JSON_PARSER_ERROR"), [row(1)])
    assert verdict is not None
    assert verdict.outcomes[1].code == "JSON_PARSER_ERROR"


def test_a_page_of_a_proxy_is_no_answer() -> None:
    with pytest.raises(ValueError, match="no answer of Salesforce"):
        answers.judge(Response(404, {}, b"<html>"), [row(1)])


@pytest.mark.parametrize(
    ("text", "code", "fields", "message"),
    [
        (
            "REQUIRED_FIELD_MISSING:Missing: [LastName]:LastName --",
            "REQUIRED_FIELD_MISSING",
            ["LastName"],
            "Missing: [LastName]",
        ),
        ("UNABLE_TO_LOCK_ROW:no access: 003:--", "UNABLE_TO_LOCK_ROW", [], "no access"),
        ("A_CODE:at 8:30: too late:X__c, Y__c --", "A_CODE", ["X__c", "Y__c"], None),
        ("something else", "UNKNOWN", None, "something else"),
    ],
)
def test_errors_of_files(
    text: str, code: str, fields: list[str] | None, message: str | None
) -> None:
    error = answers.bulk_error(text)
    assert error["statusCode"] == code
    assert error.get("fields") == fields
    assert message is None or error["message"].startswith(message)


@settings(deadline=None)
@given(st.text())
def test_any_error_of_a_file_can_be_read(text: str) -> None:
    assert answers.bulk_error(text)["statusCode"]


def test_the_quota_is_the_orgs_not_the_apps() -> None:
    told_so = "per-app-api-usage=17/250(appName=x); api-usage=25/5000"
    quota = answers.quota(Response(200, {"sforce-limit-info": told_so}))
    assert quota is not None
    assert (quota.used, quota.limit) == (25, 5000)
    assert answers.quota(Response(200)) is None


# Jobs ---------------------------------------------------------------------------------

LOAD = bulk.Load("/b", "Contact", "upsert", "Key__c", [row(1), row(2)])
VENDOR = "750000000000001AAA"


def move(step: str, response: Response, **detail: Any) -> Any:
    return bulk.advance(LOAD, Job(step, VENDOR, detail), response)


def state(name: str, **more: Any) -> Response:
    return told({"state": name, **more})


@pytest.mark.parametrize(
    ("step", "response", "after"),
    [
        ("upload", told(b"", 201), "close"),
        ("upload", refusal("INVALIDJOBSTATE"), "look"),
        ("close", state("UploadComplete"), "poll"),
        ("close", refusal("INVALIDJOBSTATE"), "look"),
        ("look", state("Open"), "abort"),
        ("look", state("UploadComplete"), "poll"),
        ("look", state("InProgress"), "poll"),
        ("look", state("JobComplete", numberRecordsFailed=0), "successes"),
        ("poll", state("JobComplete", numberRecordsFailed=3), "failures"),
        ("poll", state("Failed", errorMessage="TooManyRetries"), "failures"),
        ("poll", state("Aborted"), "failures"),
        ("abort", refusal("INVALIDJOBSTATE"), "look"),
        ("give up", state("Aborted"), "poll"),
        ("poll", refusal("NOT_FOUND", 404), "done"),
        ("successes", refusal("NOT_FOUND", 404), "done"),
        ("failures", refusal("INVALIDJOBSTATE"), "successes"),
        ("successes", refusal("INVALIDJOBSTATE"), "done"),
        ("poll", refusal("SERVER_UNAVAILABLE", 503), "poll"),
        ("upload", refusal("SERVER_UNAVAILABLE", 503), "look"),
        ("poll", refusal("INVALID_SESSION_ID", 401), "poll"),
    ],
)
def test_steps_of_a_job(step: str, response: Response, after: str) -> None:
    assert move(step, response).job.step == after
    assert move(step, response).job.vendor_id == VENDOR
    assert not move(step, response).verdict.outcomes


def test_a_job_begins_anew_when_its_upload_is_in_doubt_but_not_for_ever() -> None:
    doubtful = bulk.doubt(Job("upload", VENDOR))
    assert doubtful == Job("look", VENDOR)
    job = Job("abort", VENDOR)
    for times in range(1, bulk.RESTARTS + 1):
        job = bulk.advance(LOAD, job, state("Aborted")).job
        assert (job.step, job.vendor_id) == ("start", "")
        assert job.detail["restarts"] == times
        job = job.at("abort", vendor_id=VENDOR)
    assert bulk.advance(LOAD, job, state("Aborted")).job.step == "done"
    assert bulk.doubt(Job("start")) == Job("start")
    assert bulk.doubt(Job("poll", VENDOR)) == Job("poll", VENDOR)


def test_a_proxys_page_is_no_step() -> None:
    page = Response(200, {}, b"<html>")
    for step in ("start", "upload", "close", "poll", "abort", "failures", "successes"):
        with pytest.raises(ValueError, match=r"."):
            move(step, page)


def test_waits_grow_and_end() -> None:
    job = Job("poll", VENDOR)
    waits: list[float] = []
    while job.step == "poll" and len(waits) < 2_000:
        moved = bulk.advance(LOAD, job, state("InProgress"))
        job = moved.job
        waits.append(moved.wait)
    assert job.step == "give up"
    assert waits[0] == bulk.FIRST_POLL
    assert max(waits) == bulk.SLOWEST_POLL
    assert waits[:-1] == sorted(waits[:-1])
    assert sum(waits) > bulk.MOST_HOURS * 3600
    assert len(waits) < 600


def test_a_file_with_a_wrong_header_is_refused() -> None:
    failed = state("Failed", errorMessage="InvalidBatch : Field name not found : X__c")
    moved = move("poll", failed)
    assert moved.job.step == "done"
    assert {each.code for each in moved.verdict.outcomes.values()} == {"InvalidBatch"}
    assert set(moved.verdict.outcomes) == {1, 2}


def test_a_job_that_can_not_be_made_refuses_its_rows() -> None:
    moved = bulk.advance(LOAD, Job(), refusal("INVALIDENTITY"))
    assert moved.job.step == "done"
    codes = [each.code for each in moved.verdict.outcomes.values()]
    assert codes == ["INVALIDENTITY"] * 2


def test_the_days_records_used_up_stop_the_run_after_what_was_done() -> None:
    failed = move("poll", state("Failed", errorMessage="ExceededQuota : daily"))
    assert failed.job.step == "failures"
    listed = move("failures", told(b'"sf__Id","sf__Error","Key__c"\n'))
    assert listed.job.step == "successes"
    done = bulk.advance(
        LOAD,
        failed.job.at("successes"),
        told(b'"sf__Id","sf__Created","Key__c"\n"003","true","key1"\n'),
    )
    assert set(done.verdict.outcomes) == {1}
    assert done.verdict.advice is Advice.STOP


def test_results_are_found_by_key_not_by_order() -> None:
    lines = [
        '"sf__Id","sf__Created","Key__c"',
        '"B","true","key2"',
        '"A","true","key1"',
    ]
    done = move("successes", told("\n".join(lines).encode()))
    ids = {seq: each.remote_id for seq, each in done.verdict.outcomes.items()}
    assert ids == {1: "A", 2: "B"}


def test_results_that_end_in_a_line_are_not_whole() -> None:
    text = '"sf__Id","sf__Created","Key__c","Text__c"\n"B","true","key2","a'
    whole = text.index('"a')  # the key is told, and that it was written
    for end in {*range(45, len(text))} - {whole}:
        with pytest.raises(ValueError, match="results"):
            move("successes", told(text[:end].encode()))


def test_no_results_are_results() -> None:
    done = move("successes", told(b""))
    assert done.job.step == "done"
    assert not done.verdict.outcomes


# Look-ups -----------------------------------------------------------------------------


def test_a_look_up_keeps_keys_out_of_the_address() -> None:
    made = adapter()
    keys = [f"o'brien{n}@shop.example" for n in range(1_000)]
    request = made.lookup(keys, ["Intent_Segment__c"])
    assert (request.method, request.path) == ("POST", "/services/data/v67.0/composite")
    queries = orjson.loads(request.content)["compositeRequest"]
    assert len(queries) == 5
    assert len({each["referenceId"] for each in queries}) == 5


def test_only_records_that_count_are_looked_at() -> None:
    leads = query.query(load_sync("salesforce_leads"), ["a"], [])
    assert leads.endswith("AND IsConverted = false")
    deals = query.query(load_sync("salesforce_opportunities"), ["a"], [])
    assert deals.endswith("WHERE AccountId IN ('a') AND IsClosed = false")


def composite(*parts: tuple[int, Any]) -> Response:
    return told(
        {"compositeResponse": [{"httpStatusCode": s, "body": b} for s, b in parts]}
    )


def found(*records: dict[str, Any], done: bool = True) -> tuple[int, Any]:
    return 200, {"done": done, "records": list(records)}


def test_records_of_one_key_are_told_as_one() -> None:
    made = adapter()
    one = {"Id": "B", "Email": "A@x.example", "Intent_Segment__c": "hot"}
    other = {"Id": "A", "Email": "a@X.example", "Intent_Segment__c": "cold"}
    records = made.read_lookup(
        ["a@x.example", "b@x.example"],
        ["Intent_Segment__c"],
        composite(found(one), found(other)),
    )
    assert isinstance(records, Mapping)
    assert list(records) == ["a@x.example"]
    assert records["a@x.example"].remote_id == "A,B"
    assert records["a@x.example"].values["Intent_Segment__c"] not in ("hot", "cold")


def test_ids_of_15_and_18_characters_are_one() -> None:
    made = adapter("salesforce_accounts")
    long = "001Ax0000012345IAA"
    records = made.read_lookup(
        [long[:15], "001AX0000012345"], [], composite(found({"Id": long}))
    )
    assert isinstance(records, Mapping)
    assert list(records) == [long[:15]]


def test_what_can_be_no_id_is_not_asked_for() -> None:
    made = adapter("salesforce_accounts")
    body = made.lookup(["acme inc", "001Ax0000012345IAA"], []).content
    assert b"acme" not in body
    assert b"001Ax0000012345IAA" in body
    assert query.NOBODY.encode() in made.lookup(["acme inc"], []).content


@pytest.mark.parametrize(
    ("response", "advice"),
    [
        (composite(found(done=False)), Advice.SPLIT),
        (composite((401, [{"errorCode": "INVALID_SESSION_ID"}])), Advice.REAUTHORISE),
        (refusal("SERVER_UNAVAILABLE", 503), Advice.RESEND),
    ],
)
def test_look_ups_that_tell_nothing(response: Response, advice: Advice) -> None:
    verdict = adapter().read_lookup(["a"], [], response)
    assert isinstance(verdict, Verdict)
    assert verdict.advice is advice


def test_a_refused_look_up_tells_no_keys() -> None:
    words = (
        "\nSELECT Id WHERE Email IN ('ann@x.example')\n^\nNo such column 'Foo__c' on"
    )
    error = [{"errorCode": "INVALID_FIELD", "message": words}]
    verdict = adapter().read_lookup(["ann@x.example"], [], composite((400, error)))
    assert isinstance(verdict, Verdict)
    assert verdict.advice is Advice.REFUSED
    assert "Foo__c" in verdict.message
    assert "ann" not in verdict.message


# Settings and set-up ------------------------------------------------------------------


def key_pair() -> tuple[str, str]:
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def jwt_settings(private: str, domain: str = "shop") -> SalesforceSettings:
    return SalesforceSettings(
        domain=domain,
        client_id="id",
        private_key=SecretStr(private),
        username="user@shop.example",
    )


@pytest.mark.parametrize(
    ("domain", "host", "audience"),
    [
        ("shop", "shop.my.salesforce.com", "login"),
        ("https://shop.my.salesforce.com/", "shop.my.salesforce.com", "login"),
        (
            "shop--uat.sandbox.my.salesforce.com",
            "shop--uat.sandbox.my.salesforce.com",
            "test",
        ),
    ],
)
def test_assertions_are_signed_for_the_login(
    domain: str, host: str, audience: str
) -> None:
    private, public = key_pair()
    config = jwt_settings(private, domain)
    assert config.address == f"https://{host}"
    made = Salesforce(load_sync("salesforce_contacts"), config, NOW)
    form = made.token_request().content.decode()
    assertion = form.rpartition("assertion=")[2]
    claims = jwt.decode(
        assertion,
        public,
        algorithms=["RS256"],
        audience=f"https://{audience}.salesforce.com",
        issuer="id",
    )
    assert claims["sub"] == "user@shop.example"
    assert "key" not in form.lower().replace("assertion", "")


def test_a_bad_key_is_told_without_it() -> None:
    made = Salesforce(load_sync("salesforce_contacts"), jwt_settings("MIIsecret"), NOW)
    with pytest.raises(BadInputError, match="PRIVATE_KEY: this is not") as error:
        made.token_request()
    assert "MIIsecret" not in str(error.value)


def test_without_the_package_the_way_out_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jwt", None)
    made = Salesforce(load_sync("salesforce_contacts"), jwt_settings("k"), NOW)
    with pytest.raises(BadInputError, match=r"intent-scoring\[jwt\]"):
        made.token_request()


@pytest.mark.parametrize(
    "given_settings",
    [
        {"domain": "shop", "client_id": "id"},
        {"domain": "shop", "client_id": "id", "private_key": SecretStr("k")},
        {
            "domain": "shop",
            "client_id": "id",
            "private_key": SecretStr("k"),
            "username": "u",
            "client_secret": SecretStr("s"),
        },
    ],
)
def test_one_way_to_log_in_is_needed(given_settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="PRIVATE_KEY"):
        SalesforceSettings(**given_settings)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"object": "Contact; DROP"}, "no name"),
        ({"mode": "upsert"}, "external id"),
        ({"segment_changes": {"as": "events"}}, "flow"),
        ({"segment_changes": {"as": "lists", "lists": {"hot": "70112"}}}, "701"),
        ({"options": {"api": 1}}, "options.api"),
        ({"options": {"api_version": "v67"}}, "api_version"),
        ({"options": {"bulk_above": 5}}, "bulk_above"),
    ],
)
def test_what_can_not_be_done_is_said(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        adapter(**changes)


def test_accounts_are_no_members_of_campaigns() -> None:
    lists = {"as": "lists", "lists": {"hot": "701000000000001AAA"}}
    with pytest.raises(BadInputError, match="contacts or leads"):
        adapter("salesforce_accounts", segment_changes=lists)


def test_another_version_of_the_api_can_be_chosen() -> None:
    made = adapter(options={"api_version": "66.0"})
    [request] = made.describe_requests()
    assert request.path == "/services/data/v66.0/sobjects/Contact/describe"


def test_set_up_lists_all_that_is_needed() -> None:
    lines = "\n".join(adapter("salesforce_live_score").setup())
    assert "Intent_Amount_8__c, Number(9, 9)" in lines
    assert "Intent_As_Of__c, Date/Time" in lines
    assert "EXP(MIN(99, Intent_Rate_1__c" in lines
    assert "/ 10))" in lines
    unscaled = adapter("salesforce_live_score", options={})
    assert "score_scale" in "\n".join(unscaled.setup())
    deals = "\n".join(adapter("salesforce_opportunities").setup())
    assert "`Account.Intent_Score__c`" in deals
    campaign = {"as": "lists", "lists": {"hot": "701000000000001AAA"}}
    lists = "\n".join(adapter(segment_changes=campaign).setup())
    assert "Intent_Member_Key__c" in lists
    created = "\n".join(adapter("salesforce_leads", **{**UPSERT}).setup())
    assert "External ID" in created
    assert "Company" in created


def test_rows_that_are_too_large_are_refused() -> None:
    made = adapter(**UPSERT)
    assert "32,000" in str(made.refuse(row(1, Text__c="x" * 32_001)))
    assert made.refuse(row(1, Text__c="x" * 32_000)) is None
    wide: dict[str, Value] = {f"F{number}__c": "x" * 31_000 for number in range(13)}
    assert "400,000" in str(made.refuse(Row(1, Op.CREATE, "k", wide)))
