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

BI_FILE = "intent_bi.duckdb"
STAMP = "published.json"
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
        replace_published(aside, places.published)
    except (OSError, duckdb.Error) as error:
        raise UnavailableError(
            f"Publishing to {places.published} failed; each file there is whole, as it "
            f"was before. {error}"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return names


def write_aside(warehouse: Path, aside: Path) -> list[str]:
    """Write all files of a publication into the folder `aside`."""
    open_warehouse(warehouse).close()
    # Views name the catalog that they were made in, so it keeps the file's name.
    source = f'"{warehouse.stem}".{PUBLIC_SCHEMA}'
    copies = f"copies.{PUBLIC_SCHEMA}"
    with duckdb.connect() as connection:
        connection.execute(f"attach '{quote(aside / BI_FILE)}' as copies")
        connection.execute(f"create schema {copies}")
        connection.execute(
            f"attach '{quote(warehouse)}' as \"{warehouse.stem}\" (read_only)"
        )
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
                f'create table {copies}."{name}" as from {source}."{name}"'
            )
            connection.execute(
                f'copy {copies}."{name}"'
                f" to '{quote(aside / name)}.parquet' (format parquet)"
            )
        [[as_of]] = connection.execute(
            f"select max(as_of) from {copies}.contact_intent"
        ).fetchall()
    write_stamp(aside / STAMP, as_of, names)
    return names


def write_stamp(file: Path, as_of: datetime | None, names: list[str]) -> None:
    """Write what was published, for machines."""
    stamp = {"as_of": as_of.isoformat() + "Z" if as_of else None, "relations": names}
    file.write_text(json.dumps(stamp, indent=2) + "\n", encoding="utf-8")


def replace_published(aside: Path, published: Path) -> None:
    """Put the files in `aside` in the place of those before; the stamp comes last."""
    files = sorted(aside.iterdir(), key=lambda file: (file.name == STAMP, file.name))
    for file in files:
        sync(file)
        file.replace(published / file.name)
    kept = {file.name for file in files}
    for file in published.glob("*.parquet"):
        if file.name not in kept:
            file.unlink()


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
