"""The objects of the org that stands in: their fields, and what these take."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intent.sync.spec import FieldType

from standins.kit import Answer, Fields, Value

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:?\d\d)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
LAST_YEAR = "4000"


@dataclass(frozen=True)
class Field:
    """A field of an object."""

    type: str
    length: int = 0
    external_id: bool = False
    required: bool = False
    updateable: bool = True
    options: tuple[str, ...] | None = None

    @property
    def blank(self) -> Value:
        """What it has before it is written."""
        return False if self.type == "boolean" else None


class Refusal(Exception):  # noqa: N818
    """A record, or a whole request, is refused."""

    def __init__(
        self, code: str, message: str, status: int = 400, fields: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status
        self.fields = list(fields)

    def error(self, code_name: str) -> dict[str, Any]:
        """As errors are told."""
        told = {"message": self.message, code_name: self.code}
        return {**told, "fields": self.fields} if code_name == "statusCode" else told

    def result(self) -> dict[str, Any]:
        """The result of a record."""
        return {"success": False, "errors": [self.error("statusCode")]}

    def answer(self) -> Answer:
        """The answer to a whole request."""
        return Answer(self.status, [self.error("errorCode")])

    def line(self) -> str:
        """The error in a file of failed results."""
        return f"{self.code}:{self.message}:{', '.join(self.fields)} --"


CUSTOM: Mapping[FieldType, Field] = {
    FieldType.TEXT: Field("string", 255),
    FieldType.NUMBER: Field("double"),
    FieldType.INTEGER: Field("double"),
    FieldType.BOOLEAN: Field("boolean"),
    FieldType.DATETIME: Field("datetime"),
    FieldType.DATE: Field("date"),
}
"""The custom fields that an admin makes for each type of ours."""
EXTERNAL_ID = Field("string", 64, external_id=True)
ID = Field("id", 18, updateable=False)
FIELDS: Mapping[str, Mapping[str, Field]] = {
    "Contact": {
        "Id": ID,
        "LastName": Field("string", 80, required=True),
        "Email": Field("email", 80),
        "AccountId": Field("reference", 18),
    },
    "Lead": {
        "Id": ID,
        "LastName": Field("string", 80, required=True),
        "Company": Field("string", 255, required=True),
        "Email": Field("email", 80),
        "IsConverted": Field("boolean", updateable=False),
    },
    "Account": {"Id": ID, "Name": Field("string", 255, required=True)},
    "Opportunity": {
        "Id": ID,
        "Name": Field("string", 120, required=True),
        "AccountId": Field("reference", 18),
        "IsClosed": Field("boolean", updateable=False),
    },
    "Campaign": {"Id": ID, "Name": Field("string", 80, required=True)},
    "CampaignMember": {
        "Id": ID,
        "CampaignId": Field("reference", 18, required=True, updateable=False),
        "ContactId": Field("reference", 18, updateable=False),
        "LeadId": Field("reference", 18, updateable=False),
        "Intent_Member_Key__c": Field("string", 40, external_id=True),
    },
}


def described(name: str, field: Field) -> dict[str, Any]:
    """A field as sObject Describe has it."""
    options = field.options or ()
    return {
        "name": name,
        "type": field.type,
        "length": field.length,
        "updateable": field.updateable,
        "createable": field.type != "id",
        "externalId": field.external_id,
        "unique": field.external_id,
        "filterable": True,
        "restrictedPicklist": field.options is not None,
        "picklistValues": [{"value": each, "active": True} for each in options],
    }


def check_json(name: str, field: Field, value: Any) -> None:
    """Refuse a request that has a value of a wrong kind, as a parser does."""
    fits = {
        "boolean": isinstance(value, bool),
        "double": isinstance(value, int | float) and not isinstance(value, bool),
        "datetime": isinstance(value, str) and bool(MOMENT.fullmatch(value)),
        "date": isinstance(value, str) and bool(DAY.fullmatch(value)),
    }
    if value is None and field.type != "boolean":
        return
    if not fits.get(field.type, isinstance(value, str)):
        raise Refusal(
            "JSON_PARSER_ERROR", f"Cannot deserialize instance of {field.type}: {name}"
        )


def stored(fields: Mapping[str, Field], values: Fields) -> Fields:
    """Values as they are kept; refused if they don't fit."""
    kept: Fields = {}
    for name, value in values.items():
        field = fields[name]
        is_day = field.type in ("date", "datetime") and value is not None
        if is_day and str(value)[:4] > LAST_YEAR:
            raise Refusal("INVALID_DATE", "year is too large", fields=[name])
        if isinstance(value, str) and field.length and len(value) > field.length:
            raise Refusal(
                "STRING_TOO_LONG",
                f"{name}: data value too large (max length={field.length})",
                fields=[name],
            )
        if field.options is not None and value and value not in field.options:
            raise Refusal(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                f"{name}: bad value for restricted picklist field",
                fields=[name],
            )
        kept[name] = None if value == "" else value
    return kept


def from_cell(name: str, field: Field, cell: str) -> Value:
    """The value of a cell of a file, which is not empty."""
    if cell == "#N/A":
        return False if field.type == "boolean" else None
    if field.type == "double":
        try:
            return float(cell)
        except ValueError:
            raise Refusal(
                "INVALID_TYPE_ON_FIELD", "is no number", fields=[name]
            ) from None
    if field.type == "boolean":
        return cell.lower() in ("true", "1")
    pattern = {"datetime": MOMENT, "date": DAY}.get(field.type)
    if pattern and not pattern.fullmatch(cell):
        raise Refusal("INVALID_TYPE_ON_FIELD", "is no date", fields=[name])
    return cell


def shown(value: Any) -> Any:
    """A value as answers have it."""
    if isinstance(value, str) and MOMENT.fullmatch(value):
        return f"{value[:19]}.000+0000"
    return value


def folded(value: Any) -> Any:
    """What values have in common that are one in a comparison."""
    if isinstance(value, str) and re.fullmatch(
        r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?", value
    ):
        return value[:15]
    return value.casefold() if isinstance(value, str) else value
