"""Plays the loaders: brings the fixtures' rows into tables of a warehouse."""

from pathlib import Path

import duckdb

FIXTURES = Path(__file__).parents[1] / "fixtures" / "connections"
FIRST, SECOND = "first_sync", "second_sync"

# The rest of what is nested comes as JSON.
NESTED_AS_STRUCTS = {"ga4"}
# Segment's warehouses keep times in UTC without a zone; the others with one.
TIMES_WITHOUT_ZONE = {"segment", "ga4"}
KEYS = ("id", "Id")


def create_loader_tables(warehouse: Path, connection: str, schema: str) -> None:
    """Make the tables of a connection in a schema, and fill them by its first sync."""
    with duckdb.connect(str(warehouse)) as database:
        database.execute("set TimeZone = 'UTC'")
        database.execute(f"create schema if not exists {schema}")
        for file in sorted((FIXTURES / connection / FIRST).glob("*.ndjson")):
            syncs = [file, FIXTURES / connection / SECOND / file.name]
            table = f"{schema}.{quoted(file.stem)}"
            rows = rows_of([sync for sync in syncs if sync.exists()], connection)
            database.execute(f"create table {table} as select * from {rows} limit 0")
            if connection not in TIMES_WITHOUT_ZONE:
                give_zones(database, table)
            load(database, table, file, connection)


def sync_again(warehouse: Path, connection: str, schema: str) -> None:
    """Bring the second sync: new rows, and rows in the place of those of their id."""
    with duckdb.connect(str(warehouse)) as database:
        database.execute("set TimeZone = 'UTC'")
        for file in sorted((FIXTURES / connection / SECOND).glob("*.ndjson")):
            load(database, f"{schema}.{quoted(file.stem)}", file, connection)


def load(
    database: duckdb.DuckDBPyConnection, table: str, file: Path, connection: str
) -> None:
    """Insert a file's rows; those of the same id are replaced."""
    rows = rows_of([file], connection)
    columns = [row[0] for row in database.execute(f"describe {table}").fetchall()]
    if key := next((key for key in KEYS if key in columns), None):
        database.execute(
            f"delete from {table} where {key} in (select {key} from {rows})"
        )
    database.execute(f"insert into {table} by name select * from {rows}")


def give_zones(database: duckdb.DuckDBPyConnection, table: str) -> None:
    """Make the times of a table times with a zone."""
    for name, kind, *_ in database.execute(f"describe {table}").fetchall():
        if kind == "TIMESTAMP":
            database.execute(
                f"alter table {table} alter {quoted(name)} type timestamptz"
            )


def rows_of(files: list[Path], connection: str) -> str:
    """The SQL that reads files of one table."""
    paths = ", ".join(f"'{file}'" for file in files)
    depth = "" if connection in NESTED_AS_STRUCTS else ", maximum_depth = 2"
    return f"read_json([{paths}], union_by_name = true{depth})"


def quoted(name: str) -> str:
    return f'"{name}"'
