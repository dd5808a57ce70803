"""Rows as Salesforce takes them: records in JSON, lines of a Bulk file, and back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from intent.sync.model import Row, Value
from intent.sync.spec import FieldType, Sync

CLEARED = "#N/A"
"""A cell of a Bulk file that unsets the field; an empty cell leaves it as it is."""
NEVER = "9999-12-31"
LAST_DAY = "4000-12-31"
"""Salesforce has no later one."""
MORNING = "T00:00:00Z"


def ids_of(row: Row) -> Sequence[str]:
    """The ids of the records that a row stands for: one key may match several.

    An empty one, where it is not known: when a plan counts requests.
    """
    return (row.remote_id or "").split(",")


def to_remote(value: Value, kind: FieldType) -> Value:
    """A value of ours as Salesforce takes it in JSON."""
    if kind is FieldType.BOOLEAN:
        return bool(value)  # a checkbox is never unset
    if kind in (FieldType.DATE, FieldType.DATETIME) and isinstance(value, str):
        day, rest = value[:10], value[10:]
        return LAST_DAY + (MORNING if rest else "") if day > LAST_DAY else value
    return value


def from_remote(value: Any, kind: FieldType) -> Value:
    """A value of Salesforce as we have it: the way back of `to_remote`."""
    return None if value is None else READERS[kind](value)


def read_date(value: Any) -> str:
    """A date of Salesforce's as we have it."""
    return NEVER if value == LAST_DAY else str(value)


def read_moment(value: Any) -> str:
    """A moment such as 2026-07-01T08:00:00.000+0000, always in UTC, as we have it."""
    moment = f"{str(value)[:19]}Z"
    return NEVER + MORNING if moment == LAST_DAY + MORNING else moment


READERS: Mapping[FieldType, Callable[[Any], Value]] = {
    FieldType.TEXT: str,
    FieldType.NUMBER: float,
    FieldType.INTEGER: int,
    FieldType.BOOLEAN: bool,
    FieldType.DATETIME: read_moment,
    FieldType.DATE: read_date,
}


def fields_of(row: Row, sync: Sync) -> Iterator[tuple[str, Value]]:
    """The fields that a row writes, with their values for Salesforce."""
    for name, value in row.values.items():
        yield name, to_remote(value, sync.fields[name].type)


def json_record(row: Row, sync: Sync, identity: Mapping[str, str]) -> bytes:
    """A record of an sObject Collections request.

    Args:
        row: what to write.
        sync: whose object and types.
        identity: by what the record is found: its id, or its external id.
    """
    attributes = {"type": sync.object}
    return orjson.dumps(
        {"attributes": attributes, **identity, **dict(fields_of(row, sync))}
    )


def header(sync: Sync, key_column: str) -> bytes:
    """The first line of a Bulk file: the key, then all fields of the sync."""
    return (",".join([key_column, *sync.fields]) + "\n").encode()


def line(row: Row, sync: Sync, key: str) -> bytes:
    """A line of a Bulk file; a field that the row does not name is left as it is."""
    values = dict(fields_of(row, sync))
    cells = [cell(values[name]) if name in values else "" for name in sync.fields]
    return (",".join([quoted(key), *cells]) + "\n").encode()


def cell(value: Value) -> str:
    """A value in a Bulk file."""
    match value:
        case None | "":  # to Salesforce, an empty text is none
            return CLEARED
        case str():
            return quoted(value)
        case bool():
            return "true" if value else "false"
        case _:
            return repr(value)


def quoted(text: str) -> str:
    """A text with quotes around it, so that all that is in it counts as text."""
    return '"' + text.replace('"', '""') + '"'
