"""HubSpot's adapter: what it sends, what it makes of answers, and whole runs."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from intent.errors import BadInputError, ExitCode, RefusedError
from intent.sync.destinations._hubspot_values import heard, remote_field, spoken
from intent.sync.destinations.hubspot import ADAPTER, HubSpot, HubSpotSettings
from intent.sync.ledger import open_ledger
from intent.sync.model import (
    Advice,
    Op,
    Outcome,
    Quota,
    RemoteRecord,
    Response,
    Row,
    State,
    Value,
    Verdict,
)
from intent.sync.spec import FieldType
from pydantic import SecretStr
from standins import find_cases
from standins.faults import answers, too_many
from standins.hubspot import TOKEN, HubSpotStandIn, Property
from sync_shop import load_sync
from sync_stage import Stage, set_stage

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
FOUND = Outcome(State.ACKNOWLEDGED, remote_id="900")
NO_MATCH = Outcome(State.SKIPPED, "NO_MATCH")
LISTS = {"as": "lists", "lists": {"hot": "101", "warm": "102"}}


def adapter(name: str = "hubspot", **changes: Any) -> HubSpot:
    settings = HubSpotSettings(token=SecretStr("pat"))
    return ADAPTER(load_sync(name, **changes), settings, NOW)


def row(
    seq: int,
    op: Op = Op.CREATE,
    remote_id: str | None = None,
    values: Mapping[str, Value] | None = None,
) -> Row:
    written = {"intent_segment": "hot"} if values is None else values
    return Row(seq, op, f"p{seq}@shop.example", written, remote_id=remote_id)


def parts(made: HubSpot, rows: Sequence[Row]) -> list[tuple[str, int]]:
    return [(part.route, len(part.rows)) for part in made.pack(rows)]


def sent(made: HubSpot, *rows: Row) -> tuple[str, str, Any]:
    [part] = made.pack(rows)
    request = made.request(part)
    return request.method, request.path, orjson.loads(request.content)


def answer(status: int, body: Any = None, **headers: str) -> Response:
    content = b"" if body is None else orjson.dumps(body)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, names, content)


def failure(category: str, message: str = "", **context: list[str]) -> dict[str, Any]:
    return {
        "status": "error",
        "category": category,
        "message": message,
        "context": context,
    }


def judged(
    response: Response, rows: Sequence[Row], made: HubSpot | None = None
) -> Verdict:
    made = made or adapter()
    [part] = made.pack(rows)
    return made.classify(part, response)


# What is sent ------------------------------------------------------------------------


def test_packs_a_hundred_rows_of_a_kind_as_they_come() -> None:
    writes = [row(seq) for seq in range(250)]
    leaves = [row(seq, Op.LEAVE, "7") for seq in range(250, 255)]
    mixed = [*leaves[:3], *writes, *leaves[3:]]
    found = parts(adapter(), mixed)
    assert sorted(found) == [
        ("update", 5),
        ("upsert", 50),
        ("upsert", 100),
        ("upsert", 100),
    ]
    taken = iter(mixed)
    next(adapter().pack(taken))
    assert len(list(taken)) == 255 - 103
    assert parts(adapter(rows_at_once=40), writes) == [("upsert", 40)] * 6 + [
        ("upsert", 10)
    ]


def test_upserts_by_the_match_field_and_does_not_write_it() -> None:
    created = Row(7, Op.CREATE, "a@b.example", {"intent_score": 4.25})
    assert sent(adapter(), created) == (
        "POST",
        "/crm/objects/2026-03/contacts/batch/upsert",
        {
            "inputs": [
                {
                    "objectWriteTraceId": "7",
                    "properties": {"intent_score": "4.25"},
                    "id": "a@b.example",
                    "idProperty": "email",
                }
            ]
        },
    )


def test_leaves_by_the_records_id_so_that_nothing_is_created() -> None:
    gone = row(1, Op.LEAVE, "555", {"intent_segment": None, "intent_as_of": None})
    assert sent(adapter(), gone) == (
        "POST",
        "/crm/objects/2026-03/contacts/batch/update",
        {
            "inputs": [
                {
                    "objectWriteTraceId": "1",
                    "properties": {"intent_segment": "", "intent_as_of": ""},
                    "id": "555",
                }
            ]
        },
    )


def test_creates_with_the_key_among_the_properties_where_it_only_creates() -> None:
    _, path, body = sent(adapter(mode="create_only"), row(1))
    assert path.endswith("/batch/create")
    assert body["inputs"][0] == {
        "objectWriteTraceId": "1",
        "associations": [],
        "properties": {"email": "p1@shop.example", "intent_segment": "hot"},
    }


def test_updates_companies_by_the_id_that_hubspot_gave_them() -> None:
    update = Row(1, Op.UPDATE, "8001", {"intent_contact_count": 3})
    _, path, body = sent(adapter("hubspot_companies"), update)
    assert path == "/crm/objects/2026-03/companies/batch/update"
    assert body["inputs"] == [
        {
            "objectWriteTraceId": "1",
            "properties": {"intent_contact_count": "3"},
            "id": "8001",
        }
    ]


def test_deletes_erased_contacts_for_good_by_id_and_archives_others() -> None:
    erased = [row(seq, Op.DELETE, f"{seq}", {}) for seq in (1, 2)]
    assert parts(adapter(), erased) == [("erase", 1)] * 2
    # By an unknown email, HubSpot would block the address for ever.
    assert sent(adapter(), erased[0]) == (
        "POST",
        "/crm/objects/2026-03/contacts/gdpr-delete",
        {"objectId": "1"},
    )
    unset = {"intent_segment": None}
    left = [row(seq, Op.DELETE, f"{seq}", unset) for seq in (1, 2)]
    assert sent(adapter(mode="mirror"), *left) == (
        "POST",
        "/crm/objects/2026-03/contacts/batch/archive",
        {"inputs": [{"id": "1"}, {"id": "2"}]},
    )


def test_changes_lists_by_ids_of_records() -> None:
    rows = [row(seq, Op.JOIN, f"{seq}", {"list": "101"}) for seq in range(1_500)]
    made = adapter(segment_changes=LISTS)
    assert parts(made, rows) == [("join:101", 1_000), ("join:101", 500)]
    assert sent(made, rows[0]) == (
        "PUT",
        "/crm/lists/2026-03/101/memberships/add-and-remove",
        {"recordIdsToAdd": ["0"], "recordIdsToRemove": []},
    )
    _, path, body = sent(made, row(1, Op.DROP, "1", {"list": "102"}))
    assert ("/102/" in path, body["recordIdsToRemove"]) == (True, ["1"])


def test_authorises_with_the_token_in_a_header_only() -> None:
    [request] = adapter().describe_requests()
    headers = adapter().authorise(request, None, NOW)
    assert headers == {"authorization": "Bearer pat"}


@pytest.mark.parametrize(
    ("options", "often", "a_day"),
    [
        ({}, 190, 625_000),
        ({"tier": "starter"}, 100, 250_000),
        ({"tier": "enterprise"}, 190, 1_000_000),
        ({"limit_increases": 2}, 250, 2_625_000),
        ({"requests_per_ten_seconds": 110}, 110, 625_000),
    ],
)
def test_keeps_to_the_limits_of_the_tier(
    options: dict[str, Any], often: int, a_day: int
) -> None:
    limits = adapter(options=options).limits
    [window] = limits.windows["write"]
    assert (window.count, window.seconds, window.counts_rows) == (often, 10.0, False)
    assert (limits.requests_a_day, limits.rows) == (a_day, 100)
    assert limits.settle_seconds is None


def test_looks_up_creations_in_doubt() -> None:
    assert adapter(mode="create_only").limits.settle_seconds == 5.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"segment_changes": {"as": "events"}}, "as: lists"),
        ({"segment_changes": {"as": "lists", "lists": {"hot": "hot"}}}, "a number"),
        ({"object": "deals"}, "contacts, companies"),
        ({"match": {"field": "hs_object_id", "column": "email"}}, "update_only"),
        ({"options": {"tier": "gold"}}, "options.tier"),
    ],
)
def test_refuses_what_hubspot_has_not(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        adapter(**changes)


# Values ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, FieldType.NUMBER, ""),
        (True, FieldType.BOOLEAN, "true"),
        (False, FieldType.BOOLEAN, "false"),
        (4, FieldType.INTEGER, "4"),
        (4.5, FieldType.NUMBER, "4.5"),
        (1e-7, FieldType.NUMBER, "0.0000001"),
        (1e22, FieldType.NUMBER, "10000000000000000000000"),
        ("2026-07-01T08:00:00Z", FieldType.DATETIME, "1782892800000"),
        ("2026-07-01", FieldType.DATE, "1782864000000"),
        ("2026-07-01", FieldType.TEXT, "2026-07-01"),
        ("1969-12-31", FieldType.DATE, "-86400000"),
    ],
)
def test_speaks_values_as_text(value: Value, kind: FieldType, text: str) -> None:
    assert spoken(value, kind) == text
    assert heard(text, kind) == value


def test_hears_moments_as_answers_have_them() -> None:
    assert heard("2026-07-01T08:00:00.000Z", FieldType.DATETIME) == (
        "2026-07-01T08:00:00Z"
    )
    assert heard("2026-07-01T10:00:00+02:00", FieldType.DATETIME) == (
        "2026-07-01T08:00:00Z"
    )
    assert heard("2026-07-01", FieldType.DATE) == "2026-07-01"
    assert heard(None, FieldType.DATE) is None
    assert heard("soon", FieldType.DATETIME) == "soon"
    assert heard("many", FieldType.INTEGER) == "many"
    assert heard("maybe", FieldType.BOOLEAN) == "maybe"


@given(
    text=st.text(min_size=1, max_size=200) | st.just("ä" * 32_768),
    number=st.floats(allow_nan=False, allow_infinity=False),
    whole=st.integers(-(2**63), 2**63 - 1),
    moment=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)),
)
def test_values_come_back_as_they_were(
    text: str, number: float, whole: int, moment: datetime
) -> None:
    for value, kind in (
        (text, FieldType.TEXT),
        (number, FieldType.NUMBER),
        (whole, FieldType.INTEGER),
        (f"{moment:%Y-%m-%dT%H:%M:%SZ}", FieldType.DATETIME),
        (f"{moment:%Y-%m-%d}", FieldType.DATE),
    ):
        assert heard(spoken(value, kind), kind) == value


def test_describes_what_properties_take() -> None:
    def described(kind: str, **more: Any) -> Any:
        return remote_field({"name": "a", "type": kind, **more}, is_unique=False)

    assert described("string").kinds >= {FieldType.TEXT, FieldType.NUMBER}
    assert described("string").max_length == 65_536
    assert described("datetime").kinds == {FieldType.DATETIME}
    options = [{"label": "Hot", "value": "hot", "hidden": False}]
    assert described("enumeration", options=options).options == {"hot"}
    yes_no = [{"value": "true"}, {"value": "false"}]
    assert described("enumeration", options=yes_no).kinds == {FieldType.BOOLEAN}
    assert described("enumeration", options=yes_no).options is None
    owners = described("enumeration", options=[], externalOptions=True)
    assert owners.options is None
    read_only = described("string", modificationMetadata={"readOnlyValue": True})
    assert not read_only.is_writable
    assert not described("string", calculated=True).is_writable
    assert described("string").is_writable
    assert described("string", hasUniqueValue=True).is_unique
    assert not described("string").is_unique
    assert described("json").kinds == frozenset()
    with pytest.raises(ValueError, match="name or type"):
        remote_field({"name": 1, "type": "string"}, is_unique=False)


def test_knows_that_emails_are_unique_though_hubspot_does_not_say_so() -> None:
    listed = [
        {"name": "email", "type": "string", "hasUniqueValue": False},
        {"name": "old", "type": "string", "archived": True},
    ]
    fields = adapter().read_fields([answer(200, {"results": listed})])
    assert fields is not None
    assert list(fields) == ["email"]
    assert fields["email"].is_unique
    with pytest.raises(ValueError, match="list"):
        adapter().read_fields([answer(200, {"status": "error"})])


# Answers -----------------------------------------------------------------------------


def results(*pairs: tuple[str, str]) -> dict[str, Any]:
    """An answer by record ids and trace ids."""
    return {
        "status": "COMPLETE",
        "results": [
            {"id": record, "objectWriteTraceId": trace, "properties": {}}
            for record, trace in pairs
        ],
    }


def test_finds_results_by_their_trace_in_any_order_and_leaves_the_rest_open() -> None:
    rows = [row(1), row(2), row(3)]
    verdict = judged(answer(200, results(("30", "3"), ("10", "1"))), rows)
    assert verdict == Verdict(
        {
            3: Outcome(State.ACKNOWLEDGED, remote_id="30"),
            1: Outcome(State.ACKNOWLEDGED, remote_id="10"),
        }
    )


def test_never_takes_the_result_of_another_row_for_its_own() -> None:
    numbered = adapter(match={"field": "own_id", "column": "contact_id"})
    rows = [Row(1, Op.CREATE, "20", {}), Row(2, Op.CREATE, "10", {})]
    [part] = numbered.pack(rows)
    by_key = {"id": "10", "properties": {"own_id": "20"}}
    verdict = numbered.classify(part, answer(200, {"results": [by_key]}))
    assert verdict.outcomes == {1: Outcome(State.ACKNOWLEDGED, remote_id="10")}
    strange = answer(200, results(("10", "77")))
    assert numbered.classify(part, strange).outcomes == {}


def test_finds_results_without_a_trace_by_email_or_id() -> None:
    by_email = {"id": "900", "properties": {"email": "P1@Shop.example"}}
    verdict = judged(answer(200, {"results": [by_email]}), [row(1), row(2)])
    assert verdict.outcomes == {1: FOUND}
    rows = [row(1, Op.LEAVE, "900"), row(2, Op.LEAVE, "901")]
    by_id = {"id": "900", "properties": {}}
    assert judged(answer(200, {"results": [by_id]}), rows).outcomes == {1: FOUND}


def test_knows_rows_by_what_they_were_sent_as() -> None:
    # Updates go by email although the records' ids are known from before.
    rows = [row(1, Op.UPDATE, "900"), row(2, Op.UPDATE, "901")]
    merged = {"id": "901", "properties": {"email": "p1@shop.example"}}
    errors = [failure("VALIDATION_ERROR", "bad", ids=["p2@shop.example"])]
    body = {"results": [merged], "errors": errors}
    outcomes = judged(answer(207, body), rows).outcomes
    assert outcomes[1] == Outcome(State.ACKNOWLEDGED, remote_id="901")
    assert outcomes[2].state is State.REJECTED


def test_reads_what_is_wrong_with_a_row_of_several() -> None:
    fault = (
        'Property values were not valid: [{"isValid":false,"message":"x was not one of '
        'the allowed options","error":"INVALID_OPTION","name":"intent_segment"}]'
    )
    body = results(("900", "1")) | {
        "numErrors": 1,
        "errors": [failure("VALIDATION_ERROR", fault, objectWriteTraceId=["2"])],
    }
    verdict = judged(answer(207, body), [row(1), row(2), row(3)])
    assert verdict.advice is Advice.RESEND
    assert verdict.outcomes == {
        1: FOUND,
        2: Outcome(
            State.REJECTED,
            "INVALID_OPTION",
            "intent_segment",
            "x was not one of the allowed options",
        ),
    }


def test_skips_records_that_are_gone_and_halves_what_is_not_clear() -> None:
    rows = [row(seq, Op.LEAVE, f"{seq}00") for seq in (1, 2, 3)]
    gone = results(("100", "1")) | {
        "errors": [failure("OBJECT_NOT_FOUND", ids=["200"])]
    }
    assert judged(answer(207, gone), rows).outcomes[2] == NO_MATCH
    unclear = results(("100", "1")) | {"errors": [failure("VALIDATION_ERROR", "?")]}
    verdict = judged(answer(207, unclear), rows)
    assert (verdict.advice, list(verdict.outcomes)) == (Advice.SPLIT, [1])
    alone = {"results": [], "errors": [failure("VALIDATION_ERROR", "?")]}
    assert judged(answer(207, alone), rows[:1]).outcomes[1].state is State.REJECTED
    busy = {
        "results": [],
        "errors": [failure("RATE_LIMITS", "slow down", objectWriteTraceId=["1"])],
    }
    assert judged(answer(207, busy), rows[:1]) == Verdict()


@pytest.mark.parametrize("status", [400, 409])
def test_halves_a_batch_that_is_refused_as_a_whole(status: int) -> None:
    body = failure("VALIDATION_ERROR", "Duplicate IDs found in batch input", ids=["x"])
    verdict = judged(answer(status, body), [row(1), row(2)])
    assert (verdict.advice, dict(verdict.outcomes)) == (Advice.SPLIT, {})
    alone = judged(answer(status, body), [row(1)])
    assert alone.outcomes[1].code == "VALIDATION_ERROR"
    assert judged(answer(413), [row(1), row(2)]).advice is Advice.SPLIT


def test_refuses_all_rows_with_a_property_that_is_gone_at_once() -> None:
    fault = (
        'Property values were not valid: [{"isValid":false,"message":"gone",'
        '"error":"PROPERTY_DOESNT_EXIST","name":"intent_segment"}]'
    )
    rows = [row(1), row(2), row(3, values={"intent_score": 1.0})]
    verdict = judged(answer(400, failure("VALIDATION_ERROR", fault)), rows)
    assert verdict.advice is Advice.SPLIT
    assert {seq: one.code for seq, one in verdict.outcomes.items()} == dict.fromkeys(
        (1, 2), "PROPERTY_DOESNT_EXIST"
    )


def test_a_conflict_skips_where_it_only_creates_and_refuses_elsewhere() -> None:
    body = failure("CONFLICT", "Contact already exists. Existing ID: 77")
    only = adapter(mode="create_only")
    exists = Outcome(State.SKIPPED, "EXISTS", remote_id="77")
    assert judged(answer(409, body), [row(1)], only).outcomes == {1: exists}
    assert judged(answer(409, body), [row(1)]).outcomes[1].state is State.REJECTED
    traced = {
        "results": [],
        "errors": [
            failure("CONFLICT", "", objectWriteTraceId=["1"], existingId=["77"])
        ],
    }
    assert judged(answer(207, traced), [row(1)], only).outcomes == {1: exists}


@pytest.mark.parametrize(
    ("response", "advice", "wait"),
    [
        (answer(429, {"policyName": "TEN_SECONDLY_ROLLING"}), Advice.RESEND, 10.0),
        (answer(429, {"policyName": "SECONDLY"}), Advice.RESEND, 1.0),
        (answer(429, {}), Advice.RESEND, None),
        (answer(429), Advice.RESEND, None),
        (
            answer(429, {"policyName": "SECONDLY"}, retry_after="7"),
            Advice.RESEND,
            None,
        ),
        (answer(429, {"policyName": "DAILY"}), Advice.STOP, None),
        (answer(401, failure("EXPIRED_AUTHENTICATION")), Advice.REFUSED, None),
        (answer(403, failure("MISSING_SCOPES")), Advice.REFUSED, None),
        (answer(423, failure("LOCKED")), Advice.RESEND, 2.0),
        (answer(477), Advice.RESEND, None),
        (answer(500), Advice.RESEND, None),
        (Response(503, {}, b"<html>"), Advice.RESEND, None),
    ],
)
def test_tells_trouble_apart(
    response: Response, advice: Advice, wait: float | None
) -> None:
    for rows in ([row(1)], [row(1, Op.JOIN, "1", {"list": "101"})]):
        verdict = judged(response, rows, adapter(segment_changes=LISTS))
        assert (verdict.advice, verdict.wait) == (advice, wait)
        assert not verdict.outcomes


def test_names_the_scopes_that_are_missing() -> None:
    body = failure("MISSING_SCOPES", missingScopes=["crm.objects.contacts.write"])
    verdict = judged(answer(403, body), [row(1)])
    assert "crm.objects.contacts.write" in verdict.message
    inner = {"category": "MISSING_SCOPES", "errors": [body]}
    assert "contacts.write" in judged(answer(403, inner), [row(1)]).message


@pytest.mark.parametrize(
    "content",
    [b"<html>all fine</html>", b"[]", b"{}", b'{"results": {}}', b'{"results": [{}'],
)
def test_takes_no_page_for_an_answer(content: bytes) -> None:
    for status in (200, 207, 400):
        with pytest.raises(ValueError, match=r".*"):
            judged(Response(status, {}, content), [row(1), row(2)])


def test_lists_skip_who_is_missing_and_are_refused_as_a_whole() -> None:
    made = adapter(segment_changes=LISTS)
    rows = [row(seq, Op.JOIN, f"{seq}", {"list": "101"}) for seq in (1, 2)]
    body = {"recordsIdsAdded": [], "recordIdsRemoved": [], "recordIdsMissing": ["2"]}
    verdict = judged(answer(200, body), rows, made)
    assert verdict.outcomes == {1: Outcome(State.ACKNOWLEDGED), 2: NO_MATCH}
    refused = answer(404, failure("OBJECT_NOT_FOUND", "List does not exist"))
    outcomes = judged(refused, rows, made).outcomes
    assert {one.state for one in outcomes.values()} == {State.REJECTED}
    with pytest.raises(ValueError, match="missing"):
        judged(answer(200, {"results": []}), rows, made)


def test_deletions_have_no_answer_but_their_status() -> None:
    rows = [row(1, Op.DELETE, "9", {})]
    assert judged(Response(204), rows).outcomes == {1: Outcome(State.ACKNOWLEDGED)}
    gone = answer(404, failure("OBJECT_NOT_FOUND"))
    assert judged(gone, rows).outcomes == {1: NO_MATCH}


def test_reads_records_by_any_of_their_emails() -> None:
    keys = ["a@b.example", "old@b.example", "c@b.example"]
    request = adapter().lookup(keys, ["intent_score"])
    assert orjson.loads(request.content) == {
        "inputs": [{"id": key} for key in keys],
        "properties": ["email", "intent_score", "hs_additional_emails"],
        "propertiesWithHistory": [],
        "idProperty": "email",
    }
    properties = {
        "email": "A@b.example",
        "hs_additional_emails": "x@b.example;old@b.example",
        "intent_score": "2.5",
    }
    body = {
        "results": [{"id": "5", "properties": properties}],
        "errors": [failure("OBJECT_NOT_FOUND", ids=["c@b.example"])],
    }
    found = adapter().read_lookup(keys, ["intent_score"], answer(207, body))
    record = RemoteRecord("5", {"intent_score": 2.5})
    assert found == {"a@b.example": record, "old@b.example": record}


def test_look_ups_tell_nothing_from_trouble() -> None:
    def read(response: Response) -> object:
        return adapter().read_lookup(["a"], [], response)

    assert read(answer(404, failure("OBJECT_NOT_FOUND"))) == {}
    assert read(answer(200, {"results": []})) == {}
    assert read(answer(500)) == Verdict()
    busy = {"results": [], "errors": [failure("RATE_LIMITS")]}
    assert read(answer(207, busy)) == Verdict()
    with pytest.raises(ValueError, match="status 400"):
        read(answer(400, failure("VALIDATION_ERROR")))


def test_reads_companies_by_their_id() -> None:
    made = adapter("hubspot_companies")
    request = orjson.loads(made.lookup(["8001"], []).content)
    assert "idProperty" not in request
    body = {"results": [{"id": "8001", "properties": {}}]}
    found = made.read_lookup(["8001"], [], answer(200, body))
    assert found == {"8001": RemoteRecord("8001", {})}


def test_reads_the_day_from_headers() -> None:
    told = answer(
        200,
        **{
            "x_hubspot_ratelimit_daily": "625000",
            "x_hubspot_ratelimit_daily_remaining": "600000",
        },
    )
    assert adapter().quota(told) == Quota(25_000, 625_000)
    assert adapter().quota(answer(200)) is None


def test_the_set_up_lists_scopes_and_properties() -> None:
    steps = "\n".join(adapter(segment_changes=LISTS).setup())
    for words in (
        "crm.objects.contacts.write",
        "crm.lists.write",
        "intent_hot_until (Intent hot until): date and time picker",
        "dropdown select of hot, warm, cold",
        "101",
    ):
        assert words in steps
    own = adapter(match={"field": "intent_key", "column": "contact_id"}).setup()
    assert any("intent_key: single-line text, with unique values" in e for e in own)


# Whole runs --------------------------------------------------------------------------


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    [case] = [case for case in find_cases() if case.name == "hubspot"]
    with set_stage(case, tmp_path / "shop", monkeypatch) as made:
        yield made


def hubspot(stage: Stage) -> HubSpotStandIn:
    assert isinstance(stage.remote, HubSpotStandIn)
    return stage.remote


def test_rows_are_refused_one_by_one_where_hubspot_says_which(stage: Stage) -> None:
    hubspot(stage).multi_status = True
    stage.shop.add(230)
    for number in (7, 120, 121):
        stage.remote.poison(stage.key(number))
    result = stage.run()
    assert (result.rejected, result.acknowledged) == (3, 239)
    assert result.requests == 3  # no halving


def test_the_day_ends_and_the_next_run_goes_on(stage: Stage) -> None:
    stage.shop.add(988)
    stage.remote.daily_limit = 6
    first = stage.run()
    assert first.exit_code is ExitCode.DEFERRED
    assert (first.acknowledged, first.deferred) == (500, 500)
    assert "quota" in first.reason
    assert stage.writes()[-1].status == 200  # the headers say when to stop
    stage.remote.next_day()
    stage.remote.daily_limit = 625_000
    assert stage.run().acknowledged == 500
    assert stage.records() == stage.expected()


def test_a_revoked_token_stops_the_run(stage: Stage) -> None:
    stage.run()
    stage.remote.revoke()
    stage.shop.change("segment = 'cold'")
    with pytest.raises(RefusedError, match="INTENT_HUBSPOT"):
        stage.run()
    assert len(stage.writes()) == 1


def test_missing_scopes_are_named(stage: Stage) -> None:
    hubspot(stage).lacks_scopes = ["crm.objects.contacts.write"]
    with pytest.raises(RefusedError, match=r"crm\.objects\.contacts\.write"):
        stage.run()


def test_a_property_that_is_gone_is_found_before_anything_is_sent(
    stage: Stage,
) -> None:
    stage.remote.drop_field("intent_top_interest")
    with pytest.raises(BadInputError, match="intent_top_interest"):
        stage.run()
    assert not stage.writes()


def test_values_that_are_no_option_are_refused_before_they_are_sent(
    stage: Stage,
) -> None:
    known = Property("enumeration", ("hot", "warm"))
    hubspot(stage).create_property("contacts", "intent_segment", known)
    result = stage.run()
    assert dict(result.rejections) == {"NOT_AN_OPTION": 4}
    assert len(stage.writes()) == 1


def test_waits_as_long_as_it_is_told(stage: Stage) -> None:
    stage.remote.faults.add(too_many(1), path="/batch/upsert")
    stage.remote.faults.add(answers(503), path="/batch/upsert")
    assert stage.run().acknowledged == 12
    first, second, *_ = stage.remote.requests("/upsert")
    assert second.at - first.at >= 1.0
    assert stage.records() == stage.expected()


def test_erased_contacts_are_deleted_by_id_so_that_no_address_is_blocked(
    stage: Stage,
) -> None:
    stage.run()
    with_ledger(stage, stage.key(1), "unknown@shop.example")
    stage.shop.remove("contact_id = md5('contact 1')")
    result = stage.run()
    assert (result.acknowledged, result.skipped) == (1, 1)
    assert hubspot(stage).erased == {"person000001@shop.example"}


def with_ledger(stage: Stage, *keys: str) -> None:
    with open_ledger(stage.shop.ledger) as ledger, ledger.commit() as connection:
        for key in keys:
            connection.execute('delete from "acked_hubspot" where match_key = ?', [key])
            connection.execute(
                "insert into deletions values ('hubspot', ?, null, 'e', now())", [key]
            )


def test_nothing_personal_is_in_an_address(stage: Stage) -> None:
    stage.change_sync(segment_changes=LISTS)
    stage.run()
    assert all("@" not in f"{one.path}{one.query}" for one in stage.remote.log)


# The stand-in itself -----------------------------------------------------------------


@pytest.fixture
def remote() -> Iterator[HubSpotStandIn]:
    with HubSpotStandIn() as running:
        running.prepare(load_sync("hubspot"))
        yield running


def post(remote: HubSpotStandIn, kind: str, *inputs: Any) -> httpx2.Response:
    return httpx2.post(
        f"{remote.url}/crm/objects/2026-03/contacts/batch/{kind}",
        json={"inputs": list(inputs)},
        headers={"authorization": f"Bearer {TOKEN}"},
    )


def one(**changes: Any) -> dict[str, Any]:
    found = {
        "id": "a@b.example",
        "idProperty": "email",
        "properties": {"intent_segment": "hot"},
    }
    return {**found, **changes}


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([one(id=f"p{n}@b.example") for n in range(101)], "maximum number of inputs"),
        ([one(), one()], "Duplicate IDs"),
        ([one(properties={"intent_score": 4})], "Invalid input JSON"),
        ([one(properties={"nothing": "4"})], "PROPERTY_DOESNT_EXIST"),
        ([one(properties={"createdate": "4"})], "READ_ONLY_VALUE"),
        ([one(properties={"lifecyclestage": "fan"})], "INVALID_OPTION"),
        ([one(properties={"intent_score": "1e5"})], "INVALID_DOUBLE"),
        ([one(properties={"intent_as_of": "soon"})], "INVALID_DATE"),
        ([one(id="no email")], "INVALID_EMAIL"),
        ([one(idProperty="firstname")], "non-unique"),
        ([one(note="?")], "Invalid input JSON"),
        ([], "required"),
    ],
)
def test_the_stand_in_refuses_what_hubspot_refuses(
    remote: HubSpotStandIn, inputs: list[Any], words: str
) -> None:
    refused = post(remote, "upsert", *inputs)
    assert refused.status_code == 400
    assert words in refused.text
    assert not remote.records()


def test_the_stand_in_refuses_updates_by_email_and_second_creations(
    remote: HubSpotStandIn,
) -> None:
    assert post(remote, "upsert", one()).status_code == 200
    assert "non-unique" in post(remote, "update", one()).text
    new = {"properties": {"email": "a@b.example"}, "associations": []}
    assert post(remote, "create", new).status_code == 409
    assert post(remote, "update", {"id": "1", "properties": {}}).status_code == 404
    known = {"id": "1001", "properties": {"intent_segment": ""}}
    assert post(remote, "update", known).status_code == 200
    assert remote.records() == {"a@b.example": {}}


def test_the_stand_in_keeps_to_its_rates(remote: HubSpotStandIn) -> None:
    remote.windows[0].count = 2
    statuses = [post(remote, "upsert", one()) for _ in range(3)]
    assert [each.status_code for each in statuses] == [200, 200, 429]
    assert statuses[2].json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert statuses[1].headers["x-hubspot-ratelimit-remaining"] == "0"
    remote.windows[0].count, remote.daily_limit = 100, 2
    assert post(remote, "upsert", one()).json()["policyName"] == "DAILY"
