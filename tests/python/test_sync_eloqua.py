"""Eloqua: what is asked for, and what each answer means."""

import csv
import io
from datetime import datetime
from typing import Any

import orjson
import pytest
from intent.errors import BadInputError
from intent.sync.destinations import _eloqua_import as imports
from intent.sync.destinations._csv_files import BETWEEN
from intent.sync.destinations.eloqua import Eloqua, EloquaSettings, from_eloqua
from intent.sync.model import Advice, Job, Op, Part, Response, Row, State
from intent.sync.spec import FieldType
from pydantic import SecretStr
from sync_shop import load_sync

SETTINGS = EloquaSettings(
    url="https://secure.p03.eloqua.com/",
    company="Acme",
    user="api",
    password=SecretStr("secret"),
)
SEGMENT = "C_Intent_Segment1"
URI, SYNC = "/contacts/imports/301", "/syncs/601"


def adapter(**changes: Any) -> Eloqua:
    return Eloqua(load_sync("eloqua", **changes), SETTINGS, datetime(2026, 7, 1))


def row(seq: int, op: Any = Op.UPDATE, **values: Any) -> Row:
    return Row(seq, op, f"p{seq}@shop.example", values, remote_id="7")


def answer(body: Any, status: int = 200) -> Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Response(status, {}, content)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"object": "account"}, "set it to contact"),
        ({"match": {"field": "C_Id", "column": "contact_id"}}, "C_EmailAddress"),
        ({"segment_changes": {"as": "events"}}, "takes no events"),
        (
            {
                "fields": {
                    f"C_F{n}": {"column": "segment", "trigger": True}
                    for n in range(100)
                }
            },
            "100 fields",
        ),
    ],
)
def test_what_there_is_not_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        adapter(**changes)


def test_a_definition_says_what_is_written_and_whether_it_creates() -> None:
    rows = [row(1, **{SEGMENT: "hot"}), row(2, Op.LEAVE, **{SEGMENT: None})]
    rules = {"upsert": "createAndUpdate", "create_only": "createOnly"}
    for mode, rule in rules.items():
        one = adapter(mode=mode)
        parts = list(one.pack(rows))
        told = [orjson.loads(one.step(part, Job()).content) for part in parts]
        assert [each["importRule"] for each in told] == [rule, "updateOnly"]
        assert told[0]["fields"] == {
            "C_EmailAddress": "{{Contact.Field(C_EmailAddress)}}",
            SEGMENT: "{{Contact.Field(C_Intent_Segment1)}}",
        }
        assert told[0]["isSyncTriggeredOnImport"] is False
        assert told[0]["updateRule"] == "always"


def test_lists_are_sync_actions() -> None:
    one = adapter()
    [part] = one.pack([row(1, Op.DROP, list="101")])
    request = one.step(part, Job())
    assert request.path == "/api/bulk/2.0/contacts/syncActions"
    [action] = orjson.loads(request.content)["syncActions"]
    assert action == {"action": "remove", "destination": "{{ContactList[101]}}"}


def test_files_are_full_and_no_larger_than_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imports, "FILE_SIZE", 2_000)
    one = adapter()
    rows = [row(number, **{SEGMENT: "hot"}) for number in range(1_000)]
    parts = list(one.pack(rows))
    files = [file for part in parts for file in part.content.split(BETWEEN)]
    assert all(1_900 < len(file) <= 2_000 for file in files[:-1])
    assert len(files[0]) <= 2_000
    assert list(imports.files_of(Part(parts[0].rows, parts[0].route), one.sync)) == (
        parts[0].content.split(BETWEEN)
    )


def test_a_field_that_is_kept_is_in_no_column() -> None:
    rows = [row(1, **{SEGMENT: None}), row(2)]
    parts = list(adapter().pack(rows))
    texts = [io.StringIO(part.content.decode(), newline="") for part in parts]
    assert [list(csv.reader(text)) for text in texts] == [
        [["C_EmailAddress", SEGMENT], ["p1@shop.example", ""]],
        [["C_EmailAddress"], ["p2@shop.example"]],
    ]


def test_the_steps_of_an_import() -> None:
    one = adapter()
    [part] = one.pack([row(1, **{SEGMENT: "hot"}), row(2, **{SEGMENT: "bad"})])
    move = one.advance(part, Job(), answer({"uri": URI}, 201))
    assert one.step(part, move.job).path == f"/api/bulk/2.0{URI}/data"
    move = one.advance(part, move.job, answer(b"", 204))
    request = one.step(part, move.job)
    assert (request.lane, orjson.loads(request.content)) == (
        "sync",
        {"syncedInstanceUri": URI},
    )
    move = one.advance(part, move.job, answer({"uri": SYNC, "status": "pending"}, 201))
    assert (move.job.step, move.wait) == ("poll", 10.0)
    move = one.advance(part, move.job, answer({"status": "active"}))
    assert one.step(part, move.job).path == f"/api/bulk/2.0{SYNC}"
    move = one.advance(part, move.job, answer({"status": "warning"}))
    logs = {"items": [{"statusCode": "ELQ-00001", "count": 2}]}
    move = one.advance(part, move.job, answer(logs))
    assert "/rejects?limit=1000&offset=0" in one.step(part, move.job).path
    rejects = {
        "items": [
            {
                "fieldValues": {"C_EmailAddress": "P2@shop.example"},
                "statusCode": "ELQ-00090",
                "message": "Invalid",
                "invalidFields": [SEGMENT],
            }
        ],
        "hasMore": False,
    }
    move = one.advance(part, move.job, answer(rejects))
    outcomes = move.verdict.outcomes
    assert (move.job.step, outcomes[1].state) == ("done", State.ACKNOWLEDGED)
    assert (outcomes[2].code, outcomes[2].field) == ("ELQ-00090", SEGMENT)


def test_what_is_in_doubt_is_not_staged_or_synced_twice() -> None:
    one = adapter()
    [part] = one.pack([row(1, **{SEGMENT: "hot"})])
    assert one.doubt(Job("data", URI, {"file": 0})) == Job("start", "", {"restarts": 1})
    job = one.doubt(Job("sync", URI))
    assert job.step == "find"
    others = {
        "items": [{"syncedInstanceUri": "/contacts/imports/9", "uri": "/syncs/9"}]
    }
    assert one.advance(part, job, answer(others)).job.step == "sync"
    ours = {"items": [*others["items"], {"syncedInstanceUri": URI, "uri": SYNC}]}
    move = one.advance(part, job, answer(ours))
    assert (move.job.step, move.job.detail["sync"]) == ("poll", SYNC)


def test_a_404_to_a_file_begins_anew() -> None:
    one = adapter()
    [part] = one.pack([row(1, **{SEGMENT: "hot"})])
    job = Job("data", URI, {"file": 0})
    assert one.advance(part, job, answer(b"", 404)).job.step == "start"
    last = Job("data", URI, {"file": 0, "restarts": imports.RESTARTS})
    assert one.advance(part, last, answer(b"", 404)).job.step == "done"


def test_rows_that_were_not_processed_are_sent_again() -> None:
    job = Job("logs", URI, {"sync": SYNC, "status": "success"})
    logs = answer({"items": [{"statusCode": "ELQ-00001", "count": 1}]})
    for counts_all, outcomes in ((True, 0), (False, 2)):
        one = adapter(options={"counts_all": counts_all})
        [part] = one.pack([row(1, **{SEGMENT: "a"}), row(2, **{SEGMENT: "b"})])
        move = one.advance(part, job, logs)
        assert (move.job.step, len(move.verdict.outcomes)) == ("done", outcomes)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, Advice.REFUSED),
        (403, Advice.REFUSED),
        (409, Advice.RESEND),
        (429, Advice.RESEND),
        (503, Advice.RESEND),
    ],
)
def test_refusals_go_by_the_status(status: int, advice: Advice) -> None:
    one = adapter()
    [part] = one.pack([row(1, **{SEGMENT: "hot"})])
    move = one.advance(part, Job("poll", URI, {"sync": SYNC}), answer(b"", status))
    assert move.verdict.advice is advice


def test_values_that_are_read_back() -> None:
    assert from_eloqua("1782892800", FieldType.DATETIME) == "2026-07-01T08:00:00Z"
    assert from_eloqua("2.5", FieldType.NUMBER) == 2.5
    assert from_eloqua("", FieldType.TEXT) is None
    assert adapter().refuse(Row(1, Op.UPDATE, "nobody", {})) == (
        "its match key is no email"
    )
