"""The round that a scheduler runs: what it does, and what becomes of it half-way."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import PROJECT, Shop, copy_project, locked
from intent import refresh as module
from intent.errors import (
    BadInputError,
    ExitCode,
    GuardError,
    IntentError,
    LockedError,
    RefusedError,
)
from intent.refresh import Export, Request, Round, pause, refresh
from intent.settings import Places
from intent.sync.results import RunResult
from intent.sync.service import RunStopped
from intent.sync.spec import Sync
from standins.customer_io import API_KEY, APP_KEY, SITE_ID, CustomerIoStandIn

ORDERS = "order_id,customer_id,ordered_at,received_at,order_total\n"
MAPPING = """
tables:
  shop.orders:
    columns:
      order_id: order_id
      customer_id: customer_id
      ordered_at: ordered_at
      received_at: received_at
"""

# Rounds without dbt -----------------------------------------------------------------


@dataclass
class Rounds:
    """Rounds of a shop whose build is not dbt's, and whose sends are counted."""

    places: Places
    done: list[Round] = field(default_factory=list)
    built: int = 0
    sent: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    build_fault: BaseException | None = None
    send_faults: dict[str, BaseException] = field(default_factory=dict)
    stop_after: int = 1

    def build(self, places: Places, request: object) -> list[str]:
        del places, request
        self.built += 1
        if self.build_fault:
            raise self.build_fault
        return []

    def send(self, sync: Sync) -> RunResult:
        self.sent.append(sync.name)
        if fault := self.send_faults.get(sync.name):
            raise fault
        return RunResult("r", sync.name, sync.destination, "done", planned=1)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) >= self.stop_after:
            raise KeyboardInterrupt

    def round(self, **asked: Any) -> Round:
        refresh(self.places, Request(**asked), self.send, self.done.append)
        return self.done[-1]

    def enable(self, *names: str) -> None:
        text = (PROJECT / "syncs" / "customer_io.yml").read_text(encoding="utf-8")
        for name in names:
            content = {**yaml.safe_load(text), "enabled": True}
            file = self.places.syncs / f"{name}.yml"
            file.write_text(yaml.safe_dump(content), encoding="utf-8")


@pytest.fixture
def rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rounds:
    project = tmp_path / "project"
    shutil.copytree(PROJECT / "models" / "staging", project / "models" / "staging")
    shutil.copytree(PROJECT / "seeds" / "feeds", project / "seeds" / "feeds")
    (project / "syncs").mkdir()
    data = tmp_path / "data"
    names = ("warehouse", "landing", "published", "ledger", "erasures")
    rounds = Rounds(Places(project, **{name: data / name for name in names}))
    monkeypatch.setattr(module, "build", rounds.build)
    monkeypatch.setattr(time, "sleep", rounds.sleep)
    return rounds


def test_a_round_builds_and_sends_what_is_switched_on(rounds: Rounds) -> None:
    rounds.enable("one", "two")
    done = rounds.round()
    assert (rounds.built, rounds.sent) == (1, ["one", "two"])
    assert done.exit_code is ExitCode.OK
    assert rounds.round(syncs=["two"]).exit_code is ExitCode.OK
    assert rounds.sent == ["one", "two", "two"]


def test_without_syncs_it_builds(rounds: Rounds) -> None:
    assert rounds.round().exit_code is ExitCode.OK
    assert rounds.built == 1


def test_a_failed_build_sends_nothing(rounds: Rounds) -> None:
    rounds.enable("one")
    rounds.build_fault = IntentError("a test failed")
    done = rounds.round()
    assert rounds.sent == []
    assert done.exit_code is ExitCode.FAILED
    assert done.as_json()["faults"] == [
        {"of": "build", "error": "a test failed", "exit_code": 1}
    ]


def test_a_sync_that_fails_stops_no_other(rounds: Rounds) -> None:
    rounds.enable("one", "two", "three")
    (rounds.places.syncs / "broken.yml").write_text("destination: 7\n")
    rounds.send_faults = {"one": RefusedError("no"), "three": GuardError("stop")}
    done = rounds.round()
    assert rounds.sent == ["one", "three", "two"]
    assert [run.sync for run in done.runs] == ["two"]
    assert [fault.of for fault in done.faults] == ["broken", "one", "three"]
    assert done.exit_code is ExitCode.REFUSED


def test_it_goes_on_after_a_failed_build_and_backs_off(rounds: Rounds) -> None:
    rounds.build_fault = BadInputError("a file is broken")
    rounds.stop_after = 4
    code = refresh(rounds.places, Request(), rounds.send, rounds.done.append, every=60)
    assert code is ExitCode.OK
    assert rounds.built == 4
    assert [round(each, -1) for each in rounds.slept] == [120, 240, 480, 960]


def test_the_pause_ends_the_interval_and_grows_to_an_hour() -> None:
    assert pause(300, failures=0, took=40) == 260
    assert pause(300, failures=0, took=400) == 0
    assert pause(300, failures=2, took=0) == 1200
    assert pause(300, failures=9999, took=0) == 3600
    assert pause(7200, failures=3, took=0) == 7200


def test_what_was_sent_before_a_stop_is_told(rounds: Rounds) -> None:
    rounds.enable("one", "three", "two")
    stopped = RunResult("r", "three", "customer_io", "stopped", planned=2, deferred=2)
    rounds.send_faults = {"three": RunStopped(stopped)}
    done = rounds.round()
    assert rounds.sent == ["one", "three"]
    assert [run.state for run in done.runs] == ["done", "stopped"]
    assert done.is_stopped
    assert done.exit_code is ExitCode.DEFERRED
    code = refresh(rounds.places, Request(), rounds.send, rounds.done.append, every=60)
    assert code is ExitCode.OK
    assert rounds.slept == []


def test_a_locked_warehouse_is_waited_for(
    rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds.build_fault = LockedError("in use")
    assert rounds.round().exit_code is ExitCode.UNAVAILABLE
    assert rounds.built == 1

    def let_go(seconds: float) -> None:
        del seconds
        if rounds.built == 3:
            rounds.build_fault = None

    monkeypatch.setattr(time, "sleep", let_go)
    assert rounds.round(wait=30.0).exit_code is ExitCode.OK
    assert rounds.built == 4


def test_exports_are_landed_once_and_a_broken_one_keeps_nothing_back(
    rounds: Rounds, tmp_path: Path
) -> None:
    exports, mapping = tmp_path / "exports", tmp_path / "orders.yml"
    exports.mkdir()
    mapping.write_text(MAPPING)
    request = Request(exports=[Export.parse(f"{exports}={mapping}")])
    assert rounds.round(exports=request.exports).faults == []
    (exports / "a.csv").write_text(ORDERS + "1,7,2026-06-01,2026-06-01,5\n")
    (exports / "b.csv").write_bytes(b"\xff\xfe\x00broken")
    done = rounds.round(exports=request.exports)
    assert [fault.of for fault in done.faults] == [f"load {exports}"]
    assert "b.csv" in str(done.faults[0].error)
    assert done.exit_code is ExitCode.BAD_INPUT
    assert done.is_built
    assert len(list(rounds.places.landing.glob("shop/orders/*"))) == 1
    (exports / "b.csv").write_text(ORDERS + "2,8,2026-06-02,2026-06-02,5\n")
    assert rounds.round(exports=request.exports).faults == []
    assert len(list(rounds.places.landing.glob("shop/orders/*"))) == 2


def test_an_export_needs_a_mapping() -> None:
    assert Export.parse("a=b/c=orders.yml") == Export(Path("a=b/c"), "orders.yml")
    for text in ("exports", "exports=", "=orders.yml", ""):
        with pytest.raises(BadInputError, match="PATH=MAPPING"):
            Export.parse(text)


def test_only_one_runs_on_a_warehouse(rounds: Rounds) -> None:
    lock = rounds.places.warehouse.with_suffix(".refresh.lock")
    lock.parent.mkdir(parents=True)
    with locked(lock), pytest.raises(LockedError, match="Another `intent refresh`"):
        rounds.round()
    assert rounds.built == 0
    assert rounds.round().exit_code is ExitCode.OK


# Real rounds ------------------------------------------------------------------------


@dataclass
class Works:
    """A shop with a project of its own, and a remote that its contacts go to."""

    shop: Shop
    remote: CustomerIoStandIn

    def land(self, name: str, *customers: str) -> None:
        """Land orders of today, aside and then in their place."""
        now = datetime.now(UTC) - timedelta(minutes=10)
        text = ORDERS + "".join(
            f"{name}-{each},{each},{now:%Y-%m-%dT%H:%M:%SZ},{now:%Y-%m-%dT%H:%M:%SZ},9\n"
            for each in customers
        )
        self.shop.land("shop/orders", f"{name}.csv", text)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a refresh as a process of its own."""
        return subprocess.Popen(
            [
                str(Path(sys.executable).with_name("intent")),
                *("refresh", "--feed", "shop", "--json", *arguments),
            ],
            cwd=self.shop.project,
            env={**os.environ, **self.environment()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def refresh(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """Do a round, and read its line."""
        process = self.start(*arguments)
        stdout, stderr = process.communicate(timeout=120)
        assert process.returncode == code, stdout + stderr
        found: dict[str, Any] = json.loads(stdout)
        return found

    def environment(self) -> dict[str, str]:
        return {
            **self.shop.made_ready(["intent", "refresh"], {"intent_feeds": ["shop"]}),
            "DBT_RESOURCE_TYPES": "model seed",
            "INTENT_CUSTOMER_IO_SITE_ID": SITE_ID,
            "INTENT_CUSTOMER_IO_API_KEY": API_KEY,
            "INTENT_CUSTOMER_IO_APP_KEY": APP_KEY,
            "INTENT_CUSTOMER_IO_URL": self.remote.url,
            "INTENT_CUSTOMER_IO_APP_URL": self.remote.url,
        }

    def contacts(self) -> set[str]:
        rows = self.shop.rows("select contact_id from contact_intent")
        return {row["contact_id"] for row in rows}


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    folder = tmp_path_factory.mktemp("refresh")
    project = copy_project(folder / "project")
    (project / "syncs").mkdir()
    text = (PROJECT / "syncs" / "customer_io.yml").read_text(encoding="utf-8")
    content = {**yaml.safe_load(text), "enabled": True}
    (project / "syncs" / "people.yml").write_text(yaml.safe_dump(content))
    with CustomerIoStandIn() as remote:
        yield Works(Shop(folder, project), remote)


def until(holds: Callable[[], bool]) -> None:
    """Wait for something to hold."""
    deadline = time.monotonic() + 300
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_building(works: Works) -> bool:
    return works.shop.warehouse.exists()


def test_what_landed_is_in_the_crm_after_a_round_whatever_became_of_the_one_before(
    works: Works,
) -> None:
    """One shop through it all, since each build takes seconds."""
    # Killed while dbt builds: the next round does it all.
    works.land("monday", "ann", "bob")
    killed = works.start()
    until(lambda: is_building(works))
    second = works.start()
    _, stderr = second.communicate(timeout=30)
    assert second.returncode == ExitCode.UNAVAILABLE
    assert (
        f"Another `intent refresh` runs on this warehouse (process {killed.pid})"
        in (stderr)
    )
    killed.kill()
    killed.communicate()

    # The next waits for the dbt that it left. Stopped while it sends, it ends well.
    works.remote.latency = 2.0
    goes_on = works.start("--wait", "60", "--every", "5m")
    until(lambda: bool(works.remote.requests("/batch")))
    goes_on.send_signal(signal.SIGTERM)
    asked = time.monotonic()
    stdout, stderr = goes_on.communicate(timeout=30)
    assert time.monotonic() - asked < 10
    assert goes_on.returncode == 0, stderr
    assert json.loads(stdout)["is_stopped"]
    works.remote.latency = 0.0

    # The next sends what it did not, and what has landed since.
    works.land("tuesday", *(f"c{number}" for number in range(40)))
    done = works.refresh()
    assert done["exit_code"] == 0
    assert done["files"] == 1
    assert 0 < done["landed_to_sent_seconds"] < 120
    assert len(works.contacts()) == 42
    assert set(works.remote.records()) == works.contacts()

    # Nothing changes by a look ahead.
    works.land("wednesday", "dot")
    ahead = works.refresh("--dry-run")
    assert ahead["files"] == 1
    assert ahead["plans"][0]["by_op"] == {}
    assert set(works.remote.records()) == works.contacts()
