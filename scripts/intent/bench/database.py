"""DuckDB, with as many threads as the project's own profile gives it."""

from pathlib import Path

import duckdb


def open_database(path: Path | str = ":memory:") -> duckdb.DuckDBPyConnection:
    """Open a database of the benchmark's own."""
    return duckdb.connect(str(path), config={"threads": 2})
