"""Puts copies of the public marts where BI tools read them.

DuckDB lets one process write or several read. So readers get copies: each is written
aside and renamed over the one before, so that a reader sees a whole old file or a whole
new one, and an open reader keeps what it opened.
"""

import json
import os
import shutil
from datetime import datetime
from pathlib import Path

import duckdb

from intent.errors import UnavailableError
from intent.settings import Places

PUBLIC_SCHEMA = "intent"
BI_FILE = "intent_bi.duckdb"
ASIDE = ".next"


def publish(places: Places) -> list[str]:
    """Publish every relation of the public schema, and return their names.

    Writes `<name>.parquet` for each, all of them as tables into `intent_bi.duckdb`, and
    `published.json` with the instant that the scores are as of.

    Raises:
        UnavailableError: there is no warehouse, it is locked, or the disk is full.
    """
    aside = places.published / ASIDE
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        names = write_aside(places.warehouse, aside)
        for file in sorted(aside.iterdir()):
            sync(file)
            file.replace(places.published / file.name)
    except (OSError, duckdb.Error) as error:
        raise UnavailableError(
            f"Publishing to {places.published} failed; what was published before is "
            f"intact. {error}"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return names


def write_aside(warehouse: Path, aside: Path) -> list[str]:
    """Write all files of a publication into the folder `aside`."""
    if not warehouse.is_file():
        raise UnavailableError(
            f"There is no warehouse {warehouse} yet. Build it first: `intent build`."
        )
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "select table_name from information_schema.tables"
                " where table_schema = ? and table_catalog = current_database()"
                " order by 1",
                [PUBLIC_SCHEMA],
            ).fetchall()
        ]
        connection.execute(f"attach '{quote(aside / BI_FILE)}' as bi")
        connection.execute(f"create schema bi.{PUBLIC_SCHEMA}")
        for name in names:
            connection.execute(
                f'create table bi.{PUBLIC_SCHEMA}."{name}" as'
                f' from {PUBLIC_SCHEMA}."{name}"'
            )
            connection.execute(
                f'copy bi.{PUBLIC_SCHEMA}."{name}"'
                f" to '{quote(aside / name)}.parquet' (format parquet)"
            )
        connection.execute("detach bi")
        clock = connection.execute(
            f"select as_of, run_id from {PUBLIC_SCHEMA}_intermediate.int_clock"
        ).fetchone()
    write_stamp(aside / "published.json", clock, names)
    return names


def write_stamp(file: Path, clock: tuple[datetime, int] | None, names: list[str]) -> None:
    """Write which build was published, for machines."""
    as_of, run_id = clock if clock else (None, None)
    stamp = {
        "as_of": as_of.isoformat() + "Z" if as_of else None,
        "run_id": run_id,
        "relations": names,
    }
    file.write_text(json.dumps(stamp, indent=2) + "\n", encoding="utf-8")


def sync(file: Path) -> None:
    """Have the file on the disk before its name is."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def quote(path: Path) -> str:
    """A path for an SQL text literal."""
    return str(path).replace("'", "''")
