"""Marketo: whole runs with the stand-in, in which no lead is made twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from intent.errors import RefusedError
from intent.settings import places
from intent.sync import service
from intent.sync.destinations import _marketo_answers as answers
from intent.sync.destinations import _marketo_bulk as bulk
from intent.sync.results import RunResult
from intent.sync.spec import Sync
from standins import faults
from standins.marketo import CLIENT_ID, CLIENT_SECRET, MarketoStandIn
from sync_shop import SyncShop, load_sync

EMAIL = "ann@shop.example"
SETTLED = {"settle_seconds": 0.5}
IN_BULK = {"bulk": True, "bulk_at_least": 1000}
FEW_FIELDS: dict[str, Any] = {
    "intentSegment": {"column": "segment", "trigger": True},
    "intentScore": {"column": "intent_score", "type": "number"},
    "intentContactId": "contact_id",
    "intentTopDriver": "last_activity",
}
"""Fields that no contact has a null in."""


class Silent:
    def planned(self, rows: int) -> None: ...
    def ended(self, rows: int) -> None: ...


@pytest.fixture
def remote(monkeypatch: pytest.MonkeyPatch) -> Iterator[MarketoStandIn]:
    with MarketoStandIn() as running:
        running.settles_after = 0.3
        monkeypatch.setattr(bulk, "POLL_SECONDS", 0.1)
        hurried = {**answers.PAUSES, "606": 0.1, "615": 0.1, "1016": 0.1}
        monkeypatch.setattr(answers, "PAUSES", hurried)
        monkeypatch.setenv("INTENT_MARKETO_URL", f"{running.url}/rest")
        monkeypatch.setenv("INTENT_MARKETO_CLIENT_ID", CLIENT_ID)
        monkeypatch.setenv("INTENT_MARKETO_CLIENT_SECRET", CLIENT_SECRET)
        yield running


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SyncShop:
    shop = SyncShop.open(tmp_path / "shop", 700)
    for name, value in shop.environment.items():
        monkeypatch.setenv(name, value)
    return shop


def run(sync: Sync, *allowed: str) -> RunResult:
    return service.run(places(), sync, Silent(), allowed)


def settling(**changes: Any) -> Sync:
    options = {**SETTLED, **changes.pop("options", {})}
    return load_sync("marketo", options=options, **changes)


def assert_all_there(remote: MarketoStandIn, shop: SyncShop, sync: Sync) -> None:
    assert remote.records() == shop.expected(sync)
    assert max(remote.creations.values()) == 1
    assert not remote.overlaps


def upsert(remote: MarketoStandIn, token: str, timeout: float = 5.0) -> Any:
    body = {
        "action": "createOrUpdate",
        "lookupField": "email",
        "input": [{"email": EMAIL}],
    }
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{remote.url}/rest/v1/leads.json"
    return httpx2.post(url, json=body, headers=headers, timeout=timeout).json()


def token_of(remote: MarketoStandIn) -> str:
    keys = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    told = {"grant_type": "client_credentials", **keys}
    got = httpx2.post(f"{remote.url}/identity/oauth/token", data=told).json()
    return str(got["access_token"])


def test_the_stand_in_catches_who_sends_again_at_once(remote: MarketoStandIn) -> None:
    token = token_of(remote)
    assert token_of(remote) == token
    remote.faults.add(faults.APPLY_DROP, path="/leads.json")
    with pytest.raises(httpx2.RemoteProtocolError):
        upsert(remote, token)
    assert upsert(remote, token)["result"][0]["status"] == "created"
    assert remote.creations[EMAIL] == 2
    time.sleep(0.4)
    assert upsert(remote, token)["result"][0]["reasons"][0]["code"] == "1007"


def test_the_stand_in_knows_who_waits(remote: MarketoStandIn) -> None:
    token = token_of(remote)
    remote.faults.add(faults.APPLY_DROP, path="/leads.json")
    with pytest.raises(httpx2.RemoteProtocolError):
        upsert(remote, token)
    time.sleep(0.4)
    assert upsert(remote, token)["result"][0]["status"] == "updated"
    assert upsert(remote, token)["result"][0]["status"] == "updated"
    assert remote.creations[EMAIL] == 1


@pytest.mark.parametrize(
    "fault",
    [
        faults.APPLY_DROP,
        faults.TRUNCATE,
        faults.applies_and_answers(502, "bad gateway"),
        faults.html_page(),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status}",
)
def test_no_lead_is_made_twice_when_an_answer_is_lost(
    remote: MarketoStandIn, shop: SyncShop, fault: faults.Fault
) -> None:
    remote.faults.add(fault, path=r"/rest/v1/leads\.json", nth=2)
    sync = settling()
    result = run(sync)
    assert (result.acknowledged, result.in_doubt) == (700, 0)
    assert_all_there(remote, shop, sync)
    assert remote.faults.befell == [fault]


def test_carries_on_through_refusals_with_status_200(
    remote: MarketoStandIn, shop: SyncShop
) -> None:
    remote.windows[0].count = 3  # 606: others use the same instance
    remote.windows[0].seconds = 0.5
    remote.tokens_last = 6  # 602
    remote.most_at_once = 2  # 615
    remote.latency = 0.05
    sync = settling(rows_at_once=100)
    result = run(sync)
    assert result.acknowledged == 700
    assert_all_there(remote, shop, sync)
    assert remote.violations > 0
    assert 2 <= remote.authentications <= 6


def test_stops_at_the_daily_quota_and_carries_on_the_next_day(
    remote: MarketoStandIn, shop: SyncShop
) -> None:
    remote.daily_limit = 3  # one for the description
    sync = settling()
    result = run(sync)
    assert (result.acknowledged, result.deferred, result.exit_code) == (600, 100, 6)
    assert "607" in result.reason
    remote.next_day()
    assert run(sync).acknowledged == 100
    assert_all_there(remote, shop, sync)


def test_says_when_the_credentials_are_refused(
    remote: MarketoStandIn, shop: SyncShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    del shop
    monkeypatch.setenv("INTENT_MARKETO_CLIENT_SECRET", "another")
    with pytest.raises(RefusedError):
        run(settling())
    assert not remote.records()


def test_says_when_a_right_is_missing(remote: MarketoStandIn, shop: SyncShop) -> None:
    del shop
    denied = orjson.dumps({"success": False, "errors": [{"code": "603"}]}).decode()
    remote.faults.add(faults.answers(200, denied), path="describe2", times=None)
    with pytest.raises(RefusedError, match="603"):
        run(settling())


def test_rejects_what_marketo_rejects_and_no_more(
    remote: MarketoStandIn, shop: SyncShop
) -> None:
    del shop
    remote.poison("person000003@shop.example")
    twins = [remote.add("person000005@shop.example") for _ in range(2)]
    sync = settling()
    result = run(sync)
    assert (result.acknowledged, result.rejected) == (698, 2)
    assert result.rejections == {"1003": 1, "1007": 1}
    assert len(twins) == 2
    remote.heal("person000003@shop.example")
    again = service.retry(places(), sync, Silent())
    assert (again.acknowledged, again.rejected) == (1, 1)


def bulk_sync(**changes: Any) -> Sync:
    options = {**IN_BULK, **changes.pop("options", {})}
    return settling(fields=FEW_FIELDS, options=options, **changes)


def test_imports_many_rows_in_files(remote: MarketoStandIn, shop: SyncShop) -> None:
    shop.add(800)
    shop.change("last_activity = 'a \"b\", c\n é'", "fit_score < 30")
    keys = [f"person{n:06d}@shop.example" for n in (3, 4, 5)]
    remote.poison(keys[0])
    remote.warned = {keys[1]}
    sync = bulk_sync(rows_at_once=500)
    result = run(sync)
    assert result.rejections == {"import_failed": 1, "import_warning": 1}
    assert result.acknowledged == 1498
    assert len(remote.imports) == 3
    assert not remote.requests(r"^/rest/v1/leads\.json")
    wanted = shop.expected(sync)
    del wanted[keys[0]]
    assert remote.records() == wanted
    assert max(remote.creations.values()) == 1


def test_waits_for_a_place_in_the_queue_of_imports(
    remote: MarketoStandIn, shop: SyncShop
) -> None:
    shop.add(300)
    full = orjson.dumps({"success": False, "errors": [{"code": "1016"}]}).decode()
    remote.faults.add(faults.answers(200, full), path="^/bulk/v1/leads.json", times=8)
    sync = bulk_sync()
    assert run(sync).acknowledged == 1000
    assert_all_there(remote, shop, sync)


def test_an_import_that_fails_is_done_again(
    remote: MarketoStandIn, shop: SyncShop
) -> None:
    shop.add(300)
    remote.imports_that_fail = 1
    sync = bulk_sync()
    assert run(sync).acknowledged == 1000
    assert_all_there(remote, shop, sync)
    assert [one.state for one in remote.imports.values()] == ["Failed", "Complete"]


@pytest.mark.parametrize("fault", [faults.APPLY_RESET, faults.DROP])
def test_an_upload_without_an_answer_is_looked_after(
    remote: MarketoStandIn, shop: SyncShop, fault: faults.Fault
) -> None:
    shop.add(300)
    remote.faults.add(fault, path=r"^/bulk/v1/leads\.json")
    sync = bulk_sync()
    assert run(sync).acknowledged == 1000
    assert_all_there(remote, shop, sync)


CHILD = """
import sys
from intent.settings import places
from intent.sync import service
from intent.sync.destinations import _marketo_bulk as bulk
from sync_shop import load_sync
from test_sync_marketo_runs import Silent, bulk_sync, settling

bulk.POLL_SECONDS = 0.1
service.run(places(), bulk_sync() if sys.argv[1] == "bulk" else settling(), Silent())
"""


def killed(remote: MarketoStandIn, kind: str, path: str) -> None:
    """Run in a process of its own, and kill it when a request is under way."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen([sys.executable, "-c", CHILD, kind], env=env) as child:
        deadline = time.monotonic() + 60
        while not remote.requests(path) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.1)
        assert child.poll() is None
        child.send_signal(signal.SIGKILL)


@pytest.mark.parametrize(
    ("path", "imports"),
    [
        # The import is known by its id: it is carried on with.
        (r"/bulk/v1/leads/batch/\d+\.json", 1),
        # It is not: what it did is looked up.
        (r"^/bulk/v1/leads\.json", 1),
    ],
)
def test_a_killed_import_is_carried_on_with(
    remote: MarketoStandIn, shop: SyncShop, path: str, imports: int
) -> None:
    shop.add(300)
    if "batch" in path:
        remote.import_seconds = 2.0
    else:
        remote.faults.add(faults.APPLY_HANG, path=path)
    killed(remote, "bulk", path)
    remote.faults.clear()
    sync = bulk_sync()
    result = run(sync)
    assert result.deferred == result.in_doubt == result.rejected == 0
    assert_all_there(remote, shop, sync)
    assert len(remote.imports) == imports


def test_a_process_killed_before_the_answer_makes_no_lead_twice(
    remote: MarketoStandIn, shop: SyncShop
) -> None:
    remote.faults.add(faults.APPLY_HANG, path=r"^/rest/v1/leads\.json", nth=2)
    killed(remote, "sync", r"^/rest/v1/leads\.json")
    remote.faults.clear()
    sync = settling()
    result = run(sync)
    assert result.deferred == result.in_doubt == result.rejected == 0
    assert_all_there(remote, shop, sync)
