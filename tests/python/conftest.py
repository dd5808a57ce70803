"""What the tests share: shops with landing folders and warehouses built by dbt."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from intent.demo import DemoSpec, write_demo_feeds
from intent.warehouse import open_warehouse

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

Row = dict[str, Any]


@dataclass
class Shop:
    """A landing folder and the warehouse that dbt builds from it."""

    folder: Path
    project: Path = PROJECT

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    @property
    def warehouse(self) -> Path:
        return self.folder / "intent.duckdb"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "INTENT_LANDING": str(self.landing),
            "INTENT_DUCKDB_PATH": str(self.warehouse),
            "INTENT_PUBLISHED": str(self.folder / "published"),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
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
        return self.run(command)

    def intent(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the `intent` command as a user would."""
        return self.run([str(Path(sys.executable).with_name("intent")), *arguments])

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.environment,
            cwd=self.project,
            capture_output=True,
            text=True,
            check=False,
        )

    def build(self, as_of: str, *arguments: str, **variables: Any) -> None:
        """Build everything with dbt; a failure is the test's failure."""
        done = self.dbt(
            "build",
            "--exclude-resource-type",
            "unit_test",
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


def copy_project(folder: Path) -> Path:
    """A copy of the dbt project whose seeds and models a test may change."""
    parts = ("analyses", "models", "macros", "seeds", "tests/generic", "tests/singular")
    for name in parts:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / name)
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


@pytest.fixture(scope="session")
def demo_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A demo shop, built as of its end. Read it; copy it to change it."""
    demo = Shop(tmp_path_factory.mktemp("demo"))
    write_demo_feeds(demo.landing, DEMO)
    demo.build(DEMO.until.isoformat())
    return demo
