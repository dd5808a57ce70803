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
from intent.warehouse import PUBLIC_SCHEMA, open_warehouse

BI_CATALOG = "intent_bi"
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
    open_warehouse(warehouse).close()
    source = f'"{warehouse.stem}"'
    copies = f'"{BI_CATALOG}".{PUBLIC_SCHEMA}'
    with duckdb.connect(str(aside / f"{BI_CATALOG}.duckdb")) as connection:
        connection.execute(f"create schema {copies}")
        connection.execute(f"attach '{quote(warehouse)}' as {source} (read_only)")
        names = [
            name
            for (name,) in connection.execute(
                "select table_name from information_schema.tables"
                " where table_schema = ? and table_catalog = ? order by 1",
                [PUBLIC_SCHEMA, warehouse.stem],
            ).fetchall()
        ]
        for name in names:
            connection.execute(
                f'create table {copies}."{name}" as'
                f' from {source}.{PUBLIC_SCHEMA}."{name}"'
            )
            connection.execute(
                f'copy {copies}."{name}"'
                f" to '{quote(aside / name)}.parquet' (format parquet)"
            )
        clock = connection.execute(
            f"select as_of, run_id from {source}.intent_intermediate.int_clock"
        ).fetchone()
    write_stamp(aside / "published.json", clock, names)
    return names


def write_stamp(
    file: Path, clock: tuple[datetime, int] | None, names: list[str]
) -> None:
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
