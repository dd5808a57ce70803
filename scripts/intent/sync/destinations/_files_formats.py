"""Rows as CSV, NDJSON or Parquet: the same rows always make the same bytes."""

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from intent.sync.model import Value
from intent.sync.spec import FieldType

FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""What spreadsheets run: https://owasp.org/www-community/attacks/CSV_Injection; and the
same behind quotes of ours, so that a reader knows which quotes to take away."""
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
PARQUET_TYPES: Mapping[FieldType, pa.DataType] = {
    FieldType.TEXT: pa.string(),
    FieldType.NUMBER: pa.float64(),
    FieldType.INTEGER: pa.int64(),
    FieldType.BOOLEAN: pa.bool_(),
    FieldType.DATETIME: pa.timestamp("us", "UTC"),
    FieldType.DATE: pa.date32(),
}

Record = Mapping[str, Value]


@dataclass(frozen=True)
class Column:
    """A column of a file."""

    name: str
    type: FieldType = FieldType.TEXT


Encode = Callable[[Sequence[Column], Sequence[Record]], bytes]


def as_csv(columns: Sequence[Column], records: Sequence[Record]) -> bytes:
    """A header, and a line for each record; texts in quotes, nulls as nothing."""
    lines = [[cell(column.name) for column in columns]]
    lines += [[cell(each.get(column.name)) for column in columns] for each in records]
    return "".join(f"{','.join(line)}\n" for line in lines).encode()


def cell(value: Value) -> str:
    """A value in CSV."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + harmless(value).replace('"', '""') + '"'
    return repr(value)


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula: with a `'` before it if needed.

    A number is no formula, such as a telephone's that begins with a plus.
    """
    is_formula = FORMULA.match(text) and not NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text


def as_ndjson(columns: Sequence[Column], records: Sequence[Record]) -> bytes:
    """An object for each record, a line each; what a record lacks is left out."""
    return b"".join(
        orjson.dumps(
            {
                column.name: each[column.name]
                for column in columns
                if column.name in each
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for each in records
    )


def as_parquet(columns: Sequence[Column], records: Sequence[Record]) -> bytes:
    """Typed columns; moments in UTC."""
    arrays = [typed((each.get(c.name) for each in records), c.type) for c in columns]
    stream = io.BytesIO()
    table = pa.Table.from_arrays(arrays, [column.name for column in columns])
    pq.write_table(table, stream, compression="zstd")
    return stream.getvalue()


def typed(values: Iterable[Value], kind: FieldType) -> pa.Array:
    """Values as a column of Parquet."""
    if kind in (FieldType.DATE, FieldType.DATETIME):
        return pa.array(values, pa.string()).cast(PARQUET_TYPES[kind])
    return pa.array(values, PARQUET_TYPES[kind])


FORMATS: Mapping[str, Encode] = {
    "csv": as_csv,
    "ndjson": as_ndjson,
    "parquet": as_parquet,
}
