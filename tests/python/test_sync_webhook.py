"""The signed webhook: what is sent, by whom it is known, and what answers mean."""

import asyncio
import base64
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intent.errors import BadInputError, RefusedError
from intent.sync.destinations.webhook import Webhook, WebhookSettings
from intent.sync.model import (
    ACKNOWLEDGED,
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
)
from intent.sync.secrets import read_settings
from intent.sync.wire import HttpChannel
from pydantic import SecretStr
from standins import find_cases
from standins.faults import APPLY_DROP
from standins.webhook import PATH, SECRET, WebhookStandIn
from sync_shop import PROJECT, load_sync
from sync_stage import Stage, set_stage

NOW = datetime(2026, 7, 1, 8, 0, 5, tzinfo=UTC)
KEY = "16f6ced9cf41aaf9301cfdedc8b8fb02"
EXAMPLE_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
PAGE = (PROJECT / "docs/destinations/webhook.md").read_text(encoding="utf-8")


def adapter_of(
    url: str = f"https://shop.example{PATH}",
    at: datetime = NOW,
    secret: str = SECRET,
    old_secret: str | None = None,
    **options: Any,
) -> Webhook:
    """The adapter of a run of the project's sync."""
    sync = load_sync("webhook", options=options)
    keys = WebhookSettings(
        url=SecretStr(url),
        secret=SecretStr(secret),
        old_secret=SecretStr(old_secret) if old_secret else None,
    )
    return Webhook(sync, keys, at)


def writes(count: int, **values: Value) -> list[Row]:
    """Rows that write contacts."""
    return [Row(n, Op.CREATE, f"{n:032x}", values) for n in range(count)]


def rows_in(content: bytes, style: str = "json") -> list[dict[str, Any]]:
    """The rows of a body."""
    if style == "ndjson":
        return [json.loads(line) for line in content.split(b"\n") if line]
    rows: list[dict[str, Any]] = json.loads(content)["data"]["rows"]
    return rows


def signed(adapter: Webhook, request: Request, at: datetime = NOW) -> dict[str, str]:
    """All headers of a request that is sent at a moment."""
    return {**request.headers, **adapter.authorise(request, None, at)}


def send_all(adapter: Webhook, parts: Sequence[Part]) -> list[Verdict]:
    """Send parts one after the other."""

    async def send() -> list[Verdict]:
        channel = HttpChannel(adapter)
        try:
            return [
                adapter.classify(part, await channel.send(adapter.request(part)))
                for part in parts
            ]
        finally:
            await channel.close()

    return asyncio.run(send())


@pytest.fixture
def remote() -> Iterator[WebhookStandIn]:
    with WebhookStandIn() as running:
        yield running


# Signatures --------------------------------------------------------------------------


def test_the_signature_is_that_of_standard_webhooks() -> None:
    # The example that the project's libraries are tested with.
    adapter = adapter_of(secret=EXAMPLE_SECRET)
    request = Request(
        "POST",
        "/",
        b'{"test": 2432232314}',
        {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek"},
    )
    headers = adapter.authorise(request, None, datetime.fromtimestamp(1614265330, UTC))
    assert headers == {
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("known", [SECRET, OTHER_SECRET])
def test_while_the_secret_changes_either_will_do(known: str) -> None:
    with WebhookStandIn(secret=known) as remote:
        adapter = adapter_of(remote.url + PATH, secret=OTHER_SECRET, old_secret=SECRET)
        [part] = adapter.pack(writes(1))
        [verdict] = send_all(adapter, [part])
        assert verdict.outcomes == {0: ACKNOWLEDGED}
        stranger = "whsec_" + base64.b64encode(bytes(24)).decode()
        [verdict] = send_all(adapter_of(remote.url + PATH, secret=stranger), [part])
        assert verdict.advice is Advice.REFUSED
        assert "INTENT_WEBHOOK_SECRET" in verdict.message


def python_snippet() -> Callable[[str, Mapping[str, str], bytes], bool]:
    """The receiver's code in the docs."""
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102
    verify: Callable[[str, Mapping[str, str], bytes], bool] = names["is_ours"]
    return verify


def shell_snippet(
    folder: Path,
) -> Callable[[str, Mapping[str, str], bytes], bool]:
    """The commands in the docs."""
    [code] = re.findall(r"```shell\n(.*?)```", PAGE, re.DOTALL)

    def verify(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
        (folder / "body").write_bytes(body)
        names = {
            name: headers[f"webhook-{name}"]
            for name in ("id", "timestamp", "signature")
        }
        done = subprocess.run(
            ["/bin/sh", "-euc", code],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "secret": secret, **names},
            check=False,
        )
        return done.returncode == 0

    return verify


@pytest.mark.parametrize("language", ["python", "shell"])
def test_the_docs_show_how_to_verify(language: str, tmp_path: Path) -> None:
    verify = python_snippet() if language == "python" else shell_snippet(tmp_path)
    adapter = adapter_of(secret=OTHER_SECRET, old_secret=SECRET)
    [part] = adapter.pack([Row(1, Op.UPDATE, KEY, {"top_interest": 'Größe\n"38"%s'})])
    request = adapter.request(part)
    body, now = request.content, datetime.now(UTC)
    headers = signed(adapter, request, now)
    assert verify(SECRET, headers, body)
    assert verify(OTHER_SECRET, headers, body)
    assert not verify(SECRET, headers, body.replace(b"38", b"39"))
    assert not verify(SECRET, {**headers, "webhook-id": "msg_other"}, body)
    assert not verify("whsec_" + base64.b64encode(bytes(32)).decode(), headers, body)
    for minutes in (-6, 6):
        late = signed(adapter, request, now + timedelta(minutes=minutes))
        assert not verify(SECRET, late, body)


def test_what_is_old_is_refused_and_a_retry_is_not_old(remote: WebhookStandIn) -> None:
    adapter = adapter_of(remote.url + PATH)
    [part] = adapter.pack(writes(1))
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    stale = signed(adapter, adapter.request(part), hour_ago)
    fresh = signed(adapter, adapter.request(part), datetime.now(UTC))
    assert stale["webhook-id"] == fresh["webhook-id"]
    assert stale["webhook-timestamp"] < fresh["webhook-timestamp"]
    remote.clock = hour_ago.timestamp
    [verdict] = send_all(adapter, [part])
    assert verdict.advice is Advice.REFUSED


# What is sent ------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(
        st.dictionaries(
            st.text(max_size=8),
            st.one_of(
                st.none(),
                st.booleans(),
                st.integers(-(2**63), 2**63 - 1),
                st.floats(allow_nan=False, allow_infinity=False),
                st.text(st.characters(exclude_categories=["Cs"]), max_size=600),
            ),
            max_size=5,
        ),
        max_size=40,
    ),
    most=st.integers(1, 30),
    size=st.integers(8_000, 20_000),
    style=st.sampled_from(["json", "ndjson"]),
)
def test_requests_are_full_and_lose_nothing(
    values: Sequence[Mapping[str, Value]], most: int, size: int, style: str
) -> None:
    adapter = adapter_of(rows=most, bytes=size, format=style)
    rows = [Row(seq, Op.UPDATE, f"key {seq}", each) for seq, each in enumerate(values)]
    sendable = [row for row in rows if adapter.refuse(row) is None]
    parts = list(adapter.pack(sendable))
    assert [row for part in parts for row in part.rows] == sendable
    for part in parts:
        assert len(part.content) <= size
        assert len(part.rows) <= most
        found = rows_in(part.content, style)
        assert [(one["key"], one["values"]) for one in found] == [
            (row.key, row.values) for row in part.rows
        ]
    for part, following in pairwise(parts):
        [first, *_] = rows_in(following.content, style)
        fits = len(part.content) + len(orjson.dumps(first)) + 1 <= size
        assert len(part.rows) == most or not fits


def test_a_row_that_is_larger_than_a_request_is_refused() -> None:
    adapter = adapter_of(bytes=2_000)
    large = Row(1, Op.CREATE, KEY, {"top_interest": "x" * 2_000})
    assert "bytes: 2000" in (adapter.refuse(large) or "")
    assert adapter.refuse(replace(large, values={"top_interest": "x" * 1_000})) is None


def test_the_docs_show_what_is_sent() -> None:
    [example] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    shown = json.loads(example)
    values: dict[str, Value] = {
        "segment": "hot",
        "intent_score": 3.21,
        "hot_until": None,
    }
    [part] = adapter_of().pack([Row(1, Op.UPDATE, KEY, values)])
    sent = json.loads(part.content)
    [shown_row], [sent_row] = shown["data"]["rows"], sent["data"]["rows"]
    assert re.fullmatch("[0-9a-f]{32}", sent_row["event_id"])
    shown_row["event_id"] = sent_row["event_id"]
    assert sent == shown


def test_ids_are_the_same_in_a_run_and_others_in_another() -> None:
    rows = [Row(1, Op.UPDATE, KEY, {"segment": "hot"})]
    first, again = adapter_of(), adapter_of()
    [part] = first.pack(rows)
    same = again.request(Part(rows))
    assert same == first.request(part)
    assert same.headers["idempotency-key"] == same.headers["webhook-id"]
    assert "." not in same.headers["webhook-id"]
    other = adapter_of(at=NOW + timedelta(seconds=1))
    assert other.request(Part(rows)).headers["webhook-id"] != same.headers["webhook-id"]
    ids = {
        rows_in(adapter.request(Part([row])).content)[0]["event_id"]
        for adapter in (first, other)
        for row in (*rows, Row(2, Op.JOIN, KEY, {"list": "a"}))
    }
    assert len(ids) == 4
    event = Row(3, Op.EVENT, KEY, {"from": None, "to": "hot"}, event_id="e-1")
    for adapter in (first, other):
        [told] = rows_in(adapter.request(Part([event])).content)
        assert told["event_id"] == "e-1"


def test_an_address_keeps_its_path_and_query() -> None:
    adapter = adapter_of("https://shop.example:8443/hooks/a?tenant=3")
    assert adapter.address == "https://shop.example:8443"
    assert adapter.request(Part(writes(1))).path == "/hooks/a?tenant=3"
    assert adapter_of("https://shop.example").request(Part(writes(1))).path == "/"


# Answers -----------------------------------------------------------------------------


def classified(rows: int, status: int, body: Any = b"", kind: str = "") -> Verdict:
    """What an answer to a request means."""
    adapter = adapter_of()
    [part] = adapter.pack(writes(rows))
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return adapter.classify(part, Response(status, {"content-type": kind}, content))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"", ""),
        (204, b"", ""),
        (202, b"thanks", "text/plain"),
        (200, b"{}", "application/json"),
        (200, b"null", "application/json; charset=utf-8"),
        (200, b"", "application/json"),
        (201, b'{"rejected": []}', "application/json"),
    ],
)
def test_2xx_acknowledges_all(status: int, body: bytes, kind: str) -> None:
    assert classified(2, status, body, kind).outcomes == {
        0: ACKNOWLEDGED,
        1: ACKNOWLEDGED,
    }


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>Down</html>", "text/html; charset=utf-8"),
        (200, b'{"rejected": [{"eve', "application/json"),
        (200, b'{"rejected": "all"}', "application/json"),
        (200, b'{"rejected": ["a"]}', "application/json"),
        (200, b'{"rejected": [{"event_id": "unknown"}]}', "application/json"),
        (418, b"", ""),
        (301, b"", ""),
    ],
)
def test_what_is_no_answer_acknowledges_nothing(
    status: int, body: bytes, kind: str
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        classified(2, status, body, kind)


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_a_refused_request_is_halved_down_to_the_row(status: int) -> None:
    assert classified(2, status, b"no") == Verdict(advice=Advice.SPLIT)
    refused = Outcome(State.REJECTED, f"HTTP_{status}", message="no")
    assert classified(1, status, b"no").outcomes == {0: refused}
    assert classified(1, status, b"<p>", "text/html").outcomes[0].message == ""


@pytest.mark.parametrize(
    ("statuses", "advice"),
    [
        ((401, 403, 404, 405, 410), Advice.REFUSED),
        ((408, 425, 429, 500, 502, 503, 504), Advice.RESEND),
    ],
)
def test_what_answers_without_rows_mean(
    statuses: Sequence[int], advice: Advice
) -> None:
    for status in statuses:
        verdict = classified(2, status)
        assert (verdict.outcomes, verdict.advice) == ({}, advice)


# With a receiver ---------------------------------------------------------------------


@pytest.mark.parametrize("style", ["json", "ndjson"])
def test_a_receiver_takes_all_that_a_sync_tells(
    remote: WebhookStandIn, style: str
) -> None:
    adapter = adapter_of(remote.url + PATH, format=style)
    later = adapter_of(remote.url + PATH, NOW + timedelta(minutes=1), format=style)
    text = 'Größe\n"38",\u2028 \u0001=1+1'
    create = Row(1, Op.CREATE, KEY, {"top_interest": text, "intent_score": 3.25})
    rows = [
        create,
        Row(2, Op.LEAVE, "unknown", {"segment": None}),
        Row(3, Op.JOIN, KEY, {"list": "7"}),
        Row(4, Op.EVENT, KEY, {"from": None, "to": "hot"}, event_id="e-1"),
    ]
    send_all(adapter, list(adapter.pack(rows)))
    assert remote.records() == {KEY: {"top_interest": text, "intent_score": 3.25}}
    assert remote.lists() == {"7": {KEY}}
    assert [one["event_id"] for one in remote.events()] == ["e-1"]
    send_all(later, list(later.pack([Row(1, Op.LEAVE, KEY, {"intent_score": None})])))
    send_all(adapter, list(adapter.pack([replace(create, seq=9)])))
    assert remote.records() == {KEY: {"top_interest": text}}
    assert remote.repeated_rows == 1
    send_all(later, list(later.pack([Row(1, Op.DELETE, KEY, {})])))
    assert remote.records() == {}


def test_what_comes_twice_is_taken_once(remote: WebhookStandIn) -> None:
    adapter = adapter_of(remote.url + PATH)
    parts = list(adapter.pack(writes(5, segment="hot")))
    send_all(adapter, parts * 3)
    assert remote.repeated == 2
    assert max(remote.creations.values()) == 1
    assert remote.repeated_rows == 0


def test_a_receiver_may_reject_some_rows(remote: WebhookStandIn) -> None:
    remote.poison(f"{3:032x}", "is needed", "email")
    adapter = adapter_of(remote.url + PATH)
    [verdict] = send_all(adapter, list(adapter.pack(writes(5))))
    rejected = {
        seq: one for seq, one in verdict.outcomes.items() if one != ACKNOWLEDGED
    }
    assert rejected == {
        3: Outcome(State.REJECTED, "NOT_VALID", "email", "email is needed")
    }
    assert len(remote.records()) == 4


def test_a_check_is_a_signed_request_without_rows(remote: WebhookStandIn) -> None:
    for style in ("json", "ndjson"):
        adapter = adapter_of(remote.url + PATH, format=style)

        async def check(adapter: Webhook = adapter) -> Response:
            channel = HttpChannel(adapter)
            [request] = adapter.describe_requests()
            response = await channel.send(request)
            await channel.close()
            return response

        assert adapter.read_fields([asyncio.run(check())]) is None
    assert remote.checks == 2
    with pytest.raises(ValueError, match="status 500"):
        adapter.read_fields([Response(500)])


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    [case] = [each for each in find_cases() if each.name == "webhook"]
    with set_stage(case, tmp_path / "shop", monkeypatch, contacts=230) as made:
        yield made


def test_a_request_that_got_no_answer_comes_again_and_is_taken_once(
    stage: Stage,
) -> None:
    stage.change_sync(segment_changes={"as": "events"})
    stage.run()
    stage.shop.change("segment = 'cold'", "segment = 'hot'")
    stage.remote.faults.add(APPLY_DROP, path=PATH, nth=2, times=2)  # 1 is the check
    result = stage.run()
    assert (result.planned, result.acknowledged) == (154, 154)
    assert stage.records() == stage.expected()
    remote = stage.remote
    assert isinstance(remote, WebhookStandIn)
    assert (len(remote.events()), remote.repeated) == (77, 2)
    assert remote.repeated_rows == 0


def test_a_receiver_may_refuse_requests_as_a_whole(stage: Stage) -> None:
    remote = stage.remote
    assert isinstance(remote, WebhookStandIn)
    remote.refuses_alone = False
    remote.most_rows = 60
    stage.change_sync(options={"format": "ndjson", "requests_a_second": 200})
    bad = {stage.key(number) for number in (3, 100, 101)}
    for key in bad:
        remote.poison(key)
    result = stage.run()
    assert (result.rejected, result.acknowledged) == (3, 227)
    assert result.rejections == {"HTTP_422": 3}
    expected = stage.expected()
    assert stage.records() == {key: expected[key] for key in expected.keys() - bad}


def test_a_wrong_secret_stops_the_run(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTENT_WEBHOOK_SECRET", OTHER_SECRET)
    with pytest.raises(RefusedError, match="INTENT_WEBHOOK_SECRET"):
        stage.run()
    assert len(stage.remote.log) == 1
    assert stage.records() == {}


# Settings ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("INTENT_WEBHOOK_URL", "canary.example/hook"),
        ("INTENT_WEBHOOK_URL", "ftp://shop.example"),
        ("INTENT_WEBHOOK_URL", "https://ann:canary@shop.example"),
        ("INTENT_WEBHOOK_URL", "https://shop.example/#canary"),
        ("INTENT_WEBHOOK_SECRET", "canary-password"),
        ("INTENT_WEBHOOK_SECRET", "whsec_not Base64 canary!"),
        ("INTENT_WEBHOOK_SECRET", "whsec_" + base64.b64encode(bytes(23)).decode()),
        ("INTENT_WEBHOOK_SECRET", "whsec_" + base64.b64encode(bytes(65)).decode()),
        ("INTENT_WEBHOOK_OLD_SECRET", "canary"),
    ],
)
def test_settings_that_can_not_be_used_are_named_but_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    good = {
        "INTENT_WEBHOOK_URL": "https://shop.example",
        "INTENT_WEBHOOK_SECRET": SECRET,
    }
    for name, text in {**good, variable: value}.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(BadInputError, match=f"{variable}:") as caught:
        read_settings(WebhookSettings)
    assert "canary" not in str(caught.value)
    assert value not in str(caught.value)


def test_only_https_leaves_the_machine() -> None:
    with pytest.raises(BadInputError, match="INTENT_WEBHOOK_URL"):
        HttpChannel(adapter_of("http://shop.example/hook"))


@pytest.mark.parametrize(
    "options", [{"format": "xml"}, {"rows": 0}, {"row": 5}, {"requests_a_second": -1}]
)
def test_options_that_can_not_be_used_are_named(options: dict[str, Any]) -> None:
    [name] = options
    with pytest.raises(BadInputError, match=rf"options\.{name}"):
        adapter_of(**options)


def test_the_rate_may_be_slower_than_a_request_a_second() -> None:
    [slow] = adapter_of(requests_a_second=0.2).limits.windows["write"]
    [usual] = adapter_of().limits.windows["write"]
    assert (slow.count, slow.seconds) == (1, 5.0)
    assert (usual.count, usual.seconds) == (10, 1.0)
