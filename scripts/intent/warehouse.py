"""Opens the DuckDB warehouse for reading."""

from pathlib import Path

import duckdb

from intent.errors import LockedError, UnavailableError

PUBLIC_SCHEMA = "intent"
LOCK_WORDS = ("Could not set lock on file", "already open in")


def open_warehouse(
    file: Path, schema: str = PUBLIC_SCHEMA
) -> duckdb.DuckDBPyConnection:
    """Return a read-only connection to the warehouse, to be closed by the caller.

    What is in the schema, public marts by default, goes by its plain name: in a file
    `intent.duckdb` both the catalog and the schema are called `intent`, so that
    `intent.contact_intent` would be ambiguous.

    Raises:
        UnavailableError: nothing was built yet, or the file can't be read.
        LockedError: another process writes to it.
    """
    if not file.is_file():
        raise UnavailableError(
            f"There is no warehouse {file} yet. Build it first: `intent build`."
        )
    try:
        connection = duckdb.connect(str(file), read_only=True)
        [[catalog]] = connection.execute("select current_database()").fetchall()
        connection.execute(f'use "{catalog}"."{schema}"')
    except duckdb.Error as error:
        if any(words in str(error) for words in LOCK_WORDS):
            raise in_use(file) from error
        raise UnavailableError(
            f"The warehouse {file} can't be read: {error}"
        ) from error
    return connection


def in_use(file: Path) -> LockedError:
    """Say that another process has the warehouse open."""
    return LockedError(
        f"The warehouse {file} is in use by another process. Close it there (BI tools "
        "should read data/published/ instead), then try again."
    )
