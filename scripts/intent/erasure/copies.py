"""Files of tables that stand for themselves, such as published marts."""

from pathlib import Path

import duckdb

from intent.erasure.databases import (
    Column,
    Finder,
    Left,
    copy_without,
    count,
    escaped,
    fault,
    find_in_database,
    opened,
    put_in_place,
    without,
)
from intent.erasure.files import ASIDE, visible_files, written_aside

DATABASE = ".duckdb"
PARQUET = ".parquet"


def find_in_folder(folder: Path, finder: Finder) -> dict[str, Left]:
    """Count what is to be left out of each file of a folder, and of their tables."""
    found: dict[str, Left] = {}
    for file in visible_files(folder):
        name = file.relative_to(folder).as_posix()
        if file.suffix == DATABASE:
            with opened(file, alone=False) as (connection, database):
                tables = find_in_database(connection, database, finder)
            found |= {f"{name}, {table}": left for table, left in tables.items()}
        elif file.suffix == PARQUET:
            left = find_in_parquet(file, finder)
            if left.removed or left.blanked:
                found[name] = left
    return found


def clean_folder(folder: Path, found: dict[str, Left], finder: Finder) -> None:
    """Write the files anew in which something was found."""
    for name in sorted({each.split(", ")[0] for each in found}):
        file = folder / name
        if file.suffix == DATABASE:
            clean_database(file, finder)
        else:
            clean_parquet(file, finder)


def clean_database(file: Path, finder: Finder) -> None:
    """Write a DuckDB file anew; who has it open goes on reading what was there."""
    with opened(file, alone=False) as (connection, database):
        anew = file.with_name(f"{ASIDE}{file.name}")
        copy_without(connection, database, anew, finder)
        put_in_place(anew, file)


def find_in_parquet(file: Path, finder: Finder) -> Left:
    """Count what is to be left out of a Parquet file."""
    with duckdb.connect() as connection:
        try:
            return count(connection, *parquet(connection, file), finder)
        except duckdb.Error as error:
            raise fault(error, file) from error


def clean_parquet(file: Path, finder: Finder) -> None:
    """Write a Parquet file anew."""
    with duckdb.connect() as connection, written_aside(file) as aside:
        try:
            rows = without(*parquet(connection, file), finder)
            connection.execute(
                f"copy ({rows}) to '{escaped(aside)}' "
                "(format parquet, compression zstd)",
                finder.needed(rows) or None,
            )
        except duckdb.Error as error:
            raise fault(error, file) from error


def parquet(
    connection: duckdb.DuckDBPyConnection, file: Path
) -> tuple[str, list[Column]]:
    """A Parquet file as a relation, with its columns."""
    relation = f"read_parquet('{escaped(file)}', hive_partitioning = false)"
    rows = connection.execute(f"describe select * from {relation}").fetchall()
    return relation, [Column(name, kind) for name, kind, *_ in rows]
