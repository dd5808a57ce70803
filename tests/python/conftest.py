"""What the tests share: shops with landing folders and warehouses built by dbt."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest
from intent.demo import DemoSpec, write_demo_feeds
from intent.sync.destinations import destination_names
from intent.warehouse import open_warehouse
from parsed import Parsed

PROJECT = Path(__file__).resolve().parents[2]
FEEDS = (
    "web",
    "shop",
    "email",
    "crm",
    "loyalty",
    "reviews",
    "support",
    "surveys",
    "social",
)

DESTINATIONS = tuple(destination_names())

Row = dict[str, Any]

# The keyring of whoever runs the tests stays closed.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"


@dataclass
class Shop:
    """A landing folder and the warehouse that dbt builds from it.

    While dbt runs, every shop goes by one path, so that what it read of the project is
    kept for other shops.
    """

    folder: Path
    project: Path = PROJECT
    parsed: ClassVar[Parsed]
    stand_ins: ClassVar[Path]
    """The folder of the path by which shops go."""

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    @property
    def warehouse(self) -> Path:
        return self.folder / "intent.duckdb"

    @property
    def stand_in(self) -> Path:
        """The path by which the shop goes while a command runs."""
        return self.stand_ins / "shop" if self.folder.is_dir() else self.folder

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "INTENT_LANDING": str(self.landing),
            "INTENT_DUCKDB_PATH": str(self.warehouse),
            "INTENT_PUBLISHED": str(self.folder / "published"),
            "INTENT_LEDGER": str(self.folder / "ledger.duckdb"),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DBT_LOG_LEVEL_FILE": "none",
            "DBT_WRITE_JSON": "false",
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }

    def dbt(
        self, *arguments: str, variables: Mapping[str, Any] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run dbt as a user would; the caller looks at what came of it."""
        command = [str(Path(sys.executable).with_name("dbt")), *arguments]
        command += ["--project-dir", str(self.project)]
        command += ["--profiles-dir", str(self.project)]
        if variables:
            command += ["--vars", json.dumps(dict(variables))]
        return self.run(command, variables)

    def intent(
        self, *arguments: str, text: str | None = None, tested: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run the `intent` command as a user would, who types a text.

        Not `tested`: it builds without the data's tests, which other builds run.
        """
        command = [str(Path(sys.executable).with_name("intent")), *arguments]
        told = {} if tested else {"DBT_RESOURCE_TYPES": "model seed"}
        return self.run(command, variables_of(arguments), text, told)

    def run(
        self,
        command: Sequence[str],
        variables: Mapping[str, Any] | None = None,
        text: str | None = None,
        told: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command that is told more by the environment; dbt has these vars."""
        done = subprocess.run(
            command,
            env={**self.made_ready(command, variables), **(told or {})},
            cwd=self.project,
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        read = self.folder / "target" / "partial_parse.msgpack"
        if read.exists():
            self.parsed.keep(read, self.project, words_of(command), variables or {})
        return done

    def made_ready(
        self, command: Sequence[str], variables: Mapping[str, Any] | None
    ) -> dict[str, str]:
        """The environment of a command in which dbt has these vars."""
        if self.stand_in != self.folder:
            self.stand_in.unlink(missing_ok=True)
            self.stand_in.symlink_to(self.folder)
        environment = self.environment
        environment["INTENT_DUCKDB_PATH"] = str(self.stand_in / self.warehouse.name)
        # A copy of the project is ours, but for the files that a test changed.
        for project in (self.project, PROJECT):
            told = (words_of(command), variables or {})
            if file := self.parsed.lend(project, *told):
                environment["DBT_PARTIAL_PARSE_FILE_PATH"] = str(file)
                break
        return environment

    def build(self, as_of: str, *arguments: str, **variables: Any) -> None:
        """Build everything with dbt; a failure is the test's failure."""
        done = self.dbt(
            *("build", "--quiet", "--exclude-resource-type", "unit_test"),
            *arguments,
            variables={"intent_as_of": as_of, **variables},
        )
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr

    def rows(self, sql: str) -> list[Row]:
        """Query the warehouse."""
        with open_warehouse(self.warehouse) as connection:
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def value(self, sql: str) -> Any:
        """The one value that a query gives."""
        [row] = self.rows(sql)
        [value] = row.values()
        return value

    def accounts(self) -> dict[tuple[str, str], Counter[str]]:
        """What became of the rows of each table that has any."""
        found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        names = ("rows_in", "counted", "duplicates", "superseded", "no_activity")
        for row in self.rows("from feed_accounts where rows_in > 0"):
            found[row["feed"], row["feed_table"]].update({n: row[n] for n in names})
        for row in self.rows(
            "select feed, feed_table, reason, count(*) as row_count"
            " from quarantined_events group by all"
        ):
            reason = f"quarantined:{row['reason']}"
            found[row["feed"], row["feed_table"]][reason] = row["row_count"]
        return {key: +counter for key, counter in found.items()}

    def land(self, table: str, name: str, text: str) -> Path:
        """Land a small text file, such as `land("web/events", "a.csv", "...")`."""
        file = self.landing / table / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def copy_to(self, folder: Path) -> "Shop":
        """A copy of it all, for a test that changes things."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Shop(folder, self.project)


def words_of(command: Sequence[str]) -> str:
    """The command and its subcommand, without its options."""
    return " ".join([Path(command[0]).name, *command[1:2]])


def variables_of(arguments: Sequence[str]) -> dict[str, Any]:
    """The vars that `intent` gives to dbt for its options."""
    words = [word for each in arguments for word in each.split("=", 1)]
    found: dict[str, Any] = {}
    for option, value in pairwise(words):
        if option == "--as-of":
            found["intent_as_of"] = value
        if option == "--sheet":
            found["intent_sheet"] = value
        if option == "--feed":
            found.setdefault("intent_feeds", []).append(value)
        if option in ("--from", "--to", "--grain"):
            found[f"intent_backfill{option}"] = value
    return found


def copy_project(folder: Path) -> Path:
    """A copy of the dbt project whose seeds and models a test may change."""
    for name in ("analyses", "models", "macros", "seeds"):
        shutil.copytree(PROJECT / name, folder / name)
    others = shutil.ignore_patterns("python", "fixtures")
    shutil.copytree(PROJECT / "tests", folder / "tests", ignore=others)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(PROJECT / name, folder / name)
    return folder


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """An empty shop, the project's own rules."""
    return Shop(tmp_path)


@pytest.fixture
def own_shop(tmp_path: Path) -> Shop:
    """An empty shop with a copy of the project, to change its rules."""
    return Shop(tmp_path, copy_project(tmp_path / "project"))


DEMO = DemoSpec(contacts=1000, days=365, until=date(2026, 7, 1), seed=7)
# A shop with some of everything, for tests that don't count on how much there is.
SMALL = DemoSpec(contacts=60, days=90, until=date(2026, 7, 1), seed=5)

# At which midnights the demo shop's scores are held against what came next.
EVALUATED: Mapping[str, Any] = {"last": "2026-06-03", "midnights": 6, "every_days": 28}

# For a build: leave out the data's tests, or of these all but the project's assertions.
UNTESTED = ("--exclude-resource-type", "test")
ASSERTED = ("--exclude", "test_type:generic")


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for all processes that run tests."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


# Files that take longest come first, so that both processes end at about one time.
LONGEST = (
    "test_bad_input",
    "test_forget",
    "test_sync_conformance",
    "test_calibrate",
    "test_sync_faults",
    "test_history",
    "test_connections",
    "test_cli",
    "test_rules_plan",
    "test_recounting",
    "test_publish",
    "test_changes",
    "test_holdout",
    "test_hygiene",
    "test_identity",
    "test_dbt_unit_tests",
    "test_sync_cli",
    "test_sync_audit",
)
# What syncs survive, is shown of destinations that are written to in different ways:
# by batches, by imports, by an event a contact, by jobs. Of all others it is proven.
SHOWN = ("hubspot", "marketo", "customer_io", "salesforce_bulk")
SHOWN_OF_SOME = (
    "test_sync_canary",
    "test_sync_doubt",
    "test_sync_earlier",
    "test_sync_faults",
    "test_sync_invariants",
    "test_sync_kills",
    "test_sync_live",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests in an order, and tell those that are proofs."""
    items.sort(key=lambda item: order_of(item.path.stem))
    of_some: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        if item.path.stem in SHOWN_OF_SOME and not marks & {"faults", "live"}:
            of_some[item.nodeid.partition("[")[0]].append(item)
    for its in of_some.values():
        others = [item for item in its if not is_shown(item)]
        if len(others) < len(its):
            for item in others:
                item.add_marker("proofs")


def order_of(file: str) -> int:
    return LONGEST.index(file) if file in LONGEST else len(LONGEST)


def is_shown(item: pytest.Item) -> bool:
    """Tell if a test is of a destination that is shown, or of none."""
    words = item.nodeid.partition("[")[2].rstrip("]").split("-")
    named = [word for word in words if word.startswith(DESTINATIONS)]
    return not named or any(word.startswith(SHOWN) for word in named)


@pytest.fixture(scope="session", autouse=True)
def _parsed(tmp_path_factory: pytest.TempPathFactory) -> None:
    Shop.stand_ins = tmp_path_factory.mktemp("stand_ins")
    folder = shared_folder(tmp_path_factory) / "parsed"
    folder.mkdir(exist_ok=True)
    Shop.parsed = Parsed(folder)


@pytest.fixture(scope="session")
def demo_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A demo shop, built as of its end, once for all processes that run tests.

    Read it; copy it to change it, and to run dbt on it.
    """
    shared = shared_folder(tmp_path_factory)
    demo, built = Shop(shared / "demo"), shared / "demo_is_built"
    with locked(shared / "demo.lock"):
        if not built.exists():
            write_demo_feeds(demo.landing, DEMO)
            # Tests read what dbt writes of the project.
            demo.build(
                *(DEMO.until.isoformat(), "--write-json"),
                intent_evaluation=dict(EVALUATED),
            )
            # Commands that run dbt on it write over this, without what is evaluated.
            shutil.copy(demo.folder / "target" / "manifest.json", demo.folder)
            built.touch()
    return demo


@pytest.fixture(scope="session")
def changing_shop(demo_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The demo shop's warehouse with what one build has none of.

    All hot contacts were warm the midnight before, and a sync told a tool of them.
    """
    changing = Shop(tmp_path_factory.mktemp("changing"))
    shutil.copy(demo_shop.warehouse, changing.warehouse)
    with duckdb.connect(str(changing.warehouse)) as warehouse:
        warehouse.execute("""
            use intent.intent;
            insert into segment_transitions by name
            select
                contact_id,
                score_model,
                date_trunc('day', as_of) as transitioned_at,
                'warm' as from_segment,
                'hot' as to_segment,
                'new_activity' as cause
            from contact_scores
            where segment = 'hot';
            insert into fct_sync_run by name
            select
                'run' as run_id,
                'hubspot' as sync,
                'hubspot' as destination,
                'done' as state,
                max(as_of) as started_at,
                count(*) as planned
            from segment_hot;
            insert into fct_sync_row by name
            select
                'run' as run_id,
                row_number() over (order by contact_id) as seq,
                'hubspot' as sync,
                contact_id as row_id,
                contact_id,
                'update' as op,
                'acknowledged' as state,
                as_of as decided_at
            from segment_hot;
            insert into sync_rejections by name
            select
                'hubspot' as sync,
                'update' as op,
                'rejected' as state,
                'BAD_EMAIL' as code,
                1 as row_count
        """)
    return changing


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process in at a time."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
