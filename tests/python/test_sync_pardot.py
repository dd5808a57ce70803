"""Account Engagement: what is asked for, and what each answer means."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from intent.errors import BadInputError
from intent.sync.destinations import _pardot_import as imports
from intent.sync.destinations._csv_files import BETWEEN, quoted
from intent.sync.destinations.pardot import Pardot, PardotSettings, from_pardot
from intent.sync.model import Advice, Job, Op, Part, Response, Row, State
from intent.sync.spec import FieldType
from pydantic import SecretStr
from sync_shop import load_sync

SETTINGS = PardotSettings(
    domain="acme",
    client_id="app",
    client_secret=SecretStr("secret"),
    business_unit_id="0Uv000000000001AAA",
)


def adapter(**changes: Any) -> Pardot:
    return Pardot(load_sync("pardot", **changes), SETTINGS, datetime(2026, 7, 1))


def row(seq: int, op: Any = Op.UPDATE, **values: Any) -> Row:
    return Row(seq, op, f"p{seq}@shop.example", values, remote_id="7,8")


def answer(body: Any, status: int = 200) -> Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Response(status, {}, content)


def lines(part: Part) -> list[list[str]]:
    return list(csv.reader(io.StringIO(part.content.decode(), newline="")))


def test_it_is_spoken_to_where_the_org_is() -> None:
    one = adapter()
    assert one.address == "https://pi.pardot.com"
    assert one.token_request().host == "acme.my.salesforce.com"
    sandbox = SETTINGS.model_copy(
        update={"domain": "https://acme--uat.sandbox.my.salesforce.com/"}
    )
    other = Pardot(one.sync, sandbox, datetime(2026, 7, 1))
    assert other.address == "https://pi.demo.pardot.com"
    assert other.token_request().host == "acme--uat.sandbox.my.salesforce.com"
    told = one.authorise(one.describe_requests()[0], "t", datetime.now(UTC))
    assert told["pardot-business-unit-id"] == "0Uv000000000001AAA"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"object": "visitor"}, "has no visitor"),
        ({"match": {"field": "id", "column": "contact_id"}}, "found by email"),
        ({"segment_changes": {"as": "events"}}, "takes no events"),
        (
            {"segment_changes": {"as": "lists", "lists": {"hot": "Hot ones"}}},
            "lists have numbers",
        ),
    ],
)
def test_what_there_is_not_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        adapter(**changes)


def test_a_field_that_is_kept_is_in_no_column() -> None:
    """A blank cell would unset what is there."""
    rows = [row(1, a="x", b=None), row(2, a="y"), row(3, a="", b=2.5)]
    parts = list(adapter().pack(rows))
    assert [lines(part) for part in parts] == [
        [
            ["matchEmail", "a", "b"],
            ["p1@shop.example", "x", ""],
            ["p3@shop.example", "", "2.5"],
        ],
        [["matchEmail", "a"], ["p2@shop.example", "y"]],
    ]


def test_only_writes_create_anybody() -> None:
    rows = [row(1, a="x"), row(2, Op.LEAVE, a=None), row(3, Op.JOIN, list="1001")]
    for mode, creates in (("upsert", True), ("update_only", False)):
        one = adapter(mode=mode)
        for part in one.pack(rows):
            told = orjson.loads(one.step(part, Job()).content)
            assert told["createOnNoMatch"] is (creates and part.route == "upsert")
            assert told["restoreDeleted"] is False
    [*_, joined] = one.pack(rows)
    assert lines(joined) == [["matchEmail", "addToList"], ["p3@shop.example", "1001"]]


def test_files_are_full_and_ten_to_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BATCH_SIZE", 200)
    one = adapter()
    rows = [row(number, a="some words, and more") for number in range(100)]
    parts = list(one.pack(rows))
    files = [part.content.split(BETWEEN) for part in parts]
    assert [len(each) for each in files[:-1]] == [10] * (len(parts) - 1)
    assert all(160 < len(file) <= 200 for each in files for file in each[:-1])
    assert all(file.startswith(b"matchEmail,a\n") for each in files for file in each)
    assert sum(len(part.rows) for part in parts) == 100
    anew = Part(parts[0].rows, parts[0].route)
    assert list(imports.files_of(anew)) == files[0]
    assert one.requests_of(parts[0]) == 13


def test_a_million_rows_take_13_calls() -> None:
    one = adapter()
    stages = ["awareness", "consideration", "decision", "retention"]

    def told(number: int) -> dict[str, Any]:
        """As contacts have it: most stand far from hot."""
        return {
            "Intent_Segment__c": "warm" if number % 3 else "hot",
            "Intent_Grade__c": "B2",
            "Intent_Buying_Stage__c": stages[number % 4],
            "Intent_Score__c": 3.25,
            "Intent_Hot_Until__c": None if number % 3 else "2026-07-14",
            "Intent_Top_Driver__c": "cart_add",
            "Intent_Top_Interest__c": "shoes",
            "Intent_As_Of__c": "2026-07-01T08:00:00Z",
        }

    assert told(0).keys() == one.sync.fields.keys()
    sample = 10_000
    rows = (
        Row(number, Op.UPDATE, f"person{number:07d}@shop.example", told(number))
        for number in range(sample)
    )
    [part] = one.pack(rows)
    size = len(part.content) * 1_000_000 / sample
    assert size < imports.BATCHES * imports.BATCH_SIZE


def test_the_steps_of_an_import() -> None:
    one = adapter()
    [part] = one.pack([row(1, a="x"), row(2, a="y")])
    move = one.advance(part, Job(), answer({"id": 5}, 201))
    assert (move.job.step, move.job.vendor_id) == ("batch", "5")
    request = one.step(part, move.job)
    assert request.path == "/api/v5/imports/5/batches"
    assert b"p1@shop.example,x\n" in request.content
    move = one.advance(part, move.job, answer(b"", 204))
    assert (one.step(part, move.job).method, move.job.step) == ("PATCH", "ready")
    move = one.advance(part, move.job, answer({"id": 5, "status": "Waiting"}))
    assert (move.job.step, move.wait) == ("poll", 60.0)
    waiting = one.advance(part, move.job, answer({"status": "Processing"}))
    assert (waiting.job.step, waiting.wait) == ("poll", 60.0)
    told = {"status": "Complete", "createdCount": 1, "updatedCount": 0, "errorCount": 1}
    move = one.advance(part, waiting.job, answer(told))
    assert move.job.step == "errors"
    errors = b"matchEmail,a,errors\nP2@shop.example,y,a: is not valid\n"
    move = one.advance(part, move.job, answer(errors))
    assert move.job.step == "done"
    states = {seq: outcome.state for seq, outcome in move.verdict.outcomes.items()}
    assert states == {1: State.ACKNOWLEDGED, 2: State.REJECTED}


def test_rows_that_no_sum_has_are_sent_again() -> None:
    job = Job("poll", "5")
    told = answer({"status": "Complete", "createdCount": 1, "updatedCount": 0})
    for counts_all, outcomes in ((True, 0), (False, 2)):
        one = adapter(options={"counts_all": counts_all})
        [part] = one.pack([row(1, a="x"), row(2, a="y")])
        move = one.advance(part, job, told)
        assert (move.job.step, len(move.verdict.outcomes)) == ("done", outcomes)
        assert move.verdict.advice is (Advice.SPLIT if counts_all else Advice.RESEND)


def test_a_file_in_doubt_is_never_handed_in_twice() -> None:
    one = adapter()
    for tries in (1, 2, 3):
        again = one.doubt(Job("batch", "5", {"batch": 1, "restarts": tries - 1}))
        assert again == Job("start", "", {"restarts": tries})
    assert one.doubt(Job("batch", "5", {"batch": 1, "restarts": 3})).step == "done"
    assert one.doubt(Job("ready", "5")).step == "poll"
    [part] = one.pack([row(1, a="x")])
    assert one.advance(part, Job("poll", "5"), answer({"status": "Open"})).job.step == (
        "ready"
    )


@pytest.mark.parametrize(
    ("op", "state"),
    [
        (Op.UPDATE, State.SKIPPED),
        (Op.LEAVE, State.ACKNOWLEDGED),
        (Op.DROP, State.ACKNOWLEDGED),
        (Op.JOIN, State.SKIPPED),
    ],
)
def test_who_is_not_there(op: Op, state: State) -> None:
    one = adapter(mode="update_only")
    values: dict[str, str | None] = {"a": None}
    if op in {Op.JOIN, Op.DROP}:
        values = {"list": "1001"}
    [part] = one.pack([Row(1, op, "p1@shop.example", values)])
    errors = b"matchEmail,a,errors\np1@shop.example,,No matching prospect was found\n"
    job = Job("errors", "5", {"counted": 1, "errors": 1})
    assert one.advance(part, job, answer(errors)).verdict.outcomes[1].state is state


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (429, 66, Advice.RESEND),
        (400, 66, Advice.RESEND),
        (429, 122, Advice.STOP),
        (401, 184, Advice.REAUTHORISE),
        (400, 184, Advice.REAUTHORISE),
        (403, 49, Advice.REFUSED),
        (500, 1, Advice.RESEND),
    ],
)
def test_errors_go_by_their_code(status: int, code: int, advice: Advice) -> None:
    one = adapter()
    [part] = one.pack([row(1, a="x")])
    told = answer({"code": code, "message": "m"}, status)
    assert one.advance(part, Job("poll", "5"), told).verdict.advice is advice
    assert not one.advance(part, Job("poll", "5"), told).verdict.outcomes


def test_wrong_columns_refuse_all_rows_at_once() -> None:
    one = adapter()
    [part] = one.pack([row(1, a="x"), row(2, a="y")])
    wrong = answer({"code": 600, "message": "Invalid column: a"}, 400)
    move = one.advance(part, Job("batch", "5", {"batch": 0}), wrong)
    assert move.job.step == "done"
    assert {each.code for each in move.verdict.outcomes.values()} == {"600"}
    with pytest.raises(ValueError, match="no code"):
        one.advance(part, Job("poll", "5"), answer(b"<html>", 404))


def test_all_prospects_with_an_email_are_deleted() -> None:
    one = adapter()
    [part] = one.pack([row(1, Op.DELETE)])
    assert one.step(part, Job()).path == "/api/v5/objects/prospects/7"
    move = one.advance(part, Job(), answer(b"", 204))
    assert one.step(part, move.job).path == "/api/v5/objects/prospects/8"
    gone = answer({"code": 109, "message": "Invalid ID"}, 404)
    move = one.advance(part, move.job, gone)
    assert move.verdict.outcomes[1].state is State.ACKNOWLEDGED
    assert one.requests_of(part) == 2


def test_of_several_prospects_the_one_with_the_latest_activity_is_meant() -> None:
    one = adapter()
    name = "Intent_Score__c"
    found = [
        {"id": 3, "lastActivityAt": "2026-06-01T00:00:00-00:00", name: "1.5"},
        {"id": 2, "lastActivityAt": "2026-06-02T00:00:00-00:00", name: "2.5"},
        {"id": 1, "lastActivityAt": None, name: None},
    ]
    read: Any = one.read_lookup(["a@b.example"], [name], answer({"values": found}))
    assert read["a@b.example"].remote_id == "2,3,1"
    assert read["a@b.example"].values == {name: 2.5}
    assert one.read_lookup(["a@b.example"], [name], answer({"values": []})) == {}


def test_cells() -> None:
    texts = ['a "b", c', "two\nlines", " spaces ", "plain", "=1+1"]
    told = ",".join(map(quoted, texts))
    assert next(csv.reader(io.StringIO(told, newline=""))) == texts
    assert quoted("plain") == "plain"
    assert adapter().refuse(row(1, a="a\0b")) == "a text has the character NUL"
    assert from_pardot("3.0", FieldType.INTEGER) == 3
    assert from_pardot("2026-07-01 00:00:00", FieldType.DATE) == "2026-07-01"
    assert from_pardot("", FieldType.TEXT) is None
