"""An Eloqua instance, as Oracle's developer guide describes it.

Source: https://docs.oracle.com/en/cloud/saas/marketing/eloqua-develop and
.../eloqua-rest-api: the pages Importing Data, Bulk API Limits, Import Characteristics,
Sync Actions, Troubleshooting, Eloqua Status Codes, HTTP Status Codes.

The traps are here, too: what is larger than 32 MB gets a 404; rows are staged first,
and nothing happens to them before a sync; a row that is staged twice is a duplicate; a
blank cell unsets what is there; a sync that ends well may have rejected rows.
"""

import base64
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from intent.sync.spec import FieldType, Sync

from standins.case import Case
from standins.kit import Answer, Call, Fields, RateWindow, Route, StandIn, Value, serve

COMPANY, USER = "ShopExample", "intent.api"
PASSWORD = "correct-horse-eloqua-9"
LARGEST = 32_000_000
BULK = "/api/bulk/2.0"
REST = "/api/REST/2.0/data"
EMAIL = "C_EmailAddress"
STATEMENT = re.compile(r"\{\{Contact\.Field\((\w+)\)\}\}")
LIST = re.compile(r"\{\{ContactList\[(\d+)\]\}\}")
MOMENT = "%Y-%m-%d %H:%M:%S"
TYPES = {
    FieldType.TEXT: "string",
    FieldType.NUMBER: "number",
    FieldType.INTEGER: "number",
    FieldType.BOOLEAN: "string",
    FieldType.DATETIME: "date",
    FieldType.DATE: "date",
}
RULES = ("createAndUpdate", "updateOnly", "createOnly")


class RowError(Exception):
    """A row is rejected."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        self.code, self.message, self.field = code, message, field


@dataclass
class Contact:
    """A person."""

    id: int
    email: str
    values: dict[str, Value] = field(default_factory=dict)


@dataclass
class Definition:
    """An import or sync action definition, with what is staged."""

    uri: str
    fields: dict[str, str]
    """Column -> internal name."""
    rule: str
    actions: list[tuple[str, str]]
    """Action and list."""
    staged: list[dict[str, str]] = field(default_factory=list)
    posts: int = 0


@dataclass
class Run:
    """A sync."""

    uri: str
    of: Definition
    status: str = "pending"
    looks: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    rejects: list[dict[str, Any]] = field(default_factory=list)

    @property
    def has_ended(self) -> bool:
        return self.status not in ("pending", "active")


class EloquaStandIn(StandIn):
    """Stands in for Eloqua."""

    def __init__(self, latency: float = 0.0, seed: int = 0, port: int = 0) -> None:
        super().__init__(latency, seed, port)
        is_sync = re.compile(f"{BULK}/syncs")

        def units(call: Call) -> int:
            return call.method == "POST" and bool(is_sync.fullmatch(call.path))

        self.windows = [RateWindow("syncs", 2_000, 3_600.0, units)]
        self.looks_until_done = 0
        """How often a sync is looked at in vain."""
        self.failing = 0
        """So many syncs from now on end with an error."""
        self.page = 1_000
        """Rejects on a page."""
        self.schema: dict[str, str] = {}
        """The custom fields, with their types."""
        self.posts: list[int] = []
        """The bytes of each file that was staged."""
        self.definitions: dict[str, Definition] = {}
        self.syncs: dict[str, Run] = {}
        self._ids = itertools.count(900_001)
        self._contacts: dict[int, Contact] = {}
        self._by_email: dict[str, Contact] = {}
        self._lists: dict[str, set[int]] = {"101": set(), "102": set(), "103": set()}

    def routes(self) -> Sequence[Route]:
        definition = r"/contacts/(?:imports|syncActions)/\d+"
        one = rf"{BULK}(?P<uri>/syncs/\d+)"
        return [
            ("GET", f"{BULK}/contacts/fields", self.describe),
            ("POST", f"{BULK}/contacts/(?P<kind>imports|syncActions)", self.define),
            ("POST", rf"{BULK}(?P<uri>{definition})/data", self.stage),
            ("POST", f"{BULK}/syncs", self.begin),
            ("GET", f"{BULK}/syncs", self.list_syncs),
            ("GET", one, self.look),
            ("GET", f"{one}/logs", self.logs),
            ("GET", f"{one}/rejects", self.read_rejects),
            ("GET", f"{REST}/contacts", self.search),
            ("DELETE", rf"{REST}/contact/(?P<id>\d+)", self.delete),
        ]

    def authorise(self, call: Call) -> Answer | None:
        words = f"{COMPANY}\\{USER}:{PASSWORD}".encode()
        right = f"Basic {base64.b64encode(words).decode()}"
        is_right = call.headers.get("authorization") == right and not self.is_revoked
        return None if is_right else Answer(401, b"Login required")

    def too_many(self, call: Call, window: str, seconds: float) -> Answer:
        del call, window, seconds
        return Answer(429, b"Too Many Requests")

    def no_such_path(self, call: Call) -> Answer:
        del call
        return missing()

    # Definitions and staging -------------------------------------------------------

    def keys(self, call: Call) -> Iterable[str]:
        if call.method != "POST" or not call.path.endswith("/data"):
            return ()
        try:
            return [row[EMAIL].lower() for row in rows_of(call.body)]
        except (ValueError, KeyError, TypeError, AttributeError):
            return ()

    def describe(self, call: Call) -> Answer:
        del call
        described = [
            {
                "name": name,
                "internalName": name,
                "dataType": kind,
                "hasReadOnlyConstraint": False,
                "hasNotNullConstraint": name == EMAIL,
                "hasUniquenessConstraint": name == EMAIL,
                "statement": f"{{{{Contact.Field({name})}}}}",
                "uri": f"/contacts/fields/{number}",
            }
            for name, kind, number in self.numbered()
        ]
        return listed(described, len(described))

    def numbered(self) -> list[tuple[str, str, int]]:
        fields = {EMAIL: "emailAddress", **self.schema}
        return [
            (name, kind, 100_001 + n) for n, (name, kind) in enumerate(fields.items())
        ]

    def define(self, call: Call) -> Answer:
        told, kind = call.json(), call.found["kind"]
        if wrong := self.definition_fault(told, kind):
            return invalid(*wrong)
        actions = [
            (each["action"], list_of(each)) for each in told.get("syncActions") or []
        ]
        fields = {column: field_of(text) for column, text in told["fields"].items()}
        uri = f"/contacts/{kind}/{len(self.definitions) + 301}"
        rule = told.get("importRule", RULES[0])
        self.definitions[uri] = Definition(uri, fields, rule, actions)
        return Answer(201, {**told, "uri": uri})

    def definition_fault(
        self, told: Mapping[str, Any], kind: str
    ) -> tuple[str, str] | None:
        """The property of a definition that is wrong, and what it should be."""
        fields = {
            column: field_of(text) for column, text in told.get("fields", {}).items()
        }
        actions = told.get("syncActions") or []
        rules = (told.get("importRule", RULES[0]), told.get("updateRule", "always"))
        checks = {
            ("fields", "FieldRequirement"): {*fields.values()} <= {EMAIL, *self.schema},
            ("fields", "MaximumCountRequirement"): len(fields) <= 100,
            ("name", "StringLengthRequirement"): 0 < len(told.get("name", "")) <= 100,
            ("identifierFieldName", "NotNullRequirement"): (
                fields.get(told.get("identifierFieldName", "")) == EMAIL
            ),
            ("importRule", "EnumRequirement"): (
                rules[0] in RULES and rules[1] == "always"
            ),
            ("syncActions", "NotNullRequirement"): (
                bool(actions) == (kind == "syncActions")
            ),
            ("syncActions", "ObjectReferenceRequirement"): all(
                list_of(each) in self._lists for each in actions
            ),
        }
        return next((wrong for wrong, is_fine in checks.items() if not is_fine), None)

    def stage(self, call: Call) -> Answer:
        one = self.definitions.get(call.found["uri"])
        if one is None or len(call.body) > LARGEST:
            return missing()
        if one.posts >= 500:
            return invalid("data", "MaximumCountRequirement")
        try:
            rows = rows_of(call.body)
        except (ValueError, csv.Error):
            return Answer(400, b"There was a parsing error.")
        if any(row.keys() != one.fields.keys() for row in rows):
            return invalid("data", "FieldRequirement")
        self.posts.append(len(call.body))
        one.posts += 1
        one.staged += rows
        return Answer(204)

    # Syncs -------------------------------------------------------------------------

    def begin(self, call: Call) -> Answer:
        one = self.definitions.get(call.json().get("syncedInstanceUri", ""))
        if one is None:
            return invalid("syncedInstanceUri", "ObjectReferenceRequirement")
        if any(run.of is one and not run.has_ended for run in self.syncs.values()):
            return Answer(409, b"There was a conflict.")
        run = Run(f"/syncs/{len(self.syncs) + 601}", one)
        self.syncs[run.uri] = run
        return Answer(201, self.told(run))

    def told(self, run: Run) -> dict[str, Any]:
        return {
            "syncedInstanceUri": run.of.uri,
            "status": run.status,
            "createdAt": "2026-07-01T08:00:00.0000000Z",
            "uri": run.uri,
        }

    def list_syncs(self, call: Call) -> Answer:
        newest = [self.told(run) for run in reversed(self.syncs.values())]
        limit = int(call.query.get("limit", 1_000))
        return listed(newest[:limit], len(newest))

    def look(self, call: Call) -> Answer:
        run = self.syncs.get(call.found["uri"])
        if run is None:
            return missing()
        if not run.has_ended:
            run.looks += 1
            run.status = "active"
            if run.looks > self.looks_until_done:
                self.process(run)
        return Answer(200, self.told(run))

    def process(self, run: Run) -> None:
        """Do with what is staged as its definition says."""
        if self.failing:
            self.failing -= 1
            run.status = "error"
            return
        staged, run.of.staged = run.of.staged, []
        seen = Counter(row[EMAIL].lower() for row in staged)
        order = list(enumerate(staged))
        self.random.shuffle(order)
        for index, row in order:
            if self.is_omitted(row[EMAIL].lower()):
                continue
            run.counts["ELQ-00001"] += 1
            try:
                if seen[row[EMAIL].lower()] > 1:
                    raise RowError("ELQ-00026", "Duplicate identifier.", EMAIL)
                self.write_row(run, row)
            except RowError as refused:
                run.counts["ELQ-00060"] += 1
                run.rejects.append(
                    {
                        "fieldValues": row,
                        "invalidFields": [refused.field] if refused.field else [],
                        "message": refused.message,
                        "recordIndex": index,
                        "statusCode": refused.code,
                    }
                )
        run.status = "warning" if run.rejects else "success"

    def write_row(self, run: Run, row: Mapping[str, str]) -> None:
        email = row[EMAIL].strip()
        key = email.lower()
        if poison := self.poisons.get(key):
            raise RowError("ELQ-00061", poison.reason, poison.field)
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
            raise RowError("ELQ-00002", "Invalid email addresses.", EMAIL)
        values = {
            name: self.value(name, cell) for name, cell in row.items() if name != EMAIL
        }
        contact = self._by_email.get(key)
        if run.of.actions or run.of.rule == "updateOnly":
            if contact is None:
                raise RowError("ELQ-00034", "Total unmatched records.")
        elif run.of.rule == "createOnly" and contact is not None:
            raise RowError("ELQ-00048", "Contact already exists.")
        if contact is None:
            contact = self.create(email)
            self.creations[key] += 1
            run.counts["ELQ-00004"] += 1
        else:
            run.counts["ELQ-00022"] += 1
        contact.values.update(values)
        for action, list_id in run.of.actions:
            members = self._lists[list_id]
            (members.add if action == "add" else members.discard)(contact.id)

    def value(self, name: str, cell: str) -> Value:
        """A cell as it is stored; a blank one is none."""
        if cell == "":
            return None
        match self.schema[name]:
            case "number":
                try:
                    return float(cell)
                except ValueError:
                    raise RowError("ELQ-00090", "Invalid number.", name) from None
            case "date":
                try:
                    return (
                        datetime.strptime(cell, MOMENT).replace(tzinfo=UTC).isoformat()
                    )
                except ValueError:
                    raise RowError("ELQ-00091", "Invalid date.", name) from None
        return cell

    def logs(self, call: Call) -> Answer:
        run = self.syncs.get(call.found["uri"])
        if run is None:
            return missing()
        found = [
            {"syncUri": run.uri, "count": count, "statusCode": code, "message": ""}
            for code, count in run.counts.items()
        ]
        return listed(found, len(found))

    def read_rejects(self, call: Call) -> Answer:
        run = self.syncs.get(call.found["uri"])
        if run is None:
            return missing()
        limit = min(int(call.query.get("limit", 1_000)), self.page)
        offset = int(call.query.get("offset", 0))
        return listed(run.rejects[offset : offset + limit], len(run.rejects) - offset)

    # Contacts ----------------------------------------------------------------------

    def search(self, call: Call) -> Answer:
        found = re.fullmatch(r"emailAddress='(.*)'", call.query.get("search", ""))
        if not found:
            return invalid("search", "SearchRequirement")
        contact = self._by_email.get(found[1].replace("''", "'").lower())
        elements = [self.shown(contact)] if contact else []
        return Answer(200, {"elements": elements, "page": 1, "total": len(elements)})

    def shown(self, contact: Contact) -> dict[str, Any]:
        values = [
            {"type": "FieldValue", "id": str(number), "value": rest(value, kind)}
            for name, kind, number in self.numbered()
            if name != EMAIL and (value := contact.values.get(name)) is not None
        ]
        return {
            "type": "Contact",
            "id": str(contact.id),
            "emailAddress": contact.email,
            "fieldValues": values,
        }

    def delete(self, call: Call) -> Answer:
        contact = self._contacts.pop(int(call.found["id"]), None)
        if contact is None:
            return missing()
        del self._by_email[contact.email.lower()]
        for members in self._lists.values():
            members.discard(contact.id)
        return Answer(200)

    def create(self, email: str) -> Contact:
        contact = Contact(next(self._ids), email)
        self._contacts[contact.id] = self._by_email[email.lower()] = contact
        return contact

    # What tests look at ------------------------------------------------------------

    def records(self, kind: str = "") -> dict[str, Fields]:
        del kind
        with self._lock:
            return {
                key: {
                    name: ours(value, self.schema.get(name, ""))
                    for name, value in contact.values.items()
                }
                for key, contact in self._by_email.items()
            }

    def lists(self) -> dict[str, set[str]]:
        with self._lock:
            return {
                list_id: {self._contacts[each].email.lower() for each in members}
                for list_id, members in self._lists.items()
            }

    def prepare(self, sync: Sync) -> None:
        with self._lock:
            for name, rule in sync.fields.items():
                self.schema.setdefault(name, TYPES[rule.type])

    def drop_field(self, name: str) -> None:
        with self._lock:
            del self.schema[name]

    def put(self, key: str, fields: Mapping[str, Value], kind: str = "") -> None:
        del kind
        with self._lock:
            contact = self._by_email.get(key.lower()) or self.create(key)
            contact.values.update(fields)

    def remove(self, key: str, kind: str = "") -> None:
        del kind
        with self._lock:
            if contact := self._by_email.pop(key.lower(), None):
                del self._contacts[contact.id]


def field_of(statement: str) -> str:
    found = STATEMENT.fullmatch(statement)
    return found[1] if found else ""


def list_of(action: Mapping[str, Any]) -> str:
    found = LIST.fullmatch(action.get("destination", ""))
    return found[1] if found else ""


def rows_of(body: bytes) -> list[dict[str, str]]:
    """The rows of a CSV file. Raises: ValueError, csv.Error."""
    lines = csv.reader(io.StringIO(body.decode(), newline=""), strict=True)
    names = next(lines)
    return [dict(zip(names, cells, strict=True)) for cells in lines]


def rest(value: Value, kind: str) -> str:
    """A stored value as the REST API tells it: moments as seconds since 1970."""
    if kind == "date" and isinstance(value, str):
        return str(int(datetime.fromisoformat(value).timestamp()))
    return str(value)


def ours(value: Value, kind: str) -> Value:
    """A stored value in our form."""
    if kind == "date" and isinstance(value, str):
        return f"{datetime.fromisoformat(value):%Y-%m-%dT%H:%M:%SZ}"
    return value


def listed(items: Sequence[Mapping[str, Any]], total: int) -> Answer:
    body = {"items": items, "count": len(items), "totalResults": total}
    return Answer(200, {**body, "hasMore": len(items) < total})


def invalid(name: str, requirement: str) -> Answer:
    fault = {
        "type": "ObjectValidationError",
        "property": name,
        "requirement": {"type": requirement},
    }
    return Answer(400, [fault])


def missing() -> Answer:
    return Answer(404, b"The requested resource was not found.")


def settings(url: str) -> Mapping[str, str]:
    return {
        "INTENT_ELOQUA_URL": url,
        "INTENT_ELOQUA_COMPANY": COMPANY,
        "INTENT_ELOQUA_USER": USER,
        "INTENT_ELOQUA_PASSWORD": PASSWORD,
    }


CASES = (
    Case(
        "eloqua",
        "eloqua",
        EloquaStandIn,
        settings,
        changes={"options": {"poll_seconds": 0.02}},
        lists={"hot": "101", "warm": "102"},
        omits=True,
        names_in_path=True,
    ),
)

if __name__ == "__main__":
    serve(EloquaStandIn)
