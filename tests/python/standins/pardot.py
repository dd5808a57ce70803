"""A business unit of Account Engagement (Pardot), as its developer guide describes it.

Source: https://developer.salesforce.com/docs/marketing/pardot/guide, the pages Import
API, Prospect, Custom Field, Error Codes and Authentication of version 5; what they
leave open is as in version 4 (https://github.com/pardot/api-docs).

The traps are here, too: a blank cell unsets what is there; a file whose columns are
unknown, or not those of the first, is refused as a whole; imports are done in any
order; who was deleted is in a recycle bin, and an import does not bring them back.
"""

import csv
import io
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qs

from intent.sync.spec import FieldType, Sync

from standins.case import Case
from standins.kit import Answer, Call, Fields, Route, StandIn, Value, serve

CLIENT_ID = "3MVG9pardotintentclient"
CLIENT_SECRET = "8F1B7C2D9E6A4F30pardotsecret"  # made up
BUSINESS_UNIT = "0Uv3i000000CaRLCA0"
BATCH = 10_000_000
IMPORTS = "/api/v5/imports"
FOUND_BY = ("matchId", "matchSalesforceId", "matchEmail")
LIST_COLUMNS = ("addToList", "removeFromList")
STANDARD = {"email": "Text", "company": "Text", "comments": "Textarea"}
TYPES = {
    FieldType.TEXT: "Text",
    FieldType.NUMBER: "Number",
    FieldType.INTEGER: "Number",
    FieldType.BOOLEAN: "Checkbox",
    FieldType.DATETIME: "Text",
    FieldType.DATE: "Date",
}
DATE = re.compile(r"\d{4}-\d\d-\d\d")
LONGEST = {"Text": 65_000}


class RowError(Exception):
    """A row of an import is refused."""


@dataclass
class Prospect:
    """A person."""

    id: int
    email: str
    values: dict[str, Value] = field(default_factory=dict)
    touched: int = 0
    """When there was activity last."""


@dataclass
class Import:
    """An import, and what became of its rows."""

    id: int
    creates: bool
    restores: bool
    names: list[str] = field(default_factory=list)
    files: list[list[list[str]]] = field(default_factory=list)
    status: str = "Open"
    looks: int = 0
    created: int = 0
    updated: int = 0
    errors: list[list[str]] = field(default_factory=list)


class PardotStandIn(StandIn):
    """Stands in for Account Engagement."""

    def __init__(self, latency: float = 0.0, seed: int = 0, port: int = 0) -> None:
        super().__init__(latency, seed, port)
        self.most_at_once = 5
        self.daily_limit = 25_000
        self.looks_until_done = 0
        """How often an import is looked at in vain."""
        self.stuck = 0
        """So many imports from now on never end."""
        self.schema: dict[str, str] = {}
        """The custom fields, with their types."""
        self.imports: dict[int, Import] = {}
        self.bin: set[str] = set()
        """The emails of who was deleted."""
        self._ids = itertools.count(70_001)
        self._moments = itertools.count(1)
        self._prospects: dict[int, Prospect] = {}
        self._by_email: dict[str, list[Prospect]] = {}
        self._lists: dict[str, set[int]] = {"1001": set(), "1002": set(), "1003": set()}

    def routes(self) -> Sequence[Route]:
        one = rf"{IMPORTS}/(?P<id>\d+)"
        return [
            ("GET", "/api/v5/objects/custom-fields", self.describe),
            ("GET", "/api/v5/objects/prospects", self.query),
            ("DELETE", r"/api/v5/objects/prospects/(?P<id>\d+)", self.delete),
            ("POST", IMPORTS, self.create_import),
            ("POST", f"{one}/batches", self.add_batch),
            ("PATCH", one, self.make_ready),
            ("GET", one, self.look),
            ("GET", f"{one}/errors", self.read_errors),
        ]

    # Authorisation -----------------------------------------------------------------

    def _answer(self, call: Call, logged: Any) -> Answer:
        if call.path == "/services/oauth2/token":  # Salesforce's, which counts apart
            return self.give_token(call)
        return super()._answer(call, logged)

    def give_token(self, call: Call) -> Answer:
        told = {
            name: values[0] for name, values in parse_qs(call.body.decode()).items()
        }
        is_right = told == {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        if not is_right or self.is_revoked:
            self.refusals += 1
            body = {"error": "invalid_client", "error_description": "invalid secret"}
            return Answer(401, body)
        return Answer(200, {"access_token": self.new_token(), "token_type": "Bearer"})

    def authorise(self, call: Call) -> Answer | None:
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        if not self.token_holds(token):
            return error(184, "access_token is invalid, unknown, or malformed", 401)
        if call.headers.get("pardot-business-unit-id") != BUSINESS_UNIT:
            return error(181, "Business unit id is missing or wrong")
        return None

    def too_many(self, call: Call, window: str, seconds: float) -> Answer:
        del call, seconds
        if window == "at once":
            return error(66, "You have exceeded your concurrent request limit", 429)
        return error(122, "Daily API rate limit met", 429)

    def no_such_path(self, call: Call) -> Answer:
        del call
        return error(89, "Invalid path", 404)

    # Imports -----------------------------------------------------------------------

    def keys(self, call: Call) -> Iterable[str]:
        if not re.fullmatch(rf"{IMPORTS}/\d+/batches", call.path):
            return ()
        try:
            lines = list(csv.reader(io.StringIO(file_of(call), newline="")))
            place = lines[0].index("matchEmail")
            return [cells[place].lower() for cells in lines[1:]]
        except (ValueError, IndexError):
            return ()

    def create_import(self, call: Call) -> Answer:
        told = call.json()
        if (told.get("operation"), told.get("object")) != ("Upsert", "Prospect"):
            return error(600, "operation and object are needed")
        known = {"operation", "object", "createOnNoMatch", "restoreDeleted", "columns"}
        if told.keys() - known:
            return error(600, "unknown property")
        one = Import(
            len(self.imports) + 501,
            bool(told.get("createOnNoMatch", False)),
            bool(told.get("restoreDeleted", False)),
        )
        self.imports[one.id] = one
        return Answer(201, {"id": one.id, "status": one.status, "isExpired": False})

    def find(self, call: Call) -> Import | None:
        return self.imports.get(int(call.found["id"]))

    def add_batch(self, call: Call) -> Answer:
        one = self.find(call)
        if one is None:
            return missing()
        if len(call.body) >= BATCH:
            return error(600, "a batch must be smaller than 10 MB", 413)
        try:
            lines = list(
                csv.reader(io.StringIO(file_of(call), newline=""), strict=True)
            )
        except (ValueError, csv.Error):
            return error(600, "importFile is no CSV")
        if wrong := self.wrong_batch(one, lines[0]):
            return error(600, wrong)
        one.names = lines[0]
        one.files.append(lines[1:])
        return Answer(204)

    def wrong_batch(self, one: Import, names: list[str]) -> str:
        """Why a batch is refused; '' if it is not."""
        known = {*FOUND_BY, *LIST_COLUMNS, *STANDARD, *self.schema}
        if one.status != "Open":
            return "the import is submitted already"
        if len(one.files) >= 10:
            return "an import has at most 10 batches"
        if unknown := [name for name in names if name not in known]:
            return f"Invalid column: {unknown[0]}"
        if one.files and names != one.names:
            return "the columns are not those of the first batch"
        return ""

    def make_ready(self, call: Call) -> Answer:
        one = self.find(call)
        if one is None:
            return missing()
        if call.json() != {"status": "Ready"} or one.status != "Open" or not one.files:
            return error(600, f"an import that is {one.status} can't be made ready")
        one.status = "Waiting"
        return Answer(200, {"id": one.id, "status": one.status, "isExpired": False})

    def look(self, call: Call) -> Answer:
        one = self.find(call)
        if one is None:
            return missing()
        if one.status in ("Waiting", "Processing"):
            one.looks += 1
            one.status = "Processing"
            if one.looks > self.looks_until_done:
                self.process(one)
        told = {
            "id": one.id,
            "status": one.status,
            "isExpired": False,
            "createdCount": one.created,
            "updatedCount": one.updated,
            "errorCount": len(one.errors),
        }
        asked = call.query.get("fields", "id").split(",")
        if unknown := [name for name in asked if name not in told]:
            return error(65, f"Invalid field: {unknown[0]}")
        return Answer(200, {name: told[name] for name in asked})

    def process(self, one: Import) -> None:
        """Do what an import asks for, in no order."""
        if self.stuck:
            self.stuck -= 1
            one.looks = -(10**9)
            return
        rows = [cells for file in one.files for cells in file]
        self.random.shuffle(rows)
        for cells in rows:
            try:
                told = dict(zip(one.names, cells, strict=True))
                self.import_row(one, told)
            except RowError as refused:
                one.errors.append([*cells, str(refused)])
        one.status = "Complete"

    def import_row(self, one: Import, told: dict[str, str]) -> None:
        email = told.pop("matchEmail").strip()
        key = email.lower()
        if self.is_omitted(key):
            return
        if poison := self.poisons.get(key):
            where = f"{poison.field}: " if poison.field else ""
            raise RowError(f"{where}{poison.reason}")
        if "@" not in email:
            raise RowError("Invalid email address")
        joined, left = (told.pop(name, "") for name in LIST_COLUMNS)
        values = {name: self.value(name, cell) for name, cell in told.items()}
        found = self._by_email.get(key, [])
        if not found and key in self.bin and not (one.restores and one.creates):
            raise RowError("The prospect is in the recycle bin")
        if not found and not one.creates:
            raise RowError("No matching prospect was found")
        if found:
            prospect = max(found, key=lambda each: each.touched)
            one.updated += 1
        else:
            prospect = self.create(email)
            self.creations[key] += 1
            self.bin.discard(key)
            one.created += 1
        self.write(prospect, values)
        for list_id, is_in in ((joined, True), (left, False)):
            if list_id:
                self.change_list(list_id, prospect.id, is_in)

    def change_list(self, list_id: str, prospect: int, is_in: bool) -> None:
        members = self._lists.get(list_id)
        if members is None:
            raise RowError(f"List {list_id} is not valid")
        (members.add if is_in else members.discard)(prospect)

    def value(self, name: str, cell: str) -> Value:
        """A cell as it is stored; a blank one is none."""
        if not cell.strip():
            return None
        match self.schema.get(name, STANDARD.get(name)):
            case "Number":
                try:
                    return float(cell)
                except ValueError:
                    raise RowError(f"{name}: is not a number") from None
            case "Date" if not DATE.fullmatch(cell):
                raise RowError(f"{name}: is not a date")
            case "Checkbox":
                return cell.lower() == "true"
            case kind if len(cell) > LONGEST.get(str(kind), 10**6):
                raise RowError(f"{name}: is too long")
        return cell

    def read_errors(self, call: Call) -> Answer:
        one = self.find(call)
        if one is None:
            return missing()
        if one.status != "Complete":
            return error(600, "the import is not complete")
        text = io.StringIO()
        csv.writer(text).writerows([[*one.names, "errors"], *one.errors])
        return Answer(200, text.getvalue().encode(), {"Content-Type": "text/csv"})

    # Prospects ---------------------------------------------------------------------

    def describe(self, call: Call) -> Answer:
        if set(call.query.get("fields", "id").split(",")) - {"id", "fieldId", "type"}:
            return error(65, "Invalid field")
        values = [
            {"fieldId": name.removesuffix("__c"), "type": kind}
            for name, kind in self.schema.items()
        ]
        return Answer(200, {"values": values, "nextPageToken": None})

    def query(self, call: Call) -> Answer:
        asked = call.query.get("fields", "id").split(",")
        known = {"id", "lastActivityAt", *STANDARD, *self.schema}
        if unknown := [name for name in asked if name not in known]:
            return error(65, f"Invalid field: {unknown[0]}")
        email = call.query.get("email")
        if email is None:
            return error(600, "this stand-in finds by email only")
        found = self._by_email.get(email.lower(), [])
        return Answer(200, {"values": [self.told(each, asked) for each in found]})

    def told(self, one: Prospect, asked: Iterable[str]) -> dict[str, Any]:
        own = {"id": one.id, "email": one.email, "lastActivityAt": f"{one.touched:020}"}
        return {name: own.get(name, one.values.get(name)) for name in asked}

    def delete(self, call: Call) -> Answer:
        one = self._prospects.pop(int(call.found["id"]), None)
        if one is None:
            return missing()
        left = self._by_email[one.email.lower()]
        left.remove(one)
        for members in self._lists.values():
            members.discard(one.id)
        self.bin.add(one.email.lower())
        return Answer(204)

    def create(self, email: str) -> Prospect:
        one = Prospect(next(self._ids), email)
        self._prospects[one.id] = one
        self._by_email.setdefault(email.lower(), []).append(one)
        return one

    def write(self, one: Prospect, values: Mapping[str, Value]) -> None:
        one.values.update(values)
        one.touched = next(self._moments)

    # What tests look at ------------------------------------------------------------

    def records(self, kind: str = "") -> dict[str, Fields]:
        """The prospects by email; of several, the one with the latest activity."""
        del kind
        with self._lock:
            return {
                key: dict(max(found, key=lambda one: one.touched).values)
                for key, found in self._by_email.items()
                if found
            }

    def lists(self) -> dict[str, set[str]]:
        with self._lock:
            return {
                list_id: {self._prospects[each].email.lower() for each in members}
                for list_id, members in self._lists.items()
            }

    def prepare(self, sync: Sync) -> None:
        with self._lock:
            for name, rule in sync.fields.items():
                if name.endswith("__c"):
                    self.schema.setdefault(name, TYPES[rule.type])

    def drop_field(self, name: str) -> None:
        with self._lock:
            del self.schema[name]

    def put(self, key: str, fields: Mapping[str, Value], kind: str = "") -> None:
        del kind
        with self._lock:
            found = self._by_email.get(key.lower())
            self.bin.discard(key.lower())
            self.write(found[0] if found else self.create(key), fields)

    def remove(self, key: str, kind: str = "") -> None:
        del kind
        with self._lock:
            for one in self._by_email.pop(key.lower(), []):
                del self._prospects[one.id]
            self.bin.add(key.lower())


def error(code: int, message: str, status: int = 400) -> Answer:
    return Answer(status, {"code": code, "message": message})


def missing() -> Answer:
    return error(109, "Invalid ID", 404)


def file_of(call: Call) -> str:
    """The file of a multipart request. Raises: ValueError."""
    kind = call.headers.get("content-type", "")
    message = message_from_bytes(f"content-type: {kind}\r\n\r\n".encode() + call.body)
    for part in message.get_payload() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
        if name == "importFile":
            content = part.get_payload(decode=True)  # type: ignore[union-attr]
            assert isinstance(content, bytes)
            return content.decode()
    raise ValueError("there is no importFile")


def settings(url: str) -> Mapping[str, str]:
    return {
        "INTENT_PARDOT_URL": url,
        "INTENT_PARDOT_DOMAIN": "shop",
        "INTENT_PARDOT_CLIENT_ID": CLIENT_ID,
        "INTENT_PARDOT_CLIENT_SECRET": CLIENT_SECRET,
        "INTENT_PARDOT_BUSINESS_UNIT_ID": BUSINESS_UNIT,
    }


CASES = (
    Case(
        "pardot",
        "pardot",
        PardotStandIn,
        settings,
        changes={"options": {"poll_seconds": 0.02}},
        lists={"hot": "1001", "warm": "1002"},
        omits=True,
        names_in_path=True,
    ),
)

if __name__ == "__main__":
    serve(PardotStandIn)
