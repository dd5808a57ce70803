"""No word of a person, and no secret, is in anything that syncs write or say.

Each contact has words of its own that are nowhere else, and answers that go wrong
repeat all that was sent, with its headers. Only the ledger may know people, in the
columns that hold what is sent, and the files that are exported. Our own ids of
contacts, which are hashes, name rows in what is told of refused rows, and nowhere else.
"""

import io
import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from intent import cli
from intent.sync import retry
from standins import faults, find_cases
from standins.case import Case
from standins.kit import Answer, Call, Logged
from sync_shop import PROJECT, SyncShop
from sync_stage import Stage, set_stage

CASES = {case.name: case for case in find_cases()}
NAMES = (
    "braze",
    "connectif",
    "customer_io",
    "eloqua",
    "hubspot",
    "klaviyo",
    "marketo",
    "pardot",
    "salesforce",
    "salesmanago",
    "webhook",
)
CANARY = "zyxwcanary"
KNOWS_PEOPLE = {"match_key", "payload", "before"}
"""Columns of the ledger, besides those of acknowledged values."""


@dataclass
class Booth:
    """A stage, a terminal, and all that was ever said on it."""

    stage: Stage
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch
    secrets: set[str]
    said: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)

    def sync(self, *arguments: str) -> str:
        """Type `intent sync ...`, and keep what it says."""
        self.capture.readouterr()
        self.patch.setattr(sys, "stdin", io.StringIO())
        self.patch.setattr(sys, "argv", ["intent", "sync", *arguments])
        name, code = f"{len(self.said)} {' '.join(arguments)}", 0
        try:
            cli.main()
        except SystemExit as left:
            code = int(left.code or 0)
        told = self.capture.readouterr()
        self.said[name] = told.out + told.err
        self.codes[name] = code
        return told.out

    def both(self, *arguments: str) -> None:
        """Type a command for people, and for machines."""
        self.sync(*arguments)
        self.sync(*arguments, "--json")

    @property
    def name(self) -> str:
        return self.stage.case.sync

    def contact_ids(self) -> set[str]:
        """Our ids of contacts."""
        found = self.stage.shop.rows("select contact_id from intent.contact_intent")
        return {row["contact_id"] for row in found}


@pytest.fixture
def booth(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Booth]:
    case: Case = request.param
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.01)
    project = tmp_path / "project"
    (project / "syncs").mkdir(parents=True)
    (project / "dbt_project.yml").touch()
    monkeypatch.chdir(project)
    with set_stage(case, tmp_path / "shop", monkeypatch) as stage:
        settings = case.settings(stage.remote.url)
        write_sync(project / "syncs" / f"{case.sync}.yml", case)
        name_people(stage.shop)
        yield Booth(stage, capsys, monkeypatch, secrets_of(settings))


def write_sync(file: Path, case: Case) -> None:
    """Write the sync's file, with what the case has otherwise."""
    text = (PROJECT / "syncs" / f"{case.sync}.yml").read_text(encoding="utf-8")
    content = {**yaml.safe_load(text), **case.changes, "rows_at_once": 5}
    if case.name == "marketo":
        content["options"] = {**content["options"], "settle_seconds": 0.05}
    file.write_text(yaml.safe_dump(json.loads(json.dumps(content))), encoding="utf-8")


def name_people(shop: SyncShop) -> None:
    """Give each contact words of its own."""
    shop.change(
        f"email = '{CANARY}.' || row_number || '@{CANARY}.example',"
        f" top_interest = '{CANARY} Ünïque ' || row_number || ' <b>&',"
        f" top_driver_2 = '+49 30 {CANARY} ' || row_number"
        " from (select contact_id as numbered, row_number() over () as row_number"
        " from intent.contact_intent) as numbers",
        "contact_id = numbered",
    )


def secrets_of(settings: Mapping[str, str]) -> set[str]:
    """The values that nobody may see."""
    secret = re.compile("TOKEN|SECRET|KEY")
    return {value for name, value in settings.items() if secret.search(name)}


def echo(case: Case, call: Call) -> Answer:
    """An answer of each destination's kind that repeats the whole request."""
    words = f"{dict(call.headers)} {call.query} " + call.body.decode(errors="replace")
    words = f"Value {words[:3_000]} is not valid"
    bodies: Mapping[str, Any] = {
        "braze": {"message": words, "errors": [{"type": words, "index": 0}]},
        "connectif": {"status": 400, "title": "Bad Request", "detail": words},
        "customer_io": {"errors": [{"reason": "x", "field": "", "message": words}]},
        "eloqua": [{"type": "ObjectValidationError", "property": words}],
        "hubspot": {"status": "error", "category": "X", "message": words},
        "klaviyo": {"errors": [{"code": "x", "detail": words}]},
        "marketo": {"success": False, "errors": [{"code": "1003", "message": words}]},
        "pardot": {"code": 600, "message": words},
        "salesforce": [{"errorCode": "INVALID_FIELD", "message": words}],
        "salesmanago": {"success": False, "message": [words]},
        "webhook": {"error": words},
    }
    status = 200 if case.name in ("marketo", "salesmanago") else 400
    return Answer(status, bodies[case.name])


def let_answers_echo(
    booth: Booth, nth: Mapping[int, int | None], always: str = ""
) -> None:
    """Let some requests that write be answered by what was sent.

    Args:
        booth: where.
        nth: the number of a request, and the status.
        always: a key; each request about it alone is answered so.
    """
    remote, case, seen = booth.stage.remote, booth.stage.case, 0
    answer = remote._answer

    def echoed(call: Call, logged: Logged) -> Answer:
        nonlocal seen
        keys = set(remote.keys(call))
        if remote.authorise(call) or not keys:
            return answer(call, logged)
        seen += 1
        if seen not in nth and keys != {always}:
            return answer(call, logged)
        made = echo(case, call)
        return Answer(nth.get(seen) or made.status, made.body)

    booth.patch.setattr(remote, "_answer", echoed)


def over(*names: str) -> pytest.MarkDecorator:
    cases = [CASES[name] for name in names]
    return pytest.mark.parametrize("booth", cases, ids=str, indirect=True)


@over(*NAMES)
def test_17_nobody_is_named_anywhere(
    booth: Booth, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stage, name = booth.stage, booth.name
    for number in (1, 2):
        contact = stage.shop.contact(number)
        why = f"{contact['email']} of {contact['top_interest']} exists already"
        named = stage.field("top_interest") if number == 1 else ""
        stage.remote.poison(stage.key(number), why, named)
    booth.both("check", name)
    booth.both("plan", name)
    booth.both("setup", name)
    let_answers_echo(booth, {1: None, 2: 500, 3: 413}, stage.key(4))
    stage.remote.poison(stage.key(4))
    first = booth.sync("run", name, "--yes", "--json")
    run_id = json.loads(first)["runs"][0]["run_id"]
    booth.both("rejected", name)
    booth.both("retry", name, "--yes")
    booth.both("status")
    booth.both("reconcile", name, "--all")
    stage.shop.change("segment = 'cold', intent_score = 0.2")
    let_answers_echo(booth, {1: 403, 2: 403})
    booth.both("run", name, "--yes", "--allow", "downgrades")
    booth.both("resume", name)
    booth.both("rollback", run_id, "--yes")
    stage.remote.faults.add(faults.APPLY_DROP, times=4)
    booth.both("run", name, "--yes", "--allow", "downgrades")
    stage.shop.change("intent_score = 77", f"email = '{CANARY}.3@{CANARY}.example'")
    booth.both("run", name, "--yes")
    stage.shop.change("intent_score = 1", "intent_score = 77")
    stage.shop.change(f"email = '{CANARY}@twice.example'", "segment = 'cold'")
    booth.both("run", name, "--yes", "--allow", "shrinking")
    booth.both("rejected", name)
    stage.remote.revoke()
    booth.both("run", name, "--yes")
    booth.both("check", name)
    stage.remote.pause()
    booth.both("run", name, "--yes")
    stage.remote.go_on()
    assert set(booth.codes.values()) >= {0, 1, 3, 4, 5}, booth.codes
    assert "***" in booth.said[f"7 rejected {name}"]
    hidden = booth.secrets | issued(stage)
    assert_said(booth, hidden)
    assert_logged(caplog, booth, hidden)
    assert_asked(booth, hidden)
    assert_written(stage, hidden)


def issued(stage: Stage) -> set[str]:
    """All tokens that were in use, and signatures in bodies."""
    values = [one.headers.get("authorization", "") for one in stage.remote.log]
    tokens = {value.rpartition(" ")[2] for value in values if len(value) > 12}
    return tokens | getattr(stage.remote, "signatures", set())


def assert_clean(text: str, hidden: set[str], where: str) -> None:
    """No canary and no secret is in a text."""
    found = re.search(CANARY, text, re.IGNORECASE)
    around = text[max(0, found.start() - 200) : found.end() + 80] if found else ""
    assert not found, f"{where}: ...{around}"
    assert not [secret for secret in hidden if secret in text], where


def assert_said(booth: Booth, hidden: set[str]) -> None:
    assert booth.said
    for command, text in booth.said.items():
        assert "Traceback" not in text, command
        assert_clean(text, hidden, command)
        if not re.search("rejected|reconcile", command):
            assert not [each for each in booth.contact_ids() if each in text], command


def assert_logged(
    caplog: pytest.LogCaptureFixture, booth: Booth, hidden: set[str]
) -> None:
    assert_clean(caplog.text, hidden, "the log")
    assert not [each for each in booth.contact_ids() if each in caplog.text]


def assert_asked(booth: Booth, hidden: set[str]) -> None:
    """Addresses end up in the logs of proxies and of the destinations."""
    contact_ids = booth.contact_ids()
    for one in booth.stage.remote.log:
        if booth.stage.case.names_in_path and one.method == "GET":
            continue
        address = f"{one.path} {dict(one.query)}"
        if booth.stage.case.names_in_path:
            address = re.sub(r"^/contacts/[^/ ]+", "", address)
        assert_clean(address, hidden, "an address")
        assert not [each for each in contact_ids if each in address]


def assert_written(stage: Stage, hidden: set[str]) -> None:
    """Files that were written, and the ledger."""
    ours = {stage.shop.warehouse, stage.shop.ledger}
    files = [
        file
        for folder in (stage.shop.folder, Path.cwd())
        for file in folder.rglob("*")
        if file.is_file() and file not in ours and file.parent.name != "syncs"
    ]
    assert [file for file in files if file.suffix == ".parquet"]
    for file in files:
        content = file.read_bytes()
        assert CANARY.encode() not in content.lower(), file
        assert not [secret for secret in hidden if secret.encode() in content], file
        if file.suffix == ".parquet":
            with duckdb.connect() as connection:
                rows = connection.execute(f"from '{file}'").fetchall()
            assert_clean(repr(rows), hidden, file.name)
    content = stage.shop.ledger.read_bytes()
    assert not [secret for secret in hidden if secret.encode() in content]
    with duckdb.connect(stage.shop.ledger, read_only=True) as ledger:
        for (table,) in ledger.execute("show tables").fetchall():
            columns = ledger.execute(f'describe "{table}"').fetchall()
            names = [column[0] for column in columns]
            rows = ledger.execute(f'from "{table}"').fetchall()
            for name, values in zip(names, zip(*rows, strict=True), strict=False):
                text = repr(values)
                assert not [secret for secret in hidden if secret in text]
                if name not in KNOWS_PEOPLE and not name.startswith("field:"):
                    assert_clean(text, hidden, f"{table}.{name}")
