"""Customer.io: how rows are told to it, and what its answers mean."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from intent.errors import BadInputError, RefusedError
from intent.settings import places
from intent.sync import service
from intent.sync.destinations.customer_io import (
    BATCH_BYTES,
    OPERATION_BYTES,
    ROWS_BY_OPERATIONS,
    CustomerIo,
    CustomerIoSettings,
    ulid,
)
from intent.sync.model import (
    Advice,
    Op,
    Outcome,
    Part,
    Request,
    Response,
    Row,
    State,
    Value,
    Verdict,
    Window,
)
from intent.sync.rates import RateLimiter
from intent.sync.secrets import read_settings
from intent.sync.spec import Mode, Sync
from intent.sync.wire import HttpChannel
from pydantic import SecretStr
from standins import find_cases
from standins.customer_io import API_KEY, APP_KEY, SITE_ID, CustomerIoStandIn
from standins.faults import APPLY_DROP
from standins.kit import Call
from sync_shop import load_sync
from sync_stage import Stage, set_stage

NOW = datetime(2026, 7, 1, 8, 0, 0, 654321, UTC)
KEY = "0123456789abcdef0123456789abcdef"
EVENT = {"from": "warm", "to": "hot", "at": "2026-06-30T08:00:00Z"}

FIELDS = {
    "plain": {"column": "top_interest", "trigger": True},
    "number": {"column": "intent_score", "type": "number"},
    "whole": {"column": "activity_count_30d", "type": "integer"},
    "yes": {"column": "is_exportable", "type": "boolean"},
    "moment_at": {"column": "hot_until", "type": "datetime"},
    "day": {"column": "as_of", "type": "date"},
    "email": {"column": "email", "if_null": "keep"},
}
BY_TYPE: dict[str, st.SearchStrategy[Value]] = {
    "plain": st.text(st.characters(exclude_categories=["Cs"]), max_size=250),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "whole": st.integers(-(2**63), 2**63 - 1),
    "yes": st.booleans(),
    "moment_at": st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31)).map(
        lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}Z".rjust(20, "0")
    ),
    "day": st.dates(datetime(1970, 1, 1).date()).map(str),
    "email": st.emails(),
}


def adapter_of(
    sync: Sync | None = None, at: datetime = NOW, url: str = "", **changes: Any
) -> CustomerIo:
    """The adapter of a run of the project's sync, or of another."""
    keys = CustomerIoSettings(
        site_id=SITE_ID,
        api_key=SecretStr(API_KEY),
        app_key=SecretStr(APP_KEY),
        url=url or None,
        app_url=url or None,
    )
    if sync is None:
        sync = load_sync("customer_io", **changes)
    return CustomerIo(sync, keys, at)


def typed(**changes: Any) -> Sync:
    """A sync with a field of each type."""
    return load_sync("customer_io", fields=FIELDS, **changes)


def call(request: Request) -> Call:
    """A request as it arrives, for a stand-in that is asked without a socket."""
    path, _, query = request.path.partition("?")
    pairs = dict(pair.split("=") for pair in query.split("&") if pair)
    return Call(request.method, path, pairs, {}, request.content, 0.0)


def apply(
    remote: CustomerIoStandIn, adapter: CustomerIo, rows: Iterable[Row]
) -> list[Verdict]:
    """Send rows to a stand-in, and say what its answers mean."""
    verdicts = []
    for part in adapter.pack(rows):
        request = call(adapter.request(part))
        answer = (
            remote.batch(request)
            if part.route == "batch"
            else remote.change_segment(
                replace(request, found={"segment": part.route.split("/")[1]}),
                is_added="add" in part.route,
            )
        )
        response = Response(answer.status, {}, answer.content())
        verdicts.append(adapter.classify(part, response))
    return verdicts


def batch_of(part: Part) -> list[dict[str, Any]]:
    """The operations of a part, as they are sent."""
    batch: list[dict[str, Any]] = orjson.loads(part.content)["batch"]
    return batch


def writes(count: int, **values: Value) -> list[Row]:
    """Rows that write people."""
    return [Row(n, Op.CREATE, f"{n:032x}", values) for n in range(count)]


# Packing ------------------------------------------------------------------------------


@example(texts=[(12, '"'), (1, "a")], repeated=60, counts="requests")
@example(texts=[(0, "a"), (2, "😀")], repeated=200, counts="operations")
@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(
        st.tuples(st.integers(0, 12), st.sampled_from('aé"😀')), min_size=1, max_size=6
    ),
    repeated=st.integers(1, 60),
    counts=st.sampled_from(["operations", "requests"]),
)
def test_batches_are_full_and_lose_nothing(
    texts: Sequence[tuple[int, str]], repeated: int, counts: str
) -> None:
    adapter = adapter_of(options={"rate_counts": counts})
    shapes = [
        {f"text_{n}": letter * (1_000 // len(letter.encode())) for n in range(fields)}
        for fields, letter in texts
    ]
    rows = [
        Row(seq, Op.UPDATE, f"{seq:032x}", values)
        for seq, values in enumerate(shapes * repeated)
    ]
    parts = list(adapter.pack(rows))
    assert [row for part in parts for row in part.rows] == rows
    for part in parts:
        assert len(part.content) <= BATCH_BYTES
        assert len(part.rows) <= adapter.limits.rows
        assert adapter.request(part).content == part.content
        assert [one["identifiers"]["id"] for one in batch_of(part)] == [
            row.key for row in part.rows
        ]
    for part, following in pairwise(parts):
        first = orjson.dumps(batch_of(following)[0])
        has_no_room = len(part.content) + len(first) + 1 > BATCH_BYTES
        assert has_no_room or len(part.rows) == adapter.limits.rows
        assert len(part.content) >= 0.95 * BATCH_BYTES or not has_no_room


def test_batches_of_common_rows_are_filled_to_the_byte() -> None:
    adapter = adapter_of(options={"rate_counts": "requests"})
    *full, _ = adapter.pack(writes(30_000, intent_segment="hot", intent_score=3.21))
    assert full
    assert all(len(part.content) > 0.999 * BATCH_BYTES for part in full)


def test_the_rate_is_taken_to_count_operations() -> None:
    by_operations = adapter_of()
    assert [len(part.rows) for part in by_operations.pack(writes(600))] == [
        ROWS_BY_OPERATIONS,
        ROWS_BY_OPERATIONS,
        100,
    ]
    rate, spread = by_operations.limits.windows["write"]
    assert rate == Window(1_000, 1.0, counts_rows=True)
    assert spread == Window(250, 0.225, counts_rows=True)
    assert rate.count % ROWS_BY_OPERATIONS == 0
    [part] = by_operations.pack(writes(7))
    assert by_operations.request(part).units == 7
    by_requests = adapter_of(options={"rate_counts": "requests"})
    assert by_requests.limits.windows["write"] == (Window(1_000, 1.0),)
    assert [
        len(part.rows) for part in adapter_of(rows_at_once=40).pack(writes(50))
    ] == [
        40,
        10,
    ]


def test_a_row_that_is_too_large_spoils_no_batch() -> None:
    adapter = adapter_of()
    large = Row(5, Op.CREATE, KEY, {f"text_{n}": "x" * 900 for n in range(40)})
    assert "32000 bytes" in (adapter.refuse(large) or "")
    parts = list(adapter.pack([*writes(3), large]))
    assert [[row.seq for row in part.rows] for part in parts] == [[5], [0, 1, 2]]


@pytest.mark.parametrize(
    ("key", "values", "refusal"),
    [
        ("k" * 150, {"plain": "x" * 1_000}, None),
        ("k" * 151, {}, "id is longer than 150"),
        ("é" * 76, {}, "id is longer than 150"),
        (KEY, {"plain": "x" * 1_001}, "plain is longer than the 1000"),
        (KEY, {"plain": "é" * 501}, "plain is longer than the 1000"),
        (KEY, {f"f{n}": '"' * 1_000 for n in range(15)}, None),
        (KEY, {f"f{n}": '"' * 1_000 for n in range(16)}, "together"),
    ],
)
def test_what_is_too_long_is_refused_before_it_is_sent(
    key: str, values: dict[str, Value], refusal: str | None
) -> None:
    adapter = adapter_of(typed())
    row = Row(1, Op.CREATE, key, values)
    told = adapter.refuse(row)
    assert (told is None) if refusal is None else refusal in (told or "")
    [verdict] = apply(CustomerIoStandIn(), adapter, [row])
    is_accepted = verdict.outcomes[1].state is State.ACKNOWLEDGED
    assert is_accepted is (refusal is None)
    [part] = adapter.pack([row])
    item = len(orjson.dumps(batch_of(part)[0]))
    assert (item > OPERATION_BYTES) is (refusal == "together")


# Values -------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(values=st.fixed_dictionaries({}, optional=BY_TYPE))
def test_values_come_back_as_they_were(values: dict[str, Value]) -> None:
    remote, adapter = CustomerIoStandIn(), adapter_of(typed())
    apply(remote, adapter, [Row(1, Op.CREATE, KEY, values)])
    answer = remote.tell_attributes(call(adapter.lookup([KEY, "other"], list(FIELDS))))
    found = adapter.read_lookup(
        [KEY, "other"], list(FIELDS), Response(200, {}, answer.content())
    )
    assert not isinstance(found, Verdict)
    assert set(found) == {KEY}
    assert found[KEY].values == {name: values.get(name) for name in FIELDS}
    assert found[KEY].remote_id == remote.people[KEY].cio_id


def test_moments_are_seconds_as_rules_on_time_need_them() -> None:
    [part] = adapter_of(typed()).pack(
        [
            Row(
                1,
                Op.CREATE,
                KEY,
                {"moment_at": "2026-07-01T08:00:00Z", "day": "2026-07-01"},
            )
        ]
    )
    assert batch_of(part) == [
        {
            "type": "person",
            "identifiers": {"id": KEY},
            "action": "identify",
            "timestamp": 1782892800,
            "attributes": {"moment_at": 1782892800, "day": 1782864000},
        }
    ]


def test_values_that_others_wrote_are_told_as_they_are() -> None:
    remote, adapter = CustomerIoStandIn(), adapter_of(typed())
    theirs: dict[str, Any] = {"number": "a lot", "moment_at": "soon", "yes": "perhaps"}
    remote.person(KEY).attributes |= theirs
    answer = remote.tell_attributes(call(adapter.lookup([KEY], list(theirs))))
    found = adapter.read_lookup(
        [KEY], list(theirs), Response(200, {}, answer.content())
    )
    assert not isinstance(found, Verdict)
    assert found[KEY].values == theirs


# What rows do -------------------------------------------------------------------------


def test_an_update_that_arrives_late_overwrites_nothing_newer() -> None:
    remote = CustomerIoStandIn()
    old, new = adapter_of(), adapter_of(at=NOW + timedelta(minutes=5))
    row = Row(1, Op.CREATE, KEY, {"intent_segment": "hot", "intent_score": 4.0})
    remote.is_holding = True
    apply(remote, new, [replace(row, op=Op.UPDATE, values={"intent_segment": "warm"})])
    apply(remote, old, [row])
    assert remote.records() == {}
    remote.release()
    assert remote.records() == {KEY: {"intent_segment": "warm", "intent_score": 4.0}}


@pytest.mark.parametrize("seed", range(5))
def test_batches_may_be_applied_in_any_order(seed: int) -> None:
    remote = CustomerIoStandIn(seed=seed)
    remote.is_holding = True
    for minute in range(10):
        adapter = adapter_of(at=NOW + timedelta(minutes=minute))
        apply(remote, adapter, [Row(1, Op.UPDATE, KEY, {"intent_score": minute})])
    remote.release(shuffled=True)
    assert remote.records() == {KEY: {"intent_score": 9}}


def test_who_leaves_loses_the_attributes_but_not_the_address() -> None:
    remote, adapter = CustomerIoStandIn(), adapter_of()
    values: dict[str, Value] = {"intent_segment": "hot", "email": "ann@example.com"}
    apply(remote, adapter, [Row(1, Op.CREATE, KEY, values)])
    leave = Row(2, Op.LEAVE, KEY, dict.fromkeys(values))
    [verdict] = apply(remote, adapter, [leave, replace(leave, seq=3, key="unknown")])
    assert {one.state for one in verdict.outcomes.values()} == {State.ACKNOWLEDGED}
    assert remote.records() == {KEY: {"email": "ann@example.com"}}


def test_update_only_creates_nobody() -> None:
    remote = CustomerIoStandIn()
    apply(
        remote,
        adapter_of(mode=Mode.UPDATE_ONLY),
        [Row(1, Op.CREATE, KEY, {"intent_segment": "hot"})],
    )
    assert remote.records() == {}
    apply(remote, adapter_of(), [Row(1, Op.CREATE, KEY, {"intent_segment": "hot"})])
    assert remote.records() == {KEY: {"intent_segment": "hot"}}


def test_erased_people_are_deleted_or_besides_kept_out() -> None:
    remote = CustomerIoStandIn()
    create = Row(1, Op.CREATE, KEY, {"intent_segment": "hot"})
    for erased, comes_back in (("delete", True), ("suppress", False)):
        adapter = adapter_of(options={"erased": erased})
        apply(remote, adapter, [create])
        apply(remote, adapter, [Row(2, Op.DELETE, KEY, {})])
        assert remote.records() == {}
        apply(remote, adapter, [create])
        assert (KEY in remote.records()) is comes_back


def test_events_are_told_once_however_often_they_are_sent() -> None:
    remote = CustomerIoStandIn()
    row = Row(1, Op.EVENT, KEY, EVENT, event_id="c4ca4238a0b923820dcc509a6f75849b")
    for minute in range(3):
        apply(remote, adapter_of(at=NOW + timedelta(minutes=minute)), [row])
    [event] = remote.events()
    assert remote.repeated_events == 2
    assert (event["name"], event["timestamp"], event["attributes"]) == (
        "intent_segment_changed",
        1782806400,
        {"from": "warm", "to": "hot", "at": 1782806400},
    )
    apply(remote, adapter_of(), [replace(row, event_id="another")])
    apply(remote, adapter_of(), [replace(row, values={**EVENT, "at": None})])
    assert len(remote.events()) == 3


@given(st.integers(0, 253402300799), st.text())
def test_ids_of_events_are_ulids_that_sort_by_time(seconds: int, event_id: str) -> None:
    made = ulid(seconds, event_id)
    assert re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", made)
    assert made == ulid(seconds, event_id)
    assert made != ulid(seconds, event_id + "x")
    assert made[:10] < ulid(seconds + 1, event_id)[:10]
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    milliseconds = 0
    for letter in made[:10]:
        milliseconds = milliseconds * 32 + letters.index(letter)
    assert milliseconds == seconds * 1000


def test_lists_are_manual_segments() -> None:
    lists = {"hot": "7", "warm": "8"}
    adapter = adapter_of(segment_changes={"as": "lists", "lists": lists})
    remote = CustomerIoStandIn()
    remote.segments = {"7": set(), "8": {KEY}}
    rows = [Row(1, Op.JOIN, KEY, {"list": "7"}), Row(2, Op.JOIN, "b", {"list": "7"})]
    apply(remote, adapter, [*rows, Row(3, Op.DROP, KEY, {"list": "8"})])
    assert remote.lists() == {"7": {KEY, "b"}, "8": set()}
    paths = [adapter.request(part).path for part in adapter.pack(rows)]
    assert paths == ["/api/v1/segments/7/add_customers?id_type=id"]


def test_a_list_that_is_not_there_is_not_searched_for_guilty_rows() -> None:
    adapter = adapter_of(segment_changes={"as": "lists", "lists": {"hot": "9"}})
    rows = [Row(n, Op.JOIN, f"k{n}", {"list": "9"}) for n in range(3)]
    [verdict] = apply(CustomerIoStandIn(), adapter, rows)
    assert [one.state for one in verdict.outcomes.values()] == [State.REJECTED] * 3
    assert verdict.outcomes[0].message == "no such manual segment"


# Answers ------------------------------------------------------------------------------


def classified(rows: int, status: int, body: Any) -> Verdict:
    """What an answer to a batch means."""
    adapter = adapter_of()
    [part] = adapter.pack(writes(rows))
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return adapter.classify(part, Response(status, {}, content))


def test_rows_are_refused_by_their_place_in_the_batch() -> None:
    errors = [
        {"batch_index": 3, "reason": "invalid", "field": "email", "message": "is none"},
        {"batch_index": 0, "reason": "required"},
    ]
    verdict = classified(5, 207, {"errors": errors})
    assert {seq: one.state for seq, one in verdict.outcomes.items()} == {
        0: State.REJECTED,
        1: State.ACKNOWLEDGED,
        2: State.ACKNOWLEDGED,
        3: State.REJECTED,
        4: State.ACKNOWLEDGED,
    }
    assert verdict.outcomes[3] == Outcome(State.REJECTED, "invalid", "email", "is none")
    assert classified(5, 200, {"errors": errors}) == verdict


@pytest.mark.parametrize("index", [{}, {"batch_index": 2}, {"batch_index": -1}])
def test_an_error_without_a_place_is_searched_for(index: dict[str, int]) -> None:
    errors = {"errors": [{**index, "reason": "invalid"}]}
    assert classified(2, 207, errors) == Verdict(advice=Advice.SPLIT)
    assert classified(1, 207, errors).outcomes[0].state is State.REJECTED


def test_a_batch_that_is_refused_is_halved_down_to_the_row() -> None:
    body = {"errors": [{"reason": "invalid", "field": "batch", "message": "no"}]}
    for status in (400, 413):
        assert classified(2, status, body) == Verdict(advice=Advice.SPLIT)
        refused = Outcome(State.REJECTED, "INVALID", message="invalid batch no")
        assert classified(1, status, body).outcomes == {0: refused}
    assert classified(1, 400, b"<html>").outcomes[0].message == "it is malformed"


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (401, Advice.REFUSED),
        (403, Advice.REFUSED),
        (408, Advice.RESEND),
        (429, Advice.RESEND),
        (500, Advice.RESEND),
        (503, Advice.RESEND),
    ],
)
def test_what_answers_without_rows_mean(status: int, advice: Advice) -> None:
    verdict = classified(2, status, b"")
    assert (verdict.outcomes, verdict.advice) == ({}, advice)
    assert ("INTENT_CUSTOMER_IO_API_KEY" in verdict.message) is (
        advice is Advice.REFUSED
    )


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>Down</html>"),
        (200, b'{"errors": [{"batch_in'),
        (200, b"[]"),
        (200, b'{"errors": ["bad"]}'),
        (207, b"{}"),
        (207, b'{"errors": []}'),
        (204, b""),
        (404, b"{}"),
        (302, b""),
    ],
)
def test_what_it_never_answers_acknowledges_nothing(status: int, body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        classified(2, status, body)


def test_a_look_up_that_fails_is_no_empty_world() -> None:
    adapter = adapter_of()
    for status, advice in ((401, Advice.REFUSED), (429, Advice.RESEND)):
        told = adapter.read_lookup([KEY], [], Response(status))
        assert isinstance(told, Verdict)
        assert told.advice is advice
    for body in (b"{}", b'{"customers": [{}]}', b"<html>"):
        with pytest.raises(ValueError):  # noqa: PT011
            adapter.read_lookup([KEY], [], Response(200, {}, body))
    with pytest.raises(ValueError, match="400"):
        adapter.read_lookup([KEY], [], Response(400, {}, b"{}"))


# Places and keys ----------------------------------------------------------------------


def test_the_region_decides_where_people_are_told() -> None:
    assert adapter_of().address == "https://track.customer.io"
    european = adapter_of(options={"region": "eu"})
    assert european.address == "https://track-eu.customer.io"
    assert european.lookup([KEY], []).host == "https://api-eu.customer.io"
    answer = Response(200, {}, b'{"region": "eu", "url": "", "environment_id": 1}')
    assert european.read_fields([answer, Response(200)]) is None
    with pytest.raises(BadInputError, match=r"options: \{region: eu\}"):
        adapter_of().read_fields([answer])
    with pytest.raises(ValueError, match="no region"):
        adapter_of().read_fields([Response(200, {}, b"{}")])


def test_the_region_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INTENT_CUSTOMER_IO_SITE_ID", "a")
    monkeypatch.setenv("INTENT_CUSTOMER_IO_API_KEY", "b")
    monkeypatch.setenv("INTENT_CUSTOMER_IO_REGION", "EU")
    adapter = CustomerIo(
        load_sync("customer_io"), read_settings(CustomerIoSettings), NOW
    )
    assert adapter.address == "https://track-eu.customer.io"
    assert adapter.lookup_rows == 0
    assert [one.path for one in adapter.describe_requests()] == [
        "/api/v1/accounts/region"
    ]


def test_keys_go_to_their_own_api_and_addresses_into_no_url() -> None:
    adapter = adapter_of(
        match={"field": "email", "column": "email"},
        fields={"intent_segment": {"column": "segment", "trigger": True}},
    )
    lookup = adapter.lookup(["ann@example.com"], [])
    assert lookup.path == "/v1/customers/attributes?id_type=email"
    assert b"ann@example.com" in lookup.content
    bearer = adapter.authorise(lookup, None, NOW)["authorization"]
    assert bearer == f"Bearer {APP_KEY}"
    [part] = adapter.pack([Row(1, Op.CREATE, "ann@example.com", {})])
    request = adapter.request(part)
    assert batch_of(part)[0]["identifiers"] == {"email": "ann@example.com"}
    assert "ann" not in request.path
    assert adapter.authorise(request, None, NOW)["authorization"].startswith("Basic ")
    assert (lookup.lane, request.lane) == ("read", "write")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"object": "company"}, "object"),
        ({"match": {"field": "phone", "column": "email"}}, "match.field"),
        ({"segment_changes": {"as": "lists", "lists": {"hot": "x/../y"}}}, "a number"),
        ({"segment_changes": {"as": "events", "event": "e" * 101}}, "100 bytes"),
        ({"mode": "mirror", "options": {"erased": "suppress"}}, "options.erased"),
        ({"options": {"region": "mars"}}, "options.region"),
        ({"options": {"regoin": "eu"}}, "regoin"),
        ({"fields": {"x" * 151: {"column": "segment", "trigger": True}}}, "150 bytes"),
    ],
)
def test_what_it_has_not_is_refused_in_words(
    changes: dict[str, Any], fault: str
) -> None:
    with pytest.raises(BadInputError, match=re.escape(fault)) as caught:
        adapter_of(**changes)
    assert "customer_io" in str(caught.value)


def test_what_is_to_be_set_up_names_attributes_and_segments() -> None:
    lines = " ".join(adapter_of().setup())
    for word in ("INTENT_CUSTOMER_IO_SITE_ID", "intent_hot_until (timestamp)"):
        assert word in lines
    lists = adapter_of(segment_changes={"as": "lists", "lists": {"hot": "7"}}).setup()
    assert "7 (hot)" in lists[-1]


# Over a socket ------------------------------------------------------------------------


async def send_all(adapter: CustomerIo, rows: Sequence[Row]) -> list[Verdict]:
    """Send rows at the rate that is allowed."""
    channel = HttpChannel(adapter)
    limiter = RateLimiter(adapter.limits.windows["write"])

    async def send(part: Part) -> Verdict:
        request = adapter.request(part)
        ticket = await limiter.acquire(request.units)
        response = await channel.send(request)
        ticket.answered()
        return adapter.classify(part, response)

    try:
        return await asyncio.gather(*(send(part) for part in adapter.pack(rows)))
    finally:
        await channel.close()


def test_the_rate_is_kept_to_where_operations_are_counted() -> None:
    with CustomerIoStandIn(latency=0.02) as remote:
        remote.windows[1].seconds = 0.9  # a machine may be busy with other tests
        rows = writes(2_600, intent_segment="hot")
        verdicts = asyncio.run(send_all(adapter_of(url=remote.url), rows))
        assert remote.violations == 0
        assert len(remote.records()) == 2_600
        assert {
            outcome.state for one in verdicts for outcome in one.outcomes.values()
        } == {State.ACKNOWLEDGED}


def test_a_check_proves_both_keys() -> None:
    with CustomerIoStandIn() as remote:
        adapter = adapter_of(url=remote.url)

        async def check() -> list[Response]:
            channel = HttpChannel(adapter)
            requests = adapter.describe_requests()
            responses = [await channel.send(request) for request in requests]
            await channel.close()
            return responses

        assert adapter.read_fields(asyncio.run(check())) is None
        assert [one.path for one in remote.log] == [
            "/api/v1/accounts/region",
            "/v1/customers/attributes",
        ]
        remote.revoke()
        assert [one.status for one in asyncio.run(check())] == [401, 401]


# Whole runs --------------------------------------------------------------------------


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    [case] = [each for each in find_cases() if each.name == "customer_io"]
    with set_stage(case, tmp_path / "shop", monkeypatch, contacts=300) as made:
        yield made


def test_events_are_told_once_though_an_answer_is_lost(stage: Stage) -> None:
    stage.change_sync(segment_changes={"as": "events"})
    stage.run()
    stage.shop.change("segment = 'cold'", "segment = 'hot'")
    stage.remote.faults.add(APPLY_DROP, path="/batch", nth=2)  # 1 is of the records
    result = stage.run()
    assert (result.planned, result.acknowledged) == (200, 200)
    assert stage.records() == stage.expected()
    remote = stage.remote
    assert isinstance(remote, CustomerIoStandIn)
    assert (len(remote.events()), remote.repeated_events) == (100, 100)


def test_reconcile_finds_what_others_changed(stage: Stage) -> None:
    stage.run()
    drift = service.reconcile(places(), stage.sync)
    assert (drift.compared, drift.same) == (300, 300)
    changed, gone = stage.key(0), stage.key(1)
    stage.remote.put(changed, {"intent_segment": "mine", "intent_score": 0.5})
    stage.remote.remove(gone)
    drift = service.reconcile(places(), stage.sync)
    assert (drift.compared, drift.same, drift.missing) == (300, 298, 1)
    assert drift.by_field == {"intent_segment": 1, "intent_score": 1}


def test_without_an_app_key_people_are_told_but_not_read(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INTENT_CUSTOMER_IO_APP_KEY")
    stage.change_sync(mode="update_only")
    stage.remote.put(stage.key(0), {})
    result = stage.run()
    assert result.acknowledged == result.planned == 300
    assert stage.records() == {stage.key(0): stage.expected()[stage.key(0)]}
    assert not stage.remote.requests("/v1/customers")
    with pytest.raises(BadInputError, match="can't be asked"):
        service.reconcile(places(), stage.sync)


def test_keys_that_are_refused_are_named(stage: Stage) -> None:
    stage.remote.revoke()
    with pytest.raises(RefusedError, match="INTENT_CUSTOMER_IO_API_KEY"):
        stage.run()
    assert stage.records() == {}
