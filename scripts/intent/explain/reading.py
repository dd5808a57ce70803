"""Reads rows from the warehouse, as dicts."""

from collections.abc import Mapping
from typing import Any

import duckdb

from intent.errors import UnavailableError

Row = dict[str, Any]


def read_rows(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    values: Mapping[str, object] | None = None,
) -> list[Row]:
    """The rows that a query gives.

    Raises:
        UnavailableError: the warehouse has not what the query asks for. The message
            holds none of the values.
    """
    try:
        cursor = connection.execute(sql, dict(values or {}))
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise UnavailableError(
            "The warehouse was built by another version of the project. Build it anew: "
            "`intent build`."
        ) from error
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
