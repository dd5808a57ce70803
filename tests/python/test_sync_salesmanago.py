"""SALESmanago: how requests are signed, what is sent, and what answers mean."""

import hashlib
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from intent.errors import BadInputError
from intent.sync.destinations import salesmanago
from intent.sync.destinations.salesmanago import (
    DELETE,
    UPSERT,
    Salesmanago,
    SalesmanagoSettings,
    heard,
    spoken,
)
from intent.sync.model import (
    ACKNOWLEDGED,
    Advice,
    Op,
    Part,
    Request,
    Response,
    Row,
    State,
    Value,
    Verdict,
)
from intent.sync.spec import FieldType
from intent.sync.wire import check_address
from pydantic import SecretStr
from standins import find_cases
from standins.salesmanago import API_SECRET, CLIENT_ID, OWNER
from sync_shop import load_sync
from sync_stage import set_stage

NOW = datetime(2026, 7, 1, 8, 0, 5, tzinfo=UTC)
[CASE] = [case for case in find_cases() if case.name == "salesmanago"]
ROWS = [
    Row(number, Op.UPDATE, f"p{number}@shop.example", {"intent_segment": "hot"})
    for number in range(3)
]


def adapter_of(
    endpoint: str = "app3.salesmanago.com", api_key: str | None = None, **changes: Any
) -> Salesmanago:
    settings = SalesmanagoSettings(
        endpoint=endpoint,
        client_id=CLIENT_ID,
        api_secret=SecretStr(API_SECRET),
        api_key=SecretStr(api_key) if api_key else None,
        owner=OWNER,
    )
    return Salesmanago(load_sync("salesmanago", **changes), settings, NOW)


def answer(status: int = 200, **body: Any) -> Response:
    return Response(status, {}, orjson.dumps(body))


def verdict_of(response: Response, *rows: Row, route: str = UPSERT) -> Verdict:
    return adapter_of().classify(Part(rows or ROWS, route), response)


def test_a_request_is_signed_as_it_leaves() -> None:
    adapter = adapter_of(api_key="your-api-key")
    request = adapter.request(Part(ROWS, UPSERT))
    for secret in (API_SECRET, "your-api-key", CLIENT_ID):
        assert secret.encode() not in request.content
        assert secret not in repr(request)
    sent = orjson.loads(adapter.signed(request, NOW))
    proof = f"your-api-key{CLIENT_ID}{API_SECRET}".encode()
    sha = hashlib.sha1(proof).hexdigest()  # noqa: S324
    assert {**sent, "upsertDetails": len(sent["upsertDetails"])} == {
        "clientId": CLIENT_ID,
        "apiKey": "your-api-key",
        "requestTime": 1_782_892_805_000,
        "sha": sha,
        "owner": OWNER,
        "upsertDetails": 3,
    }
    assert adapter.authorise(request, None, NOW) == {}
    assert API_SECRET not in str(sent)


def test_each_request_has_a_key_of_its_own() -> None:
    adapter, request = adapter_of(), Request("POST", UPSERT, b'{"a":1}')
    moments = [NOW, NOW + timedelta(milliseconds=1)]
    keys = {orjson.loads(adapter.signed(request, at))["apiKey"] for at in moments}
    assert len(keys) == 2
    assert not any(API_SECRET in key for key in keys)


def test_no_signature_is_told_or_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with set_stage(CASE, tmp_path / "shop", monkeypatch) as stage:
        assert stage.run().acknowledged == 12
        remote: Any = stage.remote
        hidden = {*remote.signatures, API_SECRET}
        assert len(hidden) > 2
        ledger = stage.shop.ledger.read_bytes()
        for secret in hidden:
            assert secret.encode() not in ledger
            assert secret not in caplog.text
        assert not any(one.query for one in remote.log)


def test_rows_become_details_and_tags() -> None:
    values: Mapping[str, Value] = {"s": "hot", "n": 3.25, "b": True, "x": None}
    rows = [
        Row(1, Op.CREATE, "a@shop.example", values),
        Row(2, Op.JOIN, "b@shop.example", {"list": "HOT_INTENT"}),
        Row(3, Op.DROP, "c@shop.example", {"list": "WARM_INTENT"}),
        Row(4, Op.DELETE, "d@shop.example", {}),
    ]
    adapter = adapter_of()
    parts = sorted(adapter.pack(rows), key=lambda part: part.route)
    assert [part.route for part in parts] == [UPSERT, DELETE]
    details, deletion = (orjson.loads(adapter.request(part).content) for part in parts)
    assert details["upsertDetails"] == [
        {
            "contact": {"email": "a@shop.example"},
            "properties": {"s": "hot", "n": "3.25", "b": "true", "x": ""},
        },
        {"contact": {"email": "b@shop.example"}, "tags": ["HOT_INTENT"]},
        {"contact": {"email": "c@shop.example"}, "removeTags": ["WARM_INTENT"]},
    ]
    assert deletion == {"email": "d@shop.example"}


def test_batches_are_full_in_rows_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Row(n, Op.CREATE, f"p{n}@shop.example", {"t": "ü" * n}) for n in range(99)]
    by_rows = [len(part.rows) for part in adapter_of(options={"batch": 40}).pack(rows)]
    assert by_rows == [40, 40, 19]
    monkeypatch.setattr(salesmanago, "LARGEST", 4_000)
    adapter = adapter_of()
    parts = list(adapter.pack(rows))
    assert [row for part in parts for row in part.rows] == rows
    sizes = [len(adapter.signed(adapter.request(part), NOW)) for part in parts]
    assert max(sizes) <= 4_000
    assert adapter.refuse(Row(1, Op.CREATE, "a@shop.example", {"t": "x" * 4_000}))


@given(
    st.one_of(
        st.tuples(st.just(FieldType.TEXT), st.text(min_size=1)),
        st.tuples(st.just(FieldType.INTEGER), st.integers(-(2**53), 2**53)),
        st.tuples(
            st.just(FieldType.NUMBER), st.floats(allow_nan=False, allow_infinity=False)
        ),
        st.tuples(st.just(FieldType.BOOLEAN), st.booleans()),
    )
)
def test_a_value_is_heard_as_it_was_spoken(pair: tuple[FieldType, Value]) -> None:
    kind, value = pair
    assert heard(spoken(value), kind) == value


def test_only_contacts_whose_ids_are_told_are_done() -> None:
    ids = {"P0@shop.example": "id-0", "p2@shop.example": "id-2", "p1@shop.example": ""}
    verdict = verdict_of(answer(success=True, message=[], contactIds=ids))
    assert verdict == Verdict({0: ACKNOWLEDGED, 2: ACKNOWLEDGED})
    assert verdict.advice is Advice.RESEND


def test_a_refused_batch_is_halved_down_to_the_guilty_one() -> None:
    refusal = answer(success=False, message=["properties: too long"])
    assert verdict_of(refusal).advice is Advice.SPLIT
    [outcome] = verdict_of(refusal, ROWS[0]).outcomes.values()
    assert (outcome.state, outcome.message) == (State.REJECTED, "properties: too long")
    assert verdict_of(answer(413)).advice is Advice.SPLIT


@pytest.mark.parametrize(
    "response",
    [
        answer(401),
        answer(403),
        answer(success=False, message=["Not authenticated"]),
        answer(success=False, message="Authentication failed"),
    ],
)
def test_a_signature_that_is_refused_stops_the_run(response: Response) -> None:
    verdict = verdict_of(response)
    assert verdict.advice is Advice.REFUSED
    assert "INTENT_SALESMANAGO_API_SECRET" in verdict.message
    assert API_SECRET not in verdict.message


def test_words_that_quote_a_contact_stop_nothing() -> None:
    words = "properties: " + "x" * 120 + " not authenticated"
    assert verdict_of(answer(success=False, message=[words])).advice is Advice.SPLIT


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_passing_failures_are_sent_again(status: int) -> None:
    assert verdict_of(answer(status)) == Verdict()


def test_a_contact_that_is_not_there_is_deleted() -> None:
    gone = Row(3, Op.DELETE, "ann@shop.example", {})
    not_there = answer(success=False, message=["Contact does not exist"])
    for response in (not_there, answer(success=True, message=[])):
        verdict = verdict_of(response, gone, route=DELETE)
        assert verdict == Verdict({3: ACKNOWLEDGED})
    [outcome] = verdict_of(
        answer(success=False, message=["not now"]), gone, route=DELETE
    ).outcomes.values()
    assert outcome.state is State.REJECTED


@pytest.mark.parametrize(
    "content",
    [b"<html>", b"[]", b"{}", b'{"success":"yes"}', b'{"success":true,"message":[]}'],
)
def test_answers_that_are_none_are_no_outcome(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        verdict_of(Response(200, {}, content))


def test_contacts_are_read_in_either_form_but_not_if_removed() -> None:
    pairs = [{"name": "intent_segment", "value": "hot"}]
    contacts = [
        {"email": "P0@shop.example", "id": "1", "properties": pairs},
        {"email": "p1@shop.example", "properties": {"intent_segment": "cold"}},
        {"email": "p2@shop.example", "deleted": True, "properties": []},
        {"email": "p3@shop.example", "exists": False},
    ]
    keys = [f"p{number}@shop.example" for number in range(4)]
    found = adapter_of().read_lookup(
        keys, ["intent_segment"], answer(success=True, message=[], contacts=contacts)
    )
    assert isinstance(found, Mapping)
    assert {key: record.values["intent_segment"] for key, record in found.items()} == {
        "p0@shop.example": "hot",
        "p1@shop.example": "cold",
    }


def test_segments_are_told_as_tags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with set_stage(CASE, tmp_path / "shop", monkeypatch) as stage:
        stage.change_sync(segment_changes=load_sync("salesmanago").segment_changes)
        stage.run()
        assert stage.key(0) in stage.remote.lists()["HOT_INTENT"]
        stage.shop.change("segment = 'warm'", "contact_id = md5('contact 0')")
        stage.run()
        lists = stage.remote.lists()
        assert stage.key(0) in lists["WARM_INTENT"] - lists["HOT_INTENT"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"object": "company"}, "contact"),
        ({"match": {"field": "id", "column": "contact_id"}}, "email"),
        ({"segment_changes": {"as": "events"}}, "tags"),
        ({"options": {"batch": 1_001}}, "1000"),
    ],
)
def test_what_salesmanago_has_not_is_refused(changes: Any, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        adapter_of(**changes)


def test_only_servers_of_salesmanago_are_spoken_to() -> None:
    for endpoint in ("app2.salesmanago.pl", "https://www.salesmanago.com/"):
        adapter = adapter_of(endpoint)
        check_address(adapter, adapter.address)
    for endpoint in ("salesmanago.com.evil.example", "http://app2.salesmanago.pl"):
        adapter = adapter_of(endpoint)
        with pytest.raises(BadInputError, match="INTENT_SALESMANAGO_ENDPOINT"):
            check_address(adapter, adapter.address)
