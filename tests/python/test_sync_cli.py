"""The commands of `intent sync`, as people and scripts type them."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from intent import cli
from intent.errors import ExitCode, worst
from standins.customer_io import API_KEY, APP_KEY, SITE_ID, CustomerIoStandIn
from standins.faults import APPLY_HANG
from sync_shop import PROJECT, SyncShop, load_sync

CANARY = "CANARY-5e1f"
SECRETS = (API_KEY, APP_KEY, CANARY)


@dataclass
class Done:
    """What a command came to."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """Its stdout, which must be one document and nothing else."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found


@dataclass
class Desk:
    """A shop, a remote, and a terminal in the project's folder."""

    shop: SyncShop
    remote: CustomerIoStandIn
    folder: Path
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def sync(self, *arguments: str, answer: str | None = None) -> Done:
        """Type `intent sync ...`; an answer is typed on a terminal."""
        terminal = io.StringIO(answer or "")
        terminal.isatty = lambda: answer is not None  # type: ignore[method-assign]
        self.patch.setattr(sys, "stdin", terminal)
        self.patch.setattr(sys, "argv", ["intent", "sync", *arguments])
        self.capture.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as left:
            code = int(left.code or 0)
        told = self.capture.readouterr()
        return Done(code, told.out, told.err)

    def write(self, name: str = "people", **changes: Any) -> None:
        """Write a sync's file: Customer.io's, with changes."""
        text = (PROJECT / "syncs" / "customer_io.yml").read_text(encoding="utf-8")
        content = {**yaml.safe_load(text), **changes}
        file = self.folder / "syncs" / f"{name}.yml"
        file.write_text(yaml.safe_dump(content), encoding="utf-8")

    def emails(self) -> list[str]:
        """The emails of all contacts."""
        found = self.shop.rows("select email from intent.contact_intent")
        return [row["email"] for row in found]

    def has_all(self) -> bool:
        """The remote has what the mart has by the sync's rules, and of ours no more."""
        expected = self.shop.expected(load_sync("customer_io"))
        there = self.remote.records()
        left = [fields for key, fields in there.items() if key not in expected]
        return all(
            {name: fields.get(name) for name in expected[key]} == expected[key]
            for key, fields in there.items()
            if key in expected
        ) and not any(fields.get("intent_segment") for fields in left)


@pytest.fixture
def desk(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Desk]:
    project = tmp_path / "project"
    (project / "syncs").mkdir(parents=True)
    (project / "dbt_project.yml").touch()
    shop = SyncShop.open(tmp_path / "shop", contacts=30)
    monkeypatch.chdir(project)
    with CustomerIoStandIn() as remote:
        remote.prepare(load_sync("customer_io"))
        for name, value in {**shop.environment, **address(remote)}.items():
            monkeypatch.setenv(name, value)
        desk = Desk(shop, remote, project, capsys, monkeypatch)
        desk.write(enabled=True)
        yield desk


def address(remote: CustomerIoStandIn) -> dict[str, str]:
    return {
        "INTENT_CUSTOMER_IO_SITE_ID": SITE_ID,
        "INTENT_CUSTOMER_IO_API_KEY": API_KEY,
        "INTENT_CUSTOMER_IO_APP_KEY": APP_KEY,
        "INTENT_CUSTOMER_IO_URL": remote.url,
        "INTENT_CUSTOMER_IO_APP_URL": remote.url,
    }


def test_alone_it_only_shows_what_there_is(desk: Desk) -> None:
    done = desk.sync()
    for command in ("setup", "check", "plan", "run", "resume", "retry", "rejected"):
        assert command in done.stdout
    assert not desk.remote.requests()


# Plans -----------------------------------------------------------------------------


def test_a_plan_counts_and_sends_nothing(desk: Desk) -> None:
    done = desk.sync("plan")
    assert done.code == 0
    assert words(done, "create") == "30"
    assert words(done, "unchanged") == "0"
    assert not desk.remote.requests()
    assert not any(email in done.stdout for email in desk.emails())
    assert desk.sync("run", "--yes").code == 0
    desk.shop.change("segment = 'hot'", "segment = 'warm'")
    done = desk.sync("plan")
    assert (words(done, "update"), words(done, "unchanged")) == ("10", "20")
    assert words(done, "events") == "10"


def words(done: Done, name: str) -> str:
    """The number beside a name."""
    lines = (each for each in done.stdout.splitlines() if each.startswith(f"  {name}"))
    return next(lines).removeprefix(f"  {name}").split()[0]


def test_a_plan_needs_no_credentials(desk: Desk) -> None:
    for name in address(desk.remote):
        desk.patch.delenv(name)
    [plan] = desk.sync("plan", "--json").json["plans"]
    assert plan["by_op"] == {"create": 30}
    assert plan["planned"] == 30
    assert plan["requests"] == 1


def test_a_plan_for_machines_has_the_sample_masked(desk: Desk) -> None:
    done = desk.sync("plan", "--json", "--sample", "30")
    [plan] = done.json["plans"]
    assert len(plan["sample"]) == 30
    assert "email" in plan["sample"][0]["values"]
    assert not any(email in done.stdout for email in desk.emails())


def test_several_plans_end_with_a_table_of_all(desk: Desk) -> None:
    desk.write("others", mode="update_only")
    done = desk.sync("plan", "people", "others")
    table = done.stdout.splitlines()[-3:]
    assert table[0].split()[:3] == ["sync", "to", "send"]
    assert [line.split()[:2] for line in table[1:]] == [
        ["people", "30"],
        ["others", "30"],
    ]


# Runs ------------------------------------------------------------------------------


def test_a_run_sends_what_changed_and_nothing_twice(desk: Desk) -> None:
    [run] = desk.sync("run", "--yes", "--json").json["runs"]
    assert (run["planned"], run["acknowledged"], run["exit_code"]) == (30, 30, 0)
    assert desk.has_all()
    sent = len(desk.remote.requests("/batch"))
    [run] = desk.sync("run", "--yes", "--json").json["runs"]
    assert (run["planned"], run["unchanged"]) == (0, 30)
    assert len(desk.remote.requests("/batch")) == sent


def test_a_run_asks_on_a_terminal(desk: Desk) -> None:
    done = desk.sync("run", answer="n\n")
    assert done.code == 1
    assert "create" in done.stderr
    assert "Send 30 rows to customer_io?" in done.stderr
    assert not desk.remote.records()
    assert desk.sync("run", answer="y\n").code == 0
    assert desk.has_all()
    # Nothing is to be sent: nothing is to be asked.
    assert "Send" not in desk.sync("run", answer="").stderr


@pytest.mark.parametrize("options", [("run",), ("retry",), ("rollback", "some-run")])
def test_without_a_terminal_nothing_is_sent_unless_told(
    desk: Desk, options: tuple[str, ...]
) -> None:
    done = desk.sync(*options)
    assert done.code == ExitCode.USAGE
    assert "--yes" in done.stderr
    done = desk.sync(*options, "--json", answer="y\n")
    assert done.code == ExitCode.USAGE
    assert done.stdout == ""
    assert not desk.remote.requests()


def test_only_what_is_switched_on_is_sent_unless_named(desk: Desk) -> None:
    desk.write("others", enabled=False)
    runs = desk.sync("run", "--yes", "--json").json["runs"]
    assert [run["sync"] for run in runs] == ["people"]
    runs = desk.sync("run", "others", "--yes", "--json").json["runs"]
    assert [run["sync"] for run in runs] == ["others"]
    desk.write(enabled=False)
    done = desk.sync("run", "--yes")
    assert done.code == ExitCode.BAD_INPUT
    assert "others, people" in done.stderr
    done = desk.sync("run", "nobody", "--yes")
    assert done.code == ExitCode.BAD_INPUT
    assert "no sync nobody" in done.stderr


def test_what_fails_stops_no_other_and_the_worst_code_is_told(desk: Desk) -> None:
    broken = desk.folder / "syncs" / "broken.yml"
    broken.write_text("destination: customer_io\nobject: person\nmatch: 7\n")
    desk.write("hooks", destination="webhook", object="contact", enabled=True)
    done = desk.sync("run", "--yes", "--json")
    assert done.code == ExitCode.BAD_INPUT
    assert [run["sync"] for run in done.json["runs"]] == ["people"]
    faults = {fault["of"]: fault["error"] for fault in done.json["faults"]}
    assert "syncs/broken.yml: line 3" in faults["broken"]
    assert "INTENT_WEBHOOK_SECRET" in faults["hooks"]
    for name in faults:
        assert f"Error: {name}" in done.stderr
    assert desk.has_all()


def test_the_worst_code_is_what_asks_most_of_a_person() -> None:
    assert worst([]) is ExitCode.OK
    assert worst([ExitCode.OK, ExitCode.DEFERRED]) is ExitCode.DEFERRED
    assert worst([ExitCode.DEFERRED, ExitCode.FAILED]) is ExitCode.FAILED
    assert worst([ExitCode.GUARD, ExitCode.REFUSED, ExitCode.OK]) is ExitCode.REFUSED


def test_a_guard_stops_it_until_it_is_allowed(desk: Desk) -> None:
    assert desk.sync("run", "--yes").code == 0
    desk.shop.remove("segment <> 'hot'")
    before = len(desk.remote.requests("/batch"))
    for command in (("plan",), ("run", "--yes"), ("run", "--yes", "--json")):
        done = desk.sync(*command)
        assert done.code == ExitCode.GUARD
        assert "--allow shrinking" in done.stdout + done.stderr
    assert len(desk.remote.requests("/batch")) == before
    allow = ("--allow", "shrinking", "--allow", "downgrades")
    assert desk.sync("plan", *allow).code == 0
    assert desk.sync("run", "--yes", *allow).code == 0
    assert desk.has_all()


def test_rows_that_are_refused_are_listed_and_tried_again(desk: Desk) -> None:
    contact = desk.shop.contact(4)
    desk.remote.poison(contact["contact_id"], "is not valid", "email")
    done = desk.sync("run", "--yes")
    assert done.code == ExitCode.FAILED
    assert "intent sync rejected people" in done.stdout
    done = desk.sync("rejected")
    assert contact["contact_id"][:8] in done.stdout
    assert contact["email"] not in done.stdout
    [row] = desk.sync("rejected", "--json").json["rejected"]
    assert row["row_id"] == contact["contact_id"]
    assert row["tries"] == 1
    desk.remote.heal(contact["contact_id"])
    # Its time has not come yet.
    [run] = desk.sync("run", "--yes", "--json").json["runs"]
    assert run["planned"] == run["skipped"] > 0
    assert desk.sync("retry", "--yes").code == 0
    assert desk.has_all()
    assert "No row is refused" in desk.sync("rejected").stdout


def test_at_the_days_quota_the_rest_is_deferred_and_resumed(desk: Desk) -> None:
    desk.write(enabled=True, rows_at_once=10, requests_a_day=3)
    done = desk.sync("run", "--yes", "--json")
    assert done.code == ExitCode.DEFERRED
    [run] = done.json["runs"]
    assert run["acknowledged"] + run["deferred"] == 30
    assert run["acknowledged"] > 0
    assert run["deferred"] >= 10
    done = desk.sync("status")
    assert run["run_id"] in done.stdout
    assert "the day's quota" in done.stdout
    desk.write(enabled=True)
    # The warehouse is not needed for it.
    desk.shop.warehouse.rename(desk.shop.folder / "away.duckdb")
    [run] = desk.sync("resume", "--json").json["runs"]
    assert run["exit_code"] == 0
    assert len(desk.remote.records()) == 30
    assert "Nothing is unfinished: people" in desk.sync("resume").stdout
    assert desk.sync("resume", "--json").json["runs"] == []


def test_a_run_is_taken_back(desk: Desk) -> None:
    assert desk.sync("run", "--yes").code == 0
    before = desk.remote.records()
    desk.shop.change("intent_score = 4.9", "segment = 'cold'")
    [run] = desk.sync("run", "--yes", "--json").json["runs"]
    assert desk.remote.records() != before
    done = desk.sync("rollback", run["run_id"], "--yes", "--json")
    assert done.code == 0
    assert desk.remote.records() == before
    runs = desk.sync("status", "--runs", "9", "--json").json["runs"]
    assert len(runs) == 3
    assert runs[0]["run_id"] == done.json["runs"][0]["run_id"]
    assert runs[0]["finished_at"].endswith("Z")
    assert desk.sync("rollback", "none", "--yes").code == ExitCode.BAD_INPUT


def test_drift_is_told(desk: Desk) -> None:
    assert desk.sync("run", "--yes").code == 0
    done = desk.sync("reconcile")
    assert done.code == 0
    assert "30 of 30" in done.stdout
    number = desk.shop.contact(5)["contact_id"]
    desk.remote.people[number].attributes["intent_segment"] = "lukewarm"
    done = desk.sync("reconcile", "--all", "--json")
    assert done.code == ExitCode.FAILED
    [drift] = done.json["drift"]
    assert (drift["compared"], drift["same"]) == (30, 29)
    assert drift["by_field"] == {"intent_segment": 1}
    assert "another intent_segment" in desk.sync("reconcile", "--all").stdout


# What is in the way ----------------------------------------------------------------


def test_setup_says_what_is_set_and_no_values(desk: Desk) -> None:
    desk.patch.delenv("INTENT_CUSTOMER_IO_SITE_ID")
    desk.patch.delenv("INTENT_CUSTOMER_IO_APP_KEY")
    secret = desk.folder / "app_key"
    secret.write_text(CANARY)
    desk.patch.setenv("INTENT_CUSTOMER_IO_APP_KEY_FILE", str(secret))
    done = desk.sync("setup", "people")
    assert done.code == 0
    found = {
        line.split()[0]: " ".join(line.split()[1:4])
        for line in done.stdout.splitlines()
        if line.startswith("  INTENT_")
    }
    assert found["INTENT_CUSTOMER_IO_SITE_ID"].startswith("missing")
    assert found["INTENT_CUSTOMER_IO_API_KEY"].startswith("set")
    assert found["INTENT_CUSTOMER_IO_APP_KEY"].startswith("set, in a")
    told = done.stdout + desk.sync("setup", "people", "--json").stdout
    assert not any(secret in told for secret in SECRETS)


def test_check_says_that_all_is_well(desk: Desk) -> None:
    done = desk.sync("check")
    assert done.code == 0
    assert "people: can be sent" in done.stdout
    assert desk.sync("check", "--json").json["checks"][0]["ok"] is True


@pytest.mark.parametrize("command", [("check",), ("run", "--yes")])
def test_refused_credentials_have_a_code_of_their_own(
    desk: Desk, command: tuple[str, ...]
) -> None:
    desk.patch.setenv("INTENT_CUSTOMER_IO_API_KEY", CANARY)
    done = desk.sync(*command)
    assert done.code == ExitCode.REFUSED
    assert CANARY not in done.stdout + done.stderr


def test_missing_settings_are_named(desk: Desk) -> None:
    desk.patch.delenv("INTENT_CUSTOMER_IO_API_KEY")
    for command in (("check",), ("run", "--yes"), ("run", "--yes", "--json")):
        done = desk.sync(*command)
        assert done.code == ExitCode.BAD_INPUT
        assert "INTENT_CUSTOMER_IO_API_KEY: is missing" in done.stderr
        assert SITE_ID not in done.stderr
    assert done.json["runs"] == []


def test_an_unreachable_destination_is_told(desk: Desk) -> None:
    desk.patch.setenv("INTENT_CUSTOMER_IO_URL", "http://127.0.0.1:9")
    done = desk.sync("check")
    assert done.code == ExitCode.UNAVAILABLE
    assert "Traceback" not in done.stderr


HOLD = """
import sys, duckdb
held = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def hold(file: Path) -> subprocess.Popen[str]:
    """Another process that has a database open."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def let_go(process: subprocess.Popen[str]) -> None:
    process.communicate("")


@pytest.mark.parametrize("what", ["warehouse", "ledger"])
def test_what_is_locked_is_told_or_waited_for(desk: Desk, what: str) -> None:
    assert desk.sync("run", "--yes").code == 0
    file = desk.shop.warehouse if what == "warehouse" else desk.shop.ledger
    holder = hold(file)
    done = desk.sync("run", "--yes", "--json")
    assert done.code == ExitCode.UNAVAILABLE
    [fault] = done.json["faults"]
    assert what in fault["error"]
    assert "--wait" in fault["error"]
    waiter = intent(desk, "sync", "run", "--yes", "--wait", "30")
    time.sleep(1.5)
    let_go(holder)
    waiter.communicate(timeout=30)
    assert waiter.returncode == 0


def test_what_all_fail_by_is_told_once(desk: Desk) -> None:
    desk.write("twin")
    assert desk.sync("run", "people", "--yes").code == 0
    holder = hold(desk.shop.ledger)
    done = desk.sync("rejected")
    let_go(holder)
    assert done.code == ExitCode.UNAVAILABLE
    assert "Error: people, twin: The ledger" in done.stderr
    assert done.stderr.count("Error") == 1
    assert "No row is refused" not in done.stdout


def test_a_ledger_of_another_version_is_refused(desk: Desk) -> None:
    assert desk.sync("run", "--yes").code == 0
    with duckdb.connect(desk.shop.ledger) as ledger:
        ledger.execute("alter table runs drop column reason")
    done = desk.sync("run", "--yes")
    assert done.code == ExitCode.UNAVAILABLE
    assert "another version" in done.stderr


def test_status_tells_what_was_before_while_a_sync_runs(desk: Desk) -> None:
    assert "Nothing was sent yet" in desk.sync("status").stdout
    assert desk.sync("run", "--yes").code == 0
    before = desk.sync("status", "--json").json["runs"]
    holder = hold(desk.shop.ledger)
    done = desk.sync("status", "--json")
    assert done.code == 0
    assert done.json["runs"] == before
    assert "A sync runs now" in done.stderr
    assert before[0]["run_id"] in desk.sync("status").stdout
    let_go(holder)


# Signals ---------------------------------------------------------------------------


def intent(desk: Desk, *arguments: str) -> subprocess.Popen[str]:
    """Start `intent` as a process of its own."""
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("intent")), *arguments],
        cwd=desk.folder,
        env={**os.environ, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def sent_some(desk: Desk) -> None:
    """Wait until the remote has some of the rows."""
    deadline = time.monotonic() + 30
    while len(desk.remote.records()) < 20:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_stopped_ends_in_good_order(
    desk: Desk, number: signal.Signals
) -> None:
    desk.shop.add(1970)
    desk.write(enabled=True, rows_at_once=10)
    desk.remote.latency = 0.3
    process = intent(desk, "sync", "run", "--yes", "--json")
    sent_some(desk)
    process.send_signal(number)
    started = time.monotonic()
    stdout, stderr = process.communicate(timeout=30)
    assert time.monotonic() - started < 5
    assert process.returncode == ExitCode.DEFERRED, stderr
    assert "Traceback" not in stderr
    [run] = json.loads(stdout)["runs"]
    assert run["state"] == "stopped"
    assert run["deferred"] > 0
    assert run["acknowledged"] + run["deferred"] + run["in_doubt"] == run["planned"]
    assert len(desk.remote.records()) >= run["acknowledged"] >= 20
    desk.remote.latency = 0.0
    assert desk.sync("resume").code == 0
    assert desk.has_all()


def test_a_run_that_is_killed_is_made_good_by_the_next(desk: Desk) -> None:
    desk.shop.add(1970)
    desk.write(enabled=True, rows_at_once=10)
    desk.remote.latency = 0.3
    process = intent(desk, "sync", "run", "--yes")
    sent_some(desk)
    process.kill()
    process.communicate()
    assert "died" in desk.sync("plan").stdout
    assert "died" in desk.sync("status").stdout
    desk.remote.latency = 0.0
    assert desk.sync("run", "--yes").code == 0
    assert desk.has_all()


@pytest.mark.parametrize("path", ["/batch", "/account"])
def test_a_remote_that_hangs_does_not_keep_a_run_from_stopping(
    desk: Desk, path: str
) -> None:
    desk.remote.faults.add(APPLY_HANG, path=path)
    process = intent(desk, "sync", "run", "--yes", "--json")
    deadline = time.monotonic() + 30
    while not desk.remote.requests(path):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    stdout, stderr = process.communicate(timeout=100)
    assert time.monotonic() - started < 15, stderr
    assert process.returncode == ExitCode.DEFERRED
    if path == "/batch":
        [run] = json.loads(stdout)["runs"]
        assert run["deferred"] + run["in_doubt"] == run["planned"] == 30
    else:
        assert "stopped before anything was sent" in stderr
    assert desk.sync("run", "--yes").code == 0
    assert desk.has_all()


@pytest.mark.parametrize("width", ["80", "120"])
def test_tables_fit_the_terminal(
    desk: Desk, width: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("salesforce_opportunities", mode="update_only", enabled=True)
    monkeypatch.setenv("COLUMNS", width)
    desk.remote.poison(desk.shop.contact(1)["contact_id"])
    plan = desk.sync("plan").stdout
    run = desk.sync("run", "--yes").stdout
    listed = desk.sync("rejected").stdout
    tables = plan + run.partition("people:")[0] + listed
    assert max(map(len, tables.splitlines())) <= int(width)
    status = desk.sync("status", "--runs", "9").stdout
    head, *rows = status.splitlines()
    assert len(head) <= int(width)
    assert head.split()[-1] == "took"
    [_, last] = desk.sync("status", "--json").json["runs"]
    # The name of a run may be folded, but it is whole.
    folded = "".join(row.split()[0] for row in rows)
    assert last["run_id"] in folded
    assert "people: refused invalid 1" in status
    assert "salesforce_opportunities: skipped: not there 1" in status


def test_a_run_for_which_nobody_has_a_key_says_so(desk: Desk) -> None:
    fields = {"intent_segment": {"column": "segment", "trigger": True}}
    match = {"field": "email", "column": "email"}
    desk.write(match=match, fields=fields, enabled=True)
    desk.shop.change("email = null")
    assert "none of 30 has a match key" in desk.sync("run", "--yes").stdout
    [run] = desk.sync("status", "--json").json["runs"]
    assert (run["planned"], run["without_key"]) == (0, 30)
