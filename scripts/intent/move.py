"""Copies the raw tables from the landing folder to the team's engine."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import duckdb

from intent.contracts import Contract, read_contracts
from intent.dbt import run_dbt
from intent.errors import BadInputError, UnavailableError
from intent.settings import Places
from intent.warehouse import open_warehouse

RAW_SCHEMA = "raw"
ADDED = ("source_file", "malformed_columns")
"""The columns that the landing folder adds to those of the contracts."""


@dataclass(frozen=True)
class RawTable:
    """A raw table: its name, and its columns with their types, by name."""

    name: str
    columns: dict[str, str]


class Engine(Protocol):
    """Where raw tables are copied to; all of it comes to be, or nothing."""

    def make(self, table: RawTable) -> None:
        """Make the table if it is not there."""

    def files(self, table: RawTable) -> set[str]:
        """The files whose rows the table has."""

    def add(self, table: RawTable, rows: Path) -> int:
        """Add the rows of a CSV file, and return how many they are."""

    def empty(self, table: RawTable) -> None:
        """Take all rows out of the table."""


def move(places: Places, engine_name: str, anew: bool) -> dict[str, int]:
    """Copy the rows of files that the engine has not; return how many, by table.

    Raises:
        BadInputError: there is no such engine, or a landed file can't be used.
        UnavailableError: the engine can't be reached, or refuses.
    """
    if engine_name not in ENGINES:
        raise BadInputError(
            f"--to: there is no way to {engine_name}. There are: {', '.join(ENGINES)}."
        )
    run_dbt(
        places,
        ["run-operation", "open_landing", "--args", "{takes_all_for_new: true}"],
    )
    contracts = read_contracts(places.staging)
    tables = [raw_table(each) for each in contracts.values() if each.feed != "sync"]
    with (
        ENGINES[engine_name]() as engine,
        open_warehouse(places.warehouse, RAW_SCHEMA) as source,
    ):
        source.execute("set TimeZone = 'UTC'")
        return {table.name: copy(source, table, engine, anew) for table in tables}


def raw_table(contract: Contract) -> RawTable:
    """The raw table of a contract, as it stands in the schema of raw tables."""
    columns: dict[str, str] = {each.name: each.data_type for each in contract.columns}
    columns |= dict.fromkeys(ADDED, "text")
    return RawTable(f"{contract.feed}_{contract.table}", columns)


def copy(
    source: duckdb.DuckDBPyConnection, table: RawTable, engine: Engine, anew: bool
) -> int:
    """Copy one table's rows of the files that are not there yet."""
    engine.make(table)
    if anew:
        engine.empty(table)
    there = set() if anew else engine.files(table)
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.csv"
        names = ", ".join(f'"{name}"' for name in table.columns)
        # A file is copied whole or not at all, so its name tells.
        source.execute(
            f"copy (select {names} from {table.name}"
            " where not list_contains($there, source_file))"
            f" to '{rows}' (format csv, header false, nullstr '\\N')",
            {"there": sorted(there)},
        )
        return engine.add(table, rows)


class Postgres:
    """PostgreSQL, in the one transaction of a connection of psycopg2."""

    types: ClassVar = {
        "text": "text",
        "timestamp": "timestamp",
        "boolean": "boolean",
        "double": "double precision",
        "bigint": "bigint",
    }

    def __init__(self, cursor: Any) -> None:
        """Write by a cursor, which its caller commits."""
        self.cursor = cursor
        self.cursor.execute(f"create schema if not exists {RAW_SCHEMA}")

    def make(self, table: RawTable) -> None:
        """Make the table if it is not there."""
        columns = ", ".join(f'"{n}" {self.types[t]}' for n, t in table.columns.items())
        self.cursor.execute(
            f"create table if not exists {RAW_SCHEMA}.{table.name} ({columns})"
        )

    def files(self, table: RawTable) -> set[str]:
        """The files whose rows the table has."""
        self.cursor.execute(
            f"select distinct source_file from {RAW_SCHEMA}.{table.name}"
        )
        return {file for (file,) in self.cursor.fetchall()}

    def add(self, table: RawTable, rows: Path) -> int:
        """Add the rows of a CSV file, and return how many they are."""
        with rows.open("rb") as lines:
            self.cursor.copy_expert(
                f"copy {RAW_SCHEMA}.{table.name} from stdin (format csv, null '\\N')",
                lines,
            )
        return int(self.cursor.rowcount)

    def empty(self, table: RawTable) -> None:
        """Take all rows out of the table."""
        self.cursor.execute(f"delete from {RAW_SCHEMA}.{table.name}")


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Open PostgreSQL, which the variables of libpq name, such as PGHOST."""
    try:
        import psycopg2  # noqa: PLC0415 - only who has the extra has it
    except ImportError as error:
        raise UnavailableError(
            "PostgreSQL's driver is not installed. Install it: "
            "pip install 'intent-scoring[postgres]'."
        ) from error
    try:
        connection = psycopg2.connect("")
        try:
            with connection, connection.cursor() as cursor:
                yield Postgres(cursor)
        finally:
            connection.close()
    except psycopg2.OperationalError as error:
        raise UnavailableError(
            f"PostgreSQL can't be reached: {error}".strip()
            + ". Is it up, and do PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE "
            "name it?"
        ) from error
    except psycopg2.errors.InsufficientPrivilege as error:
        raise UnavailableError(
            f"PostgreSQL's user may not write the schema {RAW_SCHEMA}: "
            f"{error.diag.message_primary}. Grant it, or make the schema for this user."
        ) from error
    except psycopg2.Error as error:
        # Its details quote values of rows.
        raise UnavailableError(
            f"PostgreSQL refused the rows: {error.diag.message_primary}. "
            "Nothing was copied."
        ) from error


ENGINES = {"postgres": postgres}
