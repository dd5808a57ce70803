"""Values as Marketo has them, and back.

Sources: the pages Field Types and Lead Database of Marketo's developer guide.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from intent.sync.model import RemoteField, Value
from intent.sync.spec import FieldType

KINDS = {
    "string": {FieldType.TEXT},
    "text": {FieldType.TEXT},
    "email": {FieldType.TEXT},
    "phone": {FieldType.TEXT},
    "url": {FieldType.TEXT},
    "reference": {FieldType.TEXT},
    "integer": {FieldType.INTEGER},
    "score": {FieldType.INTEGER},
    "percent": {FieldType.INTEGER},
    "float": {FieldType.NUMBER, FieldType.INTEGER},
    "currency": {FieldType.NUMBER, FieldType.INTEGER},
    "boolean": {FieldType.BOOLEAN},
    "date": {FieldType.DATE},
    "datetime": {FieldType.DATETIME},
}
"""Marketo's type of a field -> the types of ours that it takes."""

LENGTHS = {"string": 255, "email": 255, "url": 255, "phone": 255, "text": 30_000}
"""Most characters, where the description of the field does not say. Text areas count
bytes: https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/
lead-database/fields/field-types."""

FIELD_TYPES = {
    FieldType.TEXT: "string",
    FieldType.NUMBER: "float",
    FieldType.INTEGER: "integer",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATETIME: "datetime",
    FieldType.DATE: "date",
}
"""What an admin creates for a type of ours."""

KEY_TYPES = frozenset({"string", "email", "integer"})
"""Types of fields that leads can be found by."""


def to_marketo(value: Value, kind: FieldType) -> Value:
    """A value of ours, as the JSON of a request has it."""
    if value is None or value == "":
        return None
    if kind is FieldType.DATETIME and isinstance(value, str):
        return f"{value.removesuffix('Z')}+00:00" if value.endswith("Z") else value
    return value


def to_cell(value: Value, kind: FieldType) -> str | None:
    """A value of ours, as a cell of a file to import; None if it is unset."""
    told = to_marketo(value, kind)
    if told is None:
        return None
    if isinstance(told, bool):
        return "true" if told else "false"
    return str(told)


def from_marketo(value: Any, kind: FieldType) -> Value:
    """What Marketo answered, in our form.

    Raises:
        ValueError: it is no value of this type.
    """
    return None if value is None or value == "" else READERS[kind](value)


def _whole_number(value: Any) -> int | float:
    number = float(value)
    return int(number) if number.is_integer() else number


def _boolean(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).lower() == "true"


def _date(value: Any) -> str:
    return str(value)[:10]


def _moment(value: Any) -> str:
    """A moment of Marketo's, such as `2015-05-07T11:47:30-08:00`, in UTC.

    Some endpoints write `Z+0000` in place of an offset.
    """
    moment = datetime.fromisoformat(str(value).replace("Z+0000", "Z"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


READERS: Mapping[FieldType, Callable[[Any], Value]] = {
    FieldType.TEXT: str,
    FieldType.NUMBER: float,
    FieldType.INTEGER: _whole_number,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATETIME: _moment,
    FieldType.DATE: _date,
}


def to_field(described: dict[str, Any], searchable: frozenset[str]) -> RemoteField:
    """A field, as `describe2` tells of it."""
    name, kind = str(described["name"]), str(described["dataType"])
    length = described.get("length") or LENGTHS.get(kind)
    return RemoteField(
        name=name,
        kinds=frozenset(KINDS[kind]) if kind in KINDS else frozenset(),
        max_length=int(length) if length and FieldType.TEXT in KINDS[kind] else None,
        is_writable=bool(described.get("updateable")),
        is_unique=name in searchable and kind in KEY_TYPES,
    )
