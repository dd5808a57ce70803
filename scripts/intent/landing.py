"""Looks at landed files before dbt does, where DuckDB would not tell of a fault."""

import gzip
import zlib
from pathlib import Path

import duckdb

from intent.errors import BadInputError, LockedError, UnavailableError
from intent.settings import Places
from intent.warehouse import open_warehouse

CHUNK = 1 << 22


def refuse_cut_off_files(places: Places) -> None:
    """Raise BadInputError if a new gzipped file ends early.

    DuckDB reads such a file as far as it goes, and says nothing of the rest.
    """
    counted = counted_files(places.warehouse)
    faults = [
        f"- {name}: is cut off, or not gzipped. Land it again"
        for file in sorted(places.landing.glob("*/*/*.gz"))
        if (name := file.relative_to(places.landing).as_posix()) not in counted
        and not file.name.startswith(".")
        and not is_whole(file)
    ]
    if faults:
        raise BadInputError(
            "\n".join(
                [f"the landing folder {places.landing} can not be used:", *faults]
            )
        )


def counted_files(warehouse: Path) -> set[str]:
    """The files that finished builds have counted; none before the first build.

    Raises:
        LockedError: another process writes to the warehouse.
    """
    try:
        with open_warehouse(warehouse) as connection:
            rows = connection.execute(
                "select source_file from raw.counted_files"
            ).fetchall()
    except LockedError:
        raise
    except (UnavailableError, duckdb.Error):
        return set()
    return {source_file for (source_file,) in rows}


def is_whole(file: Path) -> bool:
    """Tell if a gzipped file can be read to its end."""
    try:
        with gzip.open(file) as stream:
            while stream.read(CHUNK):
                pass
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return False
    return True
