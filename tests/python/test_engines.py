"""Other engines say the same as DuckDB: a full build, then three incremental ones.

Run by `make test-engines`, which installs each engine into `.engines/<name>`.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import PROJECT, Shop
from engines import servers
from engines.golden import SLICES, land_golden
from engines.parity import Table, differences
from intent.demo import DemoSpec, write_demo_feeds
from test_incremental import land_slice

pytestmark = pytest.mark.engines

DEMO = DemoSpec(contacts=60, days=90, until=date(2026, 7, 1), seed=5)
# The demo comes in five slices; the first two are there from the beginning.
CLOCKS = ("2026-06-28", "2026-06-29", "2026-06-30", "2026-07-01")
SCHEMA = "intent"


@dataclass
class Engine:
    """An engine with its programs, and by which variables they find it."""

    name: str
    environment: dict[str, str]
    shop: Shop

    def run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the engine's own virtual environment."""
        program, *arguments = command
        return subprocess.run(
            [str(PROJECT / ".engines" / self.name / "bin" / program), *arguments],
            env={
                **self.shop.environment,
                **self.environment,
                "DBT_TARGET_PATH": str(self.shop.folder / self.name),
                **more,
            },
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )

    def move(self) -> None:
        """Copy what is new of the landing folder."""
        # What dbt read of the project for one target it can't use for another.
        read = str(self.shop.folder / "moved")
        moved = self.run("intent", "move", "--to", self.name, DBT_TARGET_PATH=read)
        assert moved.returncode == 0, moved.stdout + moved.stderr

    def build(self, as_of: str, *arguments: str) -> None:
        """Build and test everything."""
        done = self.dbt(as_of, *arguments)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr

    def dbt(self, as_of: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Build and test, whatever comes of it."""
        told = json.dumps({"intent_as_of": as_of})
        return self.run(
            *("dbt", "build", "--quiet", "--target", self.name, "--vars", told),
            *("--exclude-resource-type", "unit_test"),
            *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
            *arguments,
        )

    def table(self, name: str) -> Table:
        """All rows of a mart."""
        import psycopg2  # noqa: PLC0415 - only here where the engine is

        with (
            psycopg2.connect(
                host=self.environment["PGHOST"],
                port=self.environment["PGPORT"],
                user=self.environment["PGUSER"],
                dbname=self.environment["PGDATABASE"],
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"select * from {SCHEMA}.{name}")
            columns = [(each.name, each.type_code) for each in cursor.description]
            return Table(
                [column for column, _ in columns],
                frozenset(column for column, code in columns if code == 701),
                cursor.fetchall(),
            )


def marts(shop: Shop) -> list[str]:
    """The names of the public marts, as dbt built them."""
    manifest = json.loads((shop.folder / "target" / "manifest.json").read_text())
    return sorted(
        node["alias"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["access"] == "public"
    )


def duckdb_table(shop: Shop, name: str) -> Table:
    """All rows of a mart on DuckDB."""
    with duckdb.connect(str(shop.warehouse), read_only=True) as connection:
        cursor: Any = connection.execute(f"select * from intent.{SCHEMA}.{name}")
        columns = [(each[0], str(each[1])) for each in cursor.description]
        return Table(
            [column for column, _ in columns],
            frozenset(
                column for column, kind in columns if kind in ("DOUBLE", "FLOAT")
            ),
            cursor.fetchall(),
        )


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """PostgreSQL with nothing in it."""
    stop_unless_installed("postgres")
    shop = Shop(tmp_path_factory.mktemp("postgres"))
    # The server's own user must reach its folder.
    with servers.temporary_folder() as folder:
        try:
            with servers.postgres(folder / "server") as environment:
                yield Engine("postgres", environment, shop)
        except servers.NotInstallableError as error:
            pytest.skip(f"engine postgres: {error}")


def stop_unless_installed(name: str) -> None:
    """Skip the test, by the engine's name, if the engine is not to be tested."""
    if name in os.environ.get("SKIP_ENGINES", "").replace(",", " ").split():
        pytest.skip(f"engine {name}: skipped by SKIP_ENGINES")
    if not (PROJECT / ".engines" / name / "installed").exists():
        pytest.skip(f"engine {name}: not installed in .engines/{name}")


def test_every_mart_is_the_same_after_each_build(
    postgres: Engine, tmp_path: Path
) -> None:
    write_demo_feeds(tmp_path / "whole", DEMO)
    shop = postgres.shop
    land_slice(tmp_path / "whole", shop.landing, 1)
    for part, as_of in enumerate(CLOCKS, start=1):
        land_slice(tmp_path / "whole", shop.landing, part + 1)
        land_golden(shop.landing, part)
        postgres.move()
        tested = () if part in (1, SLICES) else ("--exclude-resource-type", "test")
        with ThreadPoolExecutor() as aside:
            built = aside.submit(postgres.build, as_of, *tested)
            shop.build(as_of, "--write-json", "--exclude-resource-type", "test")
            built.result()
        found = {
            name: differences(duckdb_table(shop, name), postgres.table(name))
            for name in marts(shop)
        }
        assert {name: lines for name, lines in found.items() if lines} == {}, as_of
        assert duckdb_table(shop, "contact_scores").rows
    assert part == SLICES


def test_a_build_that_was_killed_is_made_good_by_the_next(postgres: Engine) -> None:
    before = postgres.table("contact_intent")
    program = PROJECT / ".engines" / postgres.name / "bin" / "dbt"
    told = json.dumps({"intent_as_of": CLOCKS[-1]})
    with subprocess.Popen(
        [str(program), "build", "--target", postgres.name, "--vars", told],
        env={
            **postgres.shop.environment,
            **postgres.environment,
            "DBT_TARGET_PATH": str(postgres.shop.folder / postgres.name),
        },
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "OK created sql incremental model" in line:
                process.kill()
                break
    assert process.returncode != 0
    postgres.build(CLOCKS[-1])
    assert differences(before, postgres.table("contact_intent")) == []


def test_nothing_is_copied_twice(postgres: Engine) -> None:
    moved = postgres.run("intent", "move", "--to", "postgres", "--json")
    assert set(json.loads(moved.stdout).values()) == {0}


def test_an_engine_that_is_down_is_told_of(postgres: Engine) -> None:
    port = str(servers.free_port())
    moved = postgres.run("intent", "move", "--to", "postgres", PGPORT=port)
    assert moved.returncode == 4
    assert "PostgreSQL can't be reached" in moved.stderr
    assert "Traceback" not in moved.stderr


def test_wrong_credentials_are_told_of(postgres: Engine) -> None:
    moved = postgres.run("intent", "move", "--to", "postgres", PGUSER="nobody")
    assert moved.returncode == 4
    assert "PGUSER" in moved.stderr


def test_an_unknown_engine_is_told_of(postgres: Engine) -> None:
    moved = postgres.run("intent", "move", "--to", "oracle")
    assert moved.returncode == 3
    assert "There are: postgres" in moved.stderr
