"""Which fields an object has, by its description (sObject Describe)."""

from collections.abc import Mapping
from typing import Any

from intent.sync.destinations import _salesforce_answers as answers
from intent.sync.model import RemoteField, Response
from intent.sync.spec import FieldType, Mode, Sync

NUMBERS = frozenset((FieldType.NUMBER, FieldType.INTEGER))
KINDS: Mapping[str, frozenset[FieldType]] = {
    "boolean": frozenset((FieldType.BOOLEAN,)),
    "date": frozenset((FieldType.DATE,)),
    "datetime": frozenset((FieldType.DATETIME,)),
    "double": NUMBERS,
    "currency": NUMBERS,
    "percent": NUMBERS,
    "int": frozenset((FieldType.INTEGER,)),
    "long": frozenset((FieldType.INTEGER,)),
}
"""What fits a field's type; into the others goes text."""


def read_fields(response: Response, sync: Sync) -> Mapping[str, RemoteField]:
    """The fields by name; none if there is no such object.

    Raises:
        ValueError: this is no description.
    """
    if response.status == 404:
        return {}
    described = answers.read(response)
    if not isinstance(described, dict) or "fields" not in described:
        raise ValueError(f"no description of an object: status {response.status}")
    return {field["name"]: remote_field(field, sync) for field in described["fields"]}


def remote_field(field: Mapping[str, Any], sync: Sync) -> RemoteField:
    """A field as it is described."""
    kinds = KINDS.get(field["type"], frozenset((FieldType.TEXT,)))
    options = None
    if field.get("restrictedPicklist"):
        values = field.get("picklistValues") or ()
        options = frozenset(each["value"] for each in values if each["active"])
    finds_only = sync.mode is Mode.UPDATE_ONLY
    return RemoteField(
        name=field["name"],
        kinds=frozenset(kind.value for kind in kinds),
        options=options,
        max_length=field.get("length") or None,
        is_writable=bool(field["updateable"]),
        is_unique=bool(field["filterable"] if finds_only else field["externalId"]),
    )
