"""Stands in for HubSpot's CRM API, version 2026-03.

Written from its OpenAPI documents (github.com/HubSpot/HubSpot-public-api-spec-
collection) and developers.hubspot.com: usage guidelines, error handling, properties.
What is known from reports only, of people who tried it:

- one bad record refuses the whole batch with 400 (409 for a conflict), unless all
  inputs have a trace id of their own, which some accounts see as 207: `multi_status`;
- the same id twice in a batch is a 400;
- contacts can be upserted and read by email, but not updated by it in a batch.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from intent.sync.spec import FieldType, Sync

from standins.case import Case, Trait, not_contacts
from standins.kit import Answer, Call, Fields, Route, StandIn, Value, serve
from standins.kit import RateWindow as Window

TOKEN = "pat-eu1-11111111-2222-3333-4444-555555555555"
NOW = "2026-07-01T08:00:00.000Z"
MIDNIGHT = 86_400_000
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
OBJECTS = r"/crm/objects/2026-03/(?P<object>contacts|companies)"
MOST = 100
LONGEST = 65_536


@dataclass
class Property:
    """A property of an object."""

    kind: str
    options: Sequence[str] = ()
    is_unique: bool = False
    is_read_only: bool = False


@dataclass
class Record:
    """A record. An archived one is not found any more."""

    record_id: str
    properties: dict[str, str] = field(default_factory=dict)


@dataclass
class Rows:
    """The records of one kind of object."""

    key: str
    """The property that tests know records by."""
    properties: dict[str, Property]
    records: dict[str, Record] = field(default_factory=dict)
    by_unique: dict[tuple[str, str], str] = field(default_factory=dict)

    def find(self, name: str, value: str) -> Record | None:
        """A record by its id, or by a property with unique values."""
        if name == "hs_object_id":
            return self.records.get(value)
        return self.records.get(self.by_unique.get((name, value.lower()), ""))

    def names(self, record: Record) -> list[tuple[str, str]]:
        """The unique values of a record."""
        return [
            (name, record.properties[name].lower())
            for name, known in self.properties.items()
            if known.is_unique and record.properties.get(name)
        ]


class BadRowError(Exception):
    """A row that is refused, with all that is wrong with it."""

    def __init__(
        self, category: str, message: str, context: Mapping[str, list[str]]
    ) -> None:
        super().__init__(message)
        self.status = {"CONFLICT": 409, "OBJECT_NOT_FOUND": 404}.get(category, 400)
        self.body: dict[str, Any] = {
            "status": "error",
            "category": category,
            "message": message,
            "context": dict(context),
        }


class HubSpotStandIn(StandIn):
    """Contacts, companies, their properties, and static lists."""

    def __init__(
        self,
        latency: float = 0.0,
        seed: int = 0,
        port: int = 0,
        ten_seconds: int = 190,
        a_day: int = 625_000,
        multi_status: bool = False,
    ) -> None:
        """Make one.

        Args:
            latency: seconds between the work and the answer.
            seed: of the order of results.
            port: where; 0 takes a free one.
            ten_seconds: requests in ten seconds.
            a_day: requests in a day.
            multi_status: good rows of a batch are written although others are bad.
        """
        super().__init__(latency, seed, port)
        self.windows = [Window("TEN_SECONDLY_ROLLING", ten_seconds, 10.0)]
        self.daily_limit = a_day
        self.multi_status = multi_status
        self.lacks_scopes: list[str] = []
        self.static_lists: dict[str, set[str]] = {}
        self.filtered_lists: set[str] = set()
        self.erased: set[str] = set()
        """Emails that were permanently deleted, or blocked."""
        self.objects = {
            "contacts": Rows(
                "email",
                {
                    "email": Property("string", is_unique=True),
                    "hs_additional_emails": Property("string", is_read_only=True),
                    "hs_object_id": Property("number", is_read_only=True),
                    "createdate": Property("datetime", is_read_only=True),
                    "firstname": Property("string"),
                    "lifecyclestage": Property("enumeration", ("lead", "customer")),
                },
            ),
            "companies": Rows(
                "hs_object_id",
                {
                    "hs_object_id": Property("number", is_read_only=True),
                    "name": Property("string"),
                    "domain": Property("string"),
                },
            ),
        }
        self._next_id = 1_000

    def prepare(self, sync: Sync) -> None:
        rows = self.objects[sync.object]
        if sync.match.field not in rows.properties:
            rows.properties[sync.match.field] = Property("string", is_unique=True)
            rows.key = sync.match.field
        for name, rule in sync.fields.items():
            rows.properties[name] = Property(KINDS[rule.type])
        for list_id in (
            sync.segment_changes.lists.values() if sync.segment_changes else ()
        ):
            self.static_lists.setdefault(list_id, set())

    # For tests ---------------------------------------------------------------------

    def create_property(self, of: str, name: str, known: Property) -> None:
        """Do what an admin does in the settings."""
        with self._lock:
            self.objects[of].properties[name] = known

    def create_list(self, list_id: str, is_filtered: bool = False) -> None:
        """Make a list; the members of a filtered one can't be changed by hand."""
        with self._lock:
            self.static_lists[list_id] = set()
            if is_filtered:
                self.filtered_lists.add(list_id)

    def records(self, kind: str = "") -> dict[str, Fields]:
        """The records by email (contacts) or id (companies), only what has a value."""
        with self._lock:
            rows = self.objects[kind or "contacts"]
            return {
                record.properties.get(rows.key) or record.record_id: {
                    name: in_our_form(text, rows.properties[name])
                    for name, text in record.properties.items()
                    if name != rows.key
                    and name in rows.properties
                    and not rows.properties[name].is_read_only
                }
                for record in rows.records.values()
            }

    def lists(self) -> dict[str, set[str]]:
        """The members of each list by their emails."""
        with self._lock:
            contacts = self.objects["contacts"].records
            return {
                list_id: {contacts[each].properties["email"] for each in members}
                for list_id, members in self.static_lists.items()
            }

    def drop_field(self, name: str) -> None:
        """Delete a property of contacts."""
        with self._lock:
            del self.objects["contacts"].properties[name]

    def put(self, key: str, fields: Mapping[str, Value], kind: str = "") -> None:
        """Write a record as people do who work there."""
        with self._lock:
            rows = self.objects[kind or "contacts"]
            record = rows.find(rows.key, key)
            if record is None:
                given = key if rows.key == "hs_object_id" else ""
                record = self.new_record(rows, given)
            record.properties |= {
                name: str(value) for name, value in fields.items() if value is not None
            }
            if rows.key != "hs_object_id":
                record.properties[rows.key] = key
            self.index(rows, record)

    def remove(self, key: str, kind: str = "") -> None:
        """Archive a record as people do who work there."""
        with self._lock:
            rows = self.objects[kind or "contacts"]
            if record := rows.find(rows.key, key):
                self.archive_record(rows, record)

    def merge(self, into: str, gone: str) -> None:
        """Merge two contacts, as people do who work there: both emails find it."""
        with self._lock:
            rows = self.objects["contacts"]
            kept, merged = rows.find("email", into), rows.find("email", gone)
            assert kept
            assert merged
            self.archive_record(rows, merged)
            others = kept.properties.get("hs_additional_emails", "").split(";")
            kept.properties["hs_additional_emails"] = ";".join(
                filter(None, [*others, gone])
            )
            rows.by_unique["email", gone.lower()] = kept.record_id

    def rename(self, email: str, to: str) -> None:
        """Give a contact another email, as people do who work there."""
        with self._lock:
            rows = self.objects["contacts"]
            record = rows.find("email", email)
            assert record
            del rows.by_unique["email", email.lower()]
            record.properties["email"] = to
            self.index(rows, record)

    # What is answered --------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        return [
            ("GET", r"/crm/properties/2026-03/(?P<object>\w+)", self.describe),
            ("POST", f"{OBJECTS}/batch/read", self.read),
            ("POST", f"{OBJECTS}/batch/(?P<kind>upsert|update|create)", self.write),
            ("POST", f"{OBJECTS}/batch/archive", self.archive),
            ("POST", "/crm/objects/2026-03/contacts/gdpr-delete", self.erase),
            (
                "PUT",
                r"/crm/lists/2026-03/(?P<list>\w+)/memberships/add-and-remove",
                self.change_list,
            ),
        ]

    def authorise(self, call: Call) -> Answer | None:
        if self.is_revoked or call.headers.get("authorization") != f"Bearer {TOKEN}":
            return failure(401, "INVALID_AUTHENTICATION", "Authentication credentials")
        if self.lacks_scopes and call.method != "GET":
            scopes = {"missingScopes": self.lacks_scopes}
            return failure(403, "MISSING_SCOPES", "This app lacks scopes", scopes)
        return None

    def too_many(self, call: Call, window: str, seconds: float) -> Answer:
        del call, seconds
        policy = window.upper()
        body = {
            "status": "error",
            "message": f"You have reached your {policy.lower()} limit.",
            "errorType": "RATE_LIMIT",
            "correlationId": "c033cdaa-2c40-4a64-ae48-b4cec88dad24",
            "policyName": policy,
        }
        return Answer(429, body)

    def headers(self) -> Mapping[str, str]:
        window = self.windows[0]
        limit = self.daily_limit or 0
        return {
            "X-HubSpot-RateLimit-Max": str(window.count),
            "X-HubSpot-RateLimit-Remaining": str(window.left),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Daily": str(limit),
            "X-HubSpot-RateLimit-Daily-Remaining": str(limit - self.used_today),
        }

    def keys(self, call: Call) -> Iterable[str]:
        found = re.match(OBJECTS, call.path)
        if not found or not call.path.endswith(("upsert", "update", "create")):
            return []
        try:
            inputs = call.json()["inputs"]
        except (ValueError, KeyError, TypeError):
            return []
        rows = self.objects[found["object"]]
        return [
            self.key_of(rows, one) or ""
            for one in (inputs if isinstance(inputs, list) else [])
            if isinstance(one, dict)
        ]

    def describe(self, call: Call) -> Answer:
        """All properties of an object."""
        rows = self.objects.get(call.found["object"])
        if rows is None:
            return failure(400, "VALIDATION_ERROR", "Unable to infer object type")
        return Answer(
            200,
            {
                "results": [
                    {
                        "name": name,
                        "label": name,
                        "type": known.kind,
                        "fieldType": "text",
                        "groupName": "intent",
                        "description": "",
                        "options": [
                            {"label": each, "value": each, "hidden": False}
                            for each in known.options
                        ],
                        # Emails are unique, though HubSpot does not say so here.
                        "hasUniqueValue": known.is_unique and name != "email",
                        "modificationMetadata": {
                            "archivable": True,
                            "readOnlyDefinition": False,
                            "readOnlyValue": known.is_read_only,
                        },
                    }
                    for name, known in rows.properties.items()
                ]
            },
        )

    def write(self, call: Call) -> Answer:
        """Create, update or upsert a batch."""
        rows, kind = self.objects[call.found["object"]], call.found["kind"]
        inputs, refusal = self.inputs(call, REQUIRED[kind])
        if refusal:
            return refusal
        twice = duplicated([str(one.get("id")) for one in inputs if "id" in one])
        if twice:
            return failure(
                400,
                "VALIDATION_ERROR",
                f"Duplicate IDs found in batch input: [{twice}]. IDs must be unique",
                {"ids": [twice]},
            )
        traces = [one.get("objectWriteTraceId") for one in inputs]
        by_row = self.multi_status and None not in traces
        if by_row and duplicated([str(trace) for trace in traces]):
            return failure(400, "VALIDATION_ERROR", "trace ids must be unique")
        judged = [self.judged(rows, one, kind) for one in inputs]
        faults = [fault for fault in judged if fault]
        if faults and not by_row:
            return Answer(faults[0].status, faults[0].body)
        results = [
            self.apply(rows, one, kind)
            for one, fault in zip(inputs, judged, strict=True)
            if not fault and not self.is_omitted(self.key_of(rows, one) or "")
        ]
        self.random.shuffle(results)
        body: dict[str, Any] = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": NOW,
            "completedAt": NOW,
        }
        if faults:
            body |= {"numErrors": len(faults), "errors": [one.body for one in faults]}
            return Answer(207, body)
        return Answer(201 if kind == "create" else 200, body)

    def read(self, call: Call) -> Answer:
        """Read a batch by ids, or by a property with unique values."""
        rows = self.objects[call.found["object"]]
        inputs, refusal = self.inputs(call, {"id"}, {"inputs", *READING})
        if refusal:
            return refusal
        body = call.json()
        name = body.get("idProperty", "hs_object_id")
        if name != "hs_object_id" and not is_unique(rows, name):
            return failure(400, "VALIDATION_ERROR", f"{name} has no unique values")
        found = {one["id"]: rows.find(name, one["id"]) for one in inputs}
        results = [
            self.shown(record, body["properties"])
            for record in found.values()
            if record
        ]
        self.random.shuffle(results)
        answer = {
            "status": "COMPLETE",
            "results": results,
            "startedAt": NOW,
            "completedAt": NOW,
        }
        missing = [each for each, record in found.items() if not record]
        if not missing:
            return Answer(200, answer)
        error = {
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "message": "Could not get some objects, they may be deleted or not exist.",
            "context": {"ids": missing},
        }
        return Answer(207, answer | {"numErrors": 1, "errors": [error]})

    def archive(self, call: Call) -> Answer:
        """Archive a batch by ids; those that are not there are passed over."""
        rows = self.objects[call.found["object"]]
        inputs, refusal = self.inputs(call, {"id"})
        if refusal:
            return refusal
        for one in inputs:
            if record := rows.records.get(one["id"]):
                self.archive_record(rows, record)
        return Answer(204)

    def erase(self, call: Call) -> Answer:
        """Delete a contact for good; an email that is not found is blocked."""
        body = call.json()
        if not isinstance(body, dict) or not isinstance(body.get("objectId"), str):
            return failure(400, "VALIDATION_ERROR", "objectId is missing")
        rows = self.objects["contacts"]
        record = rows.find(body.get("idProperty", "hs_object_id"), body["objectId"])
        if record is not None:
            self.erased.add(record.properties["email"])
            self.archive_record(rows, record)
        elif body.get("idProperty") == "email":
            self.erased.add(body["objectId"])
        else:
            return failure(404, "OBJECT_NOT_FOUND", "resource not found")
        return Answer(204)

    def change_list(self, call: Call) -> Answer:
        """Change the members of a static list."""
        list_id, body = call.found["list"], call.json()
        if list_id not in self.static_lists:
            return failure(404, "OBJECT_NOT_FOUND", f"List does not exist: {list_id}")
        if list_id in self.filtered_lists:
            return failure(400, "VALIDATION_ERROR", "The list is DYNAMIC")
        names = {"recordIdsToAdd", "recordIdsToRemove"}
        if not isinstance(body, dict) or body.keys() != names:
            return failure(400, "VALIDATION_ERROR", "Invalid input JSON")
        if not all(is_texts(each) for each in body.values()):
            return failure(400, "VALIDATION_ERROR", "Invalid input JSON")
        there = self.objects["contacts"].records
        members = self.static_lists[list_id]
        add, drop = set(body["recordIdsToAdd"]), set(body["recordIdsToRemove"])
        added = (add & there.keys()) - members
        dropped = drop & members
        self.static_lists[list_id] = (members | added) - dropped
        return Answer(
            200,
            {
                "recordsIdsAdded": sorted(added),
                "recordIdsRemoved": sorted(dropped),
                "recordIdsMissing": sorted((add | drop) - there.keys()),
            },
        )

    # One row -----------------------------------------------------------------------

    def inputs(
        self, call: Call, required: set[str], top: Iterable[str] = ("inputs",)
    ) -> tuple[list[dict[str, Any]], Answer | None]:
        """The inputs of a batch; or the answer, if they break the schema."""
        try:
            body = call.json()
        except ValueError:
            return [], failure(400, "VALIDATION_ERROR", "Invalid input JSON")
        wrong = ""
        if not isinstance(body, dict) or set(body) - set(top):
            wrong = "Invalid input JSON: unknown field"
        elif not isinstance(body.get("inputs"), list) or not body["inputs"]:
            wrong = "inputs: some items are required"
        elif len(body["inputs"]) > MOST:
            wrong = f"The maximum number of inputs supported in a batch is {MOST}"
        elif not all(is_input(one, required) for one in body["inputs"]):
            wrong = "Invalid input JSON"
        elif "properties" in top and not is_texts(body.get("properties")):
            wrong = "properties: must not be null"
        if wrong:
            return [], failure(400, "VALIDATION_ERROR", wrong)
        return body["inputs"], None

    def judged(
        self, rows: Rows, one: Mapping[str, Any], kind: str
    ) -> BadRowError | None:
        """Why a row is refused; None if it is not."""
        try:
            self.judge(rows, one, kind)
        except BadRowError as error:
            if trace := one.get("objectWriteTraceId"):
                error.body["context"] |= {"objectWriteTraceId": [trace]}
            return error
        return None

    def judge(self, rows: Rows, one: Mapping[str, Any], kind: str) -> None:
        name = one.get("idProperty", "hs_object_id")
        if kind != "create":
            refuses_email = kind == "update" and name == "email"
            by_id = kind == "update" and "idProperty" not in one
            if not by_id and (refuses_email or not is_unique(rows, name)):
                raise BadRowError(
                    "VALIDATION_ERROR",
                    f"Unable to perform update/upsert by non-unique property {name}",
                    {},
                )
        key = self.key_of(rows, one)
        record = None if kind == "create" else rows.find(name, one["id"])
        if kind == "update" and record is None:
            raise BadRowError("OBJECT_NOT_FOUND", "Not found", {"ids": [one["id"]]})
        if kind == "create" and (existing := self.existing(rows, one)):
            raise BadRowError(
                "CONFLICT",
                f"Contact already exists. Existing ID: {existing.record_id}",
                {"existingId": [existing.record_id]},
            )
        faults = [
            wrong
            for each, text in one["properties"].items()
            if (wrong := fault_of(rows.properties.get(each), each, text))
        ]
        new_email = key if record is None and rows.key == "email" else None
        if new_email is not None and not EMAIL.fullmatch(new_email):
            faults.append(value_fault("email", "INVALID_EMAIL", "is invalid"))
        if new_email in self.erased:
            faults.append(value_fault("email", "BLOCKED", "was deleted for good"))
        if poison := self.poisons.get(key or ""):
            said = f"{key} {poison.reason}"
            faults.append(value_fault(poison.field or "email", "INVALID_VALUE", said))
        if faults:
            text = orjson.dumps(faults).decode()
            raise BadRowError(
                "VALIDATION_ERROR", f"Property values were not valid: {text}", {}
            )

    def apply(self, rows: Rows, one: Mapping[str, Any], kind: str) -> dict[str, Any]:
        """Write a row, and return its result."""
        name = one.get("idProperty", "hs_object_id")
        record = None if kind == "create" else rows.find(name, one["id"])
        is_new = record is None
        if record is None:
            record = self.new_record(rows)
            if kind == "upsert":
                record.properties[name] = one["id"]
        for each, text in one["properties"].items():
            record.properties[each] = text
            if text == "":
                del record.properties[each]
        self.index(rows, record)
        key = record.properties.get(rows.key, record.record_id)
        if is_new:
            self.creations[key] += 1
        result = self.shown(record, one["properties"])
        if kind == "upsert":
            result["new"] = is_new
        if trace := one.get("objectWriteTraceId"):
            result["objectWriteTraceId"] = trace
        return result

    def key_of(self, rows: Rows, one: Mapping[str, Any]) -> str | None:
        """The key by which tests know the record of a row."""
        if "id" not in one:
            properties = one.get("properties")
            return properties.get(rows.key) if isinstance(properties, dict) else None
        name = one.get("idProperty", "hs_object_id")
        if name == rows.key:
            return str(one["id"])
        record = rows.find(name, str(one["id"]))
        return record.properties.get(rows.key) if record else None

    def existing(self, rows: Rows, one: Mapping[str, Any]) -> Record | None:
        """The record that has a unique value of a new one."""
        return next(
            (
                found
                for name, text in one["properties"].items()
                if name in rows.properties and rows.properties[name].is_unique
                if (found := rows.find(name, text))
            ),
            None,
        )

    def new_record(self, rows: Rows, record_id: str = "") -> Record:
        self._next_id += 1
        record = Record(record_id or str(self._next_id))
        rows.records[record.record_id] = record
        return record

    def index(self, rows: Rows, record: Record) -> None:
        for name in rows.names(record):
            rows.by_unique[name] = record.record_id

    def archive_record(self, rows: Rows, record: Record) -> None:
        del rows.records[record.record_id]
        for name in [n for n, r in rows.by_unique.items() if r == record.record_id]:
            del rows.by_unique[name]
        for members in self.static_lists.values():
            members.discard(record.record_id)

    def shown(self, record: Record, names: Iterable[str]) -> dict[str, Any]:
        """A record as answers have it."""
        shown: dict[str, str | None] = {"hs_object_id": record.record_id}
        for name in names:
            text = record.properties.get(name)
            known = next(
                (
                    rows.properties[name]
                    for rows in self.objects.values()
                    if name in rows.properties
                ),
                Property("string"),
            )
            shown[name] = as_shown(text, known)
        return {
            "id": record.record_id,
            "properties": shown,
            "createdAt": NOW,
            "updatedAt": NOW,
            "archived": False,
        }


KINDS = {
    FieldType.TEXT: "string",
    FieldType.NUMBER: "number",
    FieldType.INTEGER: "number",
    FieldType.BOOLEAN: "bool",
    FieldType.DATETIME: "datetime",
    FieldType.DATE: "date",
}
REQUIRED = {
    "upsert": {"id", "properties"},
    "update": {"id", "properties"},
    "create": {"properties", "associations"},
}
READING = ("idProperty", "properties", "propertiesWithHistory")
TEXTS = ("id", "idProperty", "objectWriteTraceId")


def failure(
    status: int,
    category: str,
    message: str,
    context: Mapping[str, Sequence[str]] | None = None,
) -> Answer:
    """An answer that refuses a request."""
    body = {
        "status": "error",
        "category": category,
        "message": message,
        "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf",
        "context": context or {},
    }
    return Answer(status, body)


def is_input(one: object, required: set[str]) -> bool:
    """One input has the form that the schema asks for."""
    if not isinstance(one, dict) or not required <= one.keys():
        return False
    if one.keys() - required - set(TEXTS):
        return False
    if not all(isinstance(one[name], str) for name in TEXTS if name in one):
        return False
    properties = one.get("properties", {})
    return isinstance(properties, dict) and is_texts(list(properties.values()))


def is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def is_unique(rows: Rows, name: str) -> bool:
    return name in rows.properties and rows.properties[name].is_unique


def duplicated(names: Sequence[str]) -> str:
    """A name that is there twice."""
    return next((name for name, times in Counter(names).items() if times > 1), "")


def value_fault(name: str, code: str, message: str) -> dict[str, Any]:
    return {"isValid": False, "message": message, "error": code, "name": name}


def fault_of(known: Property | None, name: str, text: str) -> dict[str, Any] | None:
    """What is wrong with a value."""
    if known is None:
        said = f'Property "{name}" does not exist'
        return value_fault(name, "PROPERTY_DOESNT_EXIST", said)
    if known.is_read_only:
        return value_fault(name, "READ_ONLY_VALUE", f"{name} is read only")
    if text == "":
        return None
    code = CHECKS[known.kind](text, known)
    return value_fault(name, code, f"{text} was not valid") if code else None


def check_number(text: str, _: Property) -> str:
    return "" if re.fullmatch(r"-?\d+(\.\d+)?", text) else "INVALID_DOUBLE"


def check_moment(text: str, known: Property) -> str:
    if re.fullmatch(r"-?\d+", text):
        is_midnight = int(text) % MIDNIGHT == 0
        return "" if is_midnight or known.kind == "datetime" else "INVALID_DATE"
    shape = r"\d{4}-\d\d-\d\d" + (r"T.*Z" if known.kind == "datetime" else "")
    return "" if re.fullmatch(shape, text) else "INVALID_DATE"


CHECKS: Mapping[str, Callable[[str, Property], str]] = {
    "string": lambda text, _: "VALUE_TOO_LONG" if len(text) > LONGEST else "",
    "number": check_number,
    "bool": lambda text, _: "" if text in ("true", "false") else "INVALID_BOOLEAN",
    "date": check_moment,
    "datetime": check_moment,
    "enumeration": lambda text, known: (
        "" if text in known.options else "INVALID_OPTION"
    ),
}


def as_moment(text: str) -> datetime:
    if re.fullmatch(r"-?\d+", text):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(text))
    return datetime.fromisoformat(text)


def as_shown(text: str | None, known: Property) -> str | None:
    """A value as answers have it: moments as ISO 8601."""
    if text is None or known.kind not in ("date", "datetime"):
        return text
    moment = as_moment(text)
    return f"{moment:%Y-%m-%d}" if known.kind == "date" else f"{moment:%FT%T}.000Z"


def in_our_form(text: str, known: Property) -> Value:
    """A value as tests have it."""
    match known.kind:
        case "number":
            return float(text)
        case "bool":
            return text == "true"
        case "date":
            return f"{as_moment(text):%F}"
        case "datetime":
            return f"{as_moment(text):%FT%TZ}"
    return text


def settings(url: str) -> Mapping[str, str]:
    return {"INTENT_HUBSPOT_TOKEN": TOKEN, "INTENT_HUBSPOT_URL": url}


CASES = (
    Case(
        "hubspot",
        "hubspot",
        HubSpotStandIn,
        settings,
        writes="/batch/(upsert|update)",
        carries="/batch/",
        unheard="/batch/(upsert|update)|/memberships/",
        lists_at="/memberships/",
        echo=lambda words: {"status": "error", "category": "X", "message": words},
        lists={"hot": "101", "warm": "102"},
        lacks={
            Trait.EVENTS: "the sync tells segments by lists",
            Trait.TOKENS: "its key does not expire",
            Trait.CLOCK: "requests are not dated",
            Trait.JOBS: "what it takes is done when it answers",
        },
    ),
    Case(
        "hubspot_companies",
        "hubspot_companies",
        HubSpotStandIn,
        settings,
        kind="companies",
        lacks=not_contacts("companies"),
    ),
)

if __name__ == "__main__":
    serve(HubSpotStandIn)
