"""Values as HubSpot has them: always text, moments as milliseconds since 1970."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from intent.sync.model import RemoteField, Value
from intent.sync.spec import FieldType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_TEXT = 65_536
"""Characters: developers.hubspot.com, CRM properties."""
KINDS = {
    "string": {
        FieldType.TEXT,
        FieldType.NUMBER,
        FieldType.INTEGER,
        FieldType.BOOLEAN,
    },
    "number": {FieldType.NUMBER, FieldType.INTEGER},
    "bool": {FieldType.BOOLEAN},
    "date": {FieldType.DATE},
    "datetime": {FieldType.DATETIME},
    "enumeration": {FieldType.TEXT},
    "phone_number": {FieldType.TEXT},
}
"""What each type of property takes of ours."""


def spoken(value: Value, kind: FieldType) -> str:
    """A value as HubSpot is to have it. An empty text unsets."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    if kind in (FieldType.DATETIME, FieldType.DATE):
        return str(milliseconds(str(value)))
    return str(value)


def heard(text: str | None, kind: FieldType) -> Value:
    """A value of HubSpot's in our form.

    What is no value of its type, since somebody changed the property's, stays text.
    """
    if text is None or text == "":
        return None
    try:
        return READERS[kind](text)
    except (KeyError, ValueError, ArithmeticError):
        return text


def milliseconds(text: str) -> int:
    """A moment or date as milliseconds since 1970; a date's are those of midnight."""
    return (moment(text) - EPOCH) // timedelta(milliseconds=1)


def moment(text: str) -> datetime:
    """A moment that is given as milliseconds or as ISO 8601.

    Raises:
        ValueError: it is neither.
    """
    if text.lstrip("-").isdigit():
        return EPOCH + timedelta(milliseconds=int(text))
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


READERS: Mapping[FieldType, Callable[[str], Value]] = {
    FieldType.TEXT: str,
    FieldType.NUMBER: float,
    FieldType.INTEGER: lambda text: int(Decimal(text)),
    FieldType.BOOLEAN: lambda text: {"true": True, "false": False}[text.lower()],
    FieldType.DATETIME: lambda text: f"{moment(text):%Y-%m-%dT%H:%M:%SZ}",
    FieldType.DATE: lambda text: f"{moment(text):%Y-%m-%d}",
}


def remote_field(described: Mapping[str, object], is_unique: bool) -> RemoteField:
    """A property by its description.

    Raises:
        ValueError: it is none.
    """
    name, kind = described["name"], described["type"]
    if not isinstance(name, str) or not isinstance(kind, str):
        raise ValueError("a property without a name or type")
    options = described.get("options") or []
    changes = described.get("modificationMetadata") or {}
    if not isinstance(options, list) or not isinstance(changes, dict):
        raise ValueError("a property whose options are no list")
    has_options = kind == "enumeration" and not described.get("externalOptions")
    named = frozenset(str(option["value"]) for option in options)
    kinds = KINDS.get(kind, set())
    if kind == "enumeration" and named == {"true", "false"}:
        kinds = {FieldType.BOOLEAN}
    return RemoteField(
        name=name,
        kinds=frozenset(kinds),
        options=named if has_options and FieldType.TEXT in kinds else None,
        max_length=LONGEST_TEXT if kind == "string" else None,
        is_writable=not (changes.get("readOnlyValue") or described.get("calculated")),
        is_unique=is_unique or bool(described.get("hasUniqueValue")),
    )
