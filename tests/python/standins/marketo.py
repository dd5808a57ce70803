"""A Marketo instance, as Marketo's developer guide describes it.

Source of everything: https://experienceleague.adobe.com/en/docs/marketo-developer, the
pages Leads, Lead Database, Bulk Lead Import, List Membership, Activities,
Authentication and Error Codes, and the reference at
https://developer.adobe.com/marketo-apis.

The trap of the page Leads is here, too: "Concurrent or closely timed upsert requests
can create duplicate records when multiple requests use the same key value before the
first request returns." A lead that a request makes is found by others when the answer
has gone out; if it never does, after `settles_after` seconds. (At Marketo a request to
Sync Leads may take up to 90 s.)
"""

import csv
import io
import itertools
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qs

from intent.sync.spec import FieldType, Sync

from standins.case import Case, Trait
from standins.kit import Answer, Call, Fields, Logged, RateWindow, Route, StandIn, serve

CLIENT_ID = "b417d98f-9289-47d1-a61f-db141bf0267f"
CLIENT_SECRET = "0DSIpE7OpMiJyVRkEbeAzYcuC0yjHJHx"  # made up
MEGABYTE = 1_000_000
IDENTITY = "/identity/oauth/token"
NULL = "NULL"

STANDARD_FIELDS = {
    "id": "integer",
    "email": "email",
    "firstName": "string",
    "lastName": "string",
    "leadScore": "score",
    "createdAt": "datetime",
    "updatedAt": "datetime",
}
READ_ONLY = frozenset({"id", "createdAt", "updatedAt"})
CUSTOM_FIELDS = {
    "intentSegment": "string",
    "intentGrade": "string",
    "intentFitGrade": "string",
    "intentBuyingStage": "string",
    "intentScore": "float",
    "intentHotUntil": "datetime",
    "intentWarmUntil": "datetime",
    "intentScorePercentile": "float",
    "intentScoreChange7d": "float",
    "intentTopDriver": "string",
    "intentDrivers": "string",
    "intentTopInterest": "string",
    "intentLastActivityAt": "datetime",
    "intentAsOf": "datetime",
    "intentContactId": "string",
}
"""What an admin has created, by the default sync."""
TYPES = {
    FieldType.TEXT: "string",
    FieldType.NUMBER: "float",
    FieldType.INTEGER: "integer",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATETIME: "datetime",
    FieldType.DATE: "date",
}
LENGTHS = {"string": 255, "email": 255, "text": 30_000}
SEARCHABLE_TYPES = ("string", "email", "integer")

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")
DATE = re.compile(r"\d{4}-\d\d-\d\d")


class RequestError(Exception):
    """The request as a whole is refused."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        self.message = message


class RecordError(Exception):
    """One record is refused."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        self.message = message

    @property
    def reasons(self) -> list[dict[str, str]]:
        return [{"code": str(self.code), "message": self.message}]


@dataclass
class Lead:
    """A person."""

    id: int
    values: dict[str, Any]
    made_by: Logged | None
    """The request that made it, while that has not been answered."""
    found_from: float
    """When others find it, by `time.monotonic`."""


@dataclass
class Import:
    """A bulk import."""

    id: int
    names: list[str]
    rows: list[list[str]]
    lookup: str
    state: str = "Queued"
    ends_at: float = 0.0
    made: list[Lead] = field(default_factory=list)
    failures: list[list[str]] = field(default_factory=list)
    warnings: list[list[str]] = field(default_factory=list)
    is_to_fail: bool = False


class MarketoStandIn(StandIn):
    """Stands in for Marketo."""

    def __init__(self, latency: float = 0.0, seed: int = 0, port: int = 0) -> None:
        super().__init__(latency, seed, port)
        self.windows = [RateWindow("rate", 100, 20.0)]
        self.most_at_once = 10
        self.daily_limit = 50_000
        self.token_seconds = 3600.0
        self.settles_after = 0.5
        self.import_seconds = 0.2
        """How long an import of any size takes, once it is its turn."""
        self.types = {**STANDARD_FIELDS, **CUSTOM_FIELDS}
        self.partitions = {"Default"}
        self.activity_types: dict[int, frozenset[str]] = {
            100001: frozenset({"fromSegment", "toSegment"})
        }
        """The approved custom activities, with their attributes besides the first."""
        self.imports: dict[int, Import] = {}
        self.imports_that_fail = 0
        """So many imports from now on end as Failed, having done half of their work."""
        self.warned: set[str] = set()
        """Match keys whose rows end with a warning, when they are imported."""
        self._ids = itertools.count(318_001)
        self._leads: dict[int, Lead] = {}
        self._by_email: dict[str, list[Lead]] = {}
        self._lists: dict[int, set[int]] = {1001: set(), 1002: set(), 1003: set()}
        self._activities: list[dict[str, Any]] = []
        self._given: set[str] = set()
        self._token = ""
        self._token_from = 0.0
        self._answering: Logged | None = None

    def routes(self) -> Sequence[Route]:
        return [
            ("POST", r"/rest/v1/leads\.json", self.leads),
            ("GET", r"/rest/v1/leads\.json", self.find),
            ("POST", r"/rest/v1/leads/delete\.json", self.delete),
            ("GET", r"/rest/v1/leads/describe2\.json", self.describe),
            ("POST", r"/rest/v1/lists/(?P<list>\d+)/leads\.json", self.join),
            ("DELETE", r"/rest/v1/lists/(?P<list>\d+)/leads\.json", self.drop),
            ("POST", r"/rest/v1/activities/external\.json", self.add_activities),
            ("POST", r"/bulk/v1/leads\.json", self.start_import),
            ("GET", r"/bulk/v1/leads/batch/(?P<id>\d+)\.json", self.import_state),
            (
                "GET",
                r"/bulk/v1/leads/batch/(?P<id>\d+)/(?P<what>failures|warnings)\.json",
                self.import_file,
            ),
        ]

    # Answers -----------------------------------------------------------------------

    def _answer(self, call: Call, logged: Logged) -> Answer:
        if call.path == IDENTITY:  # neither counted nor limited
            return self.identity(call)
        self._answering = logged
        self.go_on_importing()
        try:
            return super()._answer(call, logged)
        except RequestError as error:
            return self.errors(error.code, error.message)
        finally:
            self._answering = None

    def _leave(self, logged: Logged) -> None:
        super()._leave(logged)
        if logged.status == 200 and logged.fault is None:
            for lead in self._leads.values():
                if lead.made_by is logged:
                    lead.made_by, lead.found_from = None, 0.0

    def errors(self, code: int, message: str) -> Answer:
        errors = [{"code": str(code), "message": message}]
        return Answer(200, {**self._id(), "success": False, "errors": errors})

    def results(self, results: Sequence[Any], **more: Any) -> Answer:
        return Answer(
            200, {**self._id(), "result": list(results), "success": True, **more}
        )

    def _id(self) -> dict[str, str]:
        return {"requestId": f"{self.random.getrandbits(48):x}"}

    def no_such_path(self, call: Call) -> Answer:
        del call
        return self.errors(610, "Requested resource not found")

    def too_many(self, call: Call, window: str, seconds: float) -> Answer:
        del call
        if window == "at once":
            return self.errors(615, "Concurrent access limit reached")
        if window == "daily":
            return self.errors(607, "Daily quota reached")
        return self.errors(606, f"Max rate limit '100' exceeded with in '{seconds}'")

    # Authorisation -----------------------------------------------------------------

    def identity(self, call: Call) -> Answer:
        """Give out a token: the same one until it expires."""
        told = {**dict(call.query), **_form(call.body)}
        is_right = told == {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        if call.method not in ("GET", "POST") or not is_right or self.is_revoked:
            self.refusals += 1
            body = {"error": "unauthorized", "error_description": "No client with id"}
            return Answer(401, body)
        age = call.at - self._token_from
        if self._token not in self._tokens or age >= self.token_seconds:
            self._token, self._token_from, age = self.new_token(), call.at, 0.0
            self._given.add(self._token)
        return Answer(
            200,
            {
                "access_token": self._token,
                "token_type": "bearer",
                "expires_in": int(self.token_seconds - age),
                "scope": "api@shop.example",
            },
        )

    def authorise(self, call: Call) -> Answer | None:
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        if "access_token" in call.query or token not in self._given:
            return self.errors(601, "Access token invalid")
        is_old = call.at - self._token_from >= self.token_seconds
        if is_old or not self.token_holds(token):
            return self.errors(602, "Access token expired")
        return None

    # Sync Leads --------------------------------------------------------------------

    def keys(self, call: Call) -> Iterable[str]:
        is_write = call.path == "/rest/v1/leads.json" and call.method == "POST"
        if not is_write or call.query.get("_method") == "GET":
            return ()
        try:
            told = call.json()
            return [_key(record[told["lookupField"]]) for record in told["input"]]
        except (ValueError, KeyError, TypeError):
            return ()

    def leads(self, call: Call) -> Answer:
        if call.query.get("_method") == "GET":
            return self.find(call)
        told = self.json_input(call)
        action = told.get("action", "createOrUpdate")
        lookup = told.get("lookupField", "email")
        if action not in ("createOrUpdate", "createOnly", "updateOnly"):
            raise RequestError(1003, f"Invalid action '{action}'")
        self.check_lookup(lookup)
        partition = told.get("partitionName", "Default")
        is_allowed = action != "updateOnly" or "partitionName" not in told
        if not is_allowed or partition not in self.partitions:
            raise RequestError(1008, f"Access denied to partition '{partition}'")
        results = [
            self.sync_lead(record, action, lookup)
            for record in told["input"]
            if not self.is_omitted(_key(record.get(lookup)))
        ]
        return self.results(results)

    def sync_lead(
        self, record: Mapping[str, Any], action: str, lookup: str
    ) -> dict[str, Any]:
        try:
            values = self.check(record)
            key = values.get(lookup)
            if key is None:
                raise RecordError(1003, f"Value for lookup field '{lookup}' not found")
            found = self.find_leads(lookup, key)
            if len(found) > 1:
                raise RecordError(1007, "Multiple leads match the lookup criteria")
            if found and action == "createOnly":
                raise RecordError(1005, "Lead already exists")
            if not found and action == "updateOnly":
                raise RecordError(1004, "Lead not found")
        except RecordError as error:
            return {"status": "skipped", "reasons": error.reasons}
        if found:
            self.write(found[0], values)
            return {"id": found[0].id, "status": "updated"}
        return {"id": self.create(values).id, "status": "created"}

    def check(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a record, if all may be written."""
        if poison := self.poisons.get(_key(record.get("email"))):
            code = 1006 if poison.field else 1003
            told = (
                f"Field '{poison.field}' not found"
                if poison.field
                else (f"Invalid data: {poison.reason}")
            )
            raise RecordError(code, told)
        return {name: self.value(name, value) for name, value in record.items()}

    def value(self, name: str, value: Any) -> Any:
        """A value as it is stored."""
        kind = self.types.get(name)
        if kind is None:
            raise RecordError(1006, f"Field '{name}' not found")
        if name in READ_ONLY:
            raise RecordError(1003, f"Field '{name}' is read only")
        if value is None or value == "":
            return None
        if not CHECKS[kind](value):
            raise RecordError(
                1001, f"Invalid value '{value}'. Required of type '{kind}'"
            )
        if isinstance(value, str) and len(value) > LENGTHS.get(kind, 10**9):
            raise RecordError(1003, f"Value too long for field '{name}'")
        return float(value) if kind in ("float", "currency") else value

    def create(self, values: Mapping[str, Any]) -> Lead:
        now = _now()
        lead = Lead(
            next(self._ids),
            {**values, "createdAt": now, "updatedAt": now},
            self._answering,
            time.monotonic() + self.settles_after,
        )
        self._leads[lead.id] = lead
        key = _key(values.get("email"))
        self._by_email.setdefault(key, []).append(lead)
        self.creations[key] += 1
        return lead

    def write(self, lead: Lead, values: Mapping[str, Any]) -> None:
        lead.values.update(values, updatedAt=_now())

    def find_leads(self, name: str, value: Any) -> list[Lead]:
        """The leads that a request finds now; emails in any case."""
        now = time.monotonic()
        if name == "email":
            among: Iterable[Lead] = self._by_email.get(_key(value), ())
        else:
            among = (
                lead
                for lead in self._leads.values()
                if str(lead.id if name == "id" else lead.values.get(name)) == str(value)
            )
        return [lead for lead in among if lead.found_from <= now]

    def check_lookup(self, name: str) -> None:
        if self.types.get(name) not in SEARCHABLE_TYPES or name == "firstName":
            raise RequestError(1011, f"Field '{name}' not supported")

    def json_input(self, call: Call) -> dict[str, Any]:
        """The body of a request that has `input`."""
        if "application/json" not in call.headers.get("content-type", ""):
            raise RequestError(612, "Invalid Content Type")
        try:
            told = call.json()
        except ValueError:
            raise RequestError(609, "Invalid JSON") from None
        records = told.get("input") if isinstance(told, dict) else None
        if not isinstance(records, list) or not records:
            raise RequestError(1002, "Missing value for the required parameter 'input'")
        if len(records) > 300:
            raise RequestError(1003, "More than 300 records")
        assert isinstance(told, dict)
        return told

    # Look-up -----------------------------------------------------------------------

    def find(self, call: Call) -> Answer:
        told = {**dict(call.query), **_form(call.body)}
        name, values = told.get("filterType"), told.get("filterValues")
        if not name or not values:
            raise RequestError(1002, "Missing value for the required parameter")
        self.check_lookup(name)
        wanted = list(dict.fromkeys(values.split(",")))
        if len(wanted) > 300:
            raise RequestError(1003, "Too many filter values")
        asked = told.get("fields", "id,email,updatedAt,createdAt,firstName,lastName")
        names = asked.split(",")
        for unknown in (name for name in names if name not in self.types):
            raise RequestError(1006, f"Field '{unknown}' not found")
        leads = [lead for value in wanted for lead in self.find_leads(name, value)]
        if len(leads) > 1000:
            raise RequestError(1003, "Too many results match the filter")
        self.random.shuffle(leads)
        results = [
            {"id": lead.id, **{name: lead.values.get(name) for name in names}}
            | {"id": lead.id}
            for lead in leads[:300]
        ]
        more = {"moreResult": True, "nextPageToken": "PS5VL5WD4UOWGOUCJR6VY7JQO2KUXL7B"}
        return self.results(results, **(more if len(leads) > 300 else {}))

    def describe(self, call: Call) -> Answer:
        del call
        fields = [
            {
                "name": name,
                "displayName": name,
                "dataType": kind,
                **({"length": LENGTHS[kind]} if kind in LENGTHS else {}),
                "updateable": name not in READ_ONLY,
                "crmManaged": False,
            }
            for name, kind in self.types.items()
        ]
        searchable = [
            [name] for name, kind in self.types.items() if kind in SEARCHABLE_TYPES
        ]
        described = {
            "name": "API Lead",
            "searchableFields": searchable,
            "fields": fields,
        }
        return self.results([described])

    # Deletion, lists, activities ---------------------------------------------------

    def delete(self, call: Call) -> Answer:
        results = []
        for lead_id in self.lead_ids(call):
            lead = self._leads.pop(lead_id, None)
            if lead is None:
                results.append(_skipped(lead_id, 1004, "Lead not found"))
                continue
            self._by_email[_key(lead.values.get("email"))].remove(lead)
            for members in self._lists.values():
                members.discard(lead_id)
            results.append({"id": lead_id, "status": "deleted"})
        return self.results(results)

    def join(self, call: Call) -> Answer:
        return self.change_list(call, "added")

    def drop(self, call: Call) -> Answer:
        return self.change_list(call, "removed")

    def change_list(self, call: Call, done: str) -> Answer:
        members = self._lists.get(int(call.found["list"]))
        if members is None:
            raise RequestError(1013, "Object not found")
        results = []
        for lead_id in self.lead_ids(call):
            if lead_id not in self._leads:
                results.append(_skipped(lead_id, 1004, "Lead not found"))
            elif done == "removed" and lead_id not in members:
                results.append(_skipped(lead_id, 1015, "Lead not in list"))
            else:
                (members.add if done == "added" else members.discard)(lead_id)
                results.append({"id": lead_id, "status": done})
        return self.results(results)

    def lead_ids(self, call: Call) -> list[int]:
        records = self.json_input(call)["input"]
        try:
            return [int(record["id"]) for record in records]
        except (KeyError, TypeError, ValueError):
            raise RequestError(1001, "Invalid value. Required of type 'id'") from None

    def add_activities(self, call: Call) -> Answer:
        results: list[dict[str, Any]] = []
        for record in self.json_input(call)["input"]:
            try:
                activity = self.check_activity(record)
            except RecordError as error:
                results.append({"status": "skipped", "errors": error.reasons})
                continue
            self._activities.append(activity)
            number = len(self._activities)
            results.append(
                {"id": number, "marketoGUID": str(number), "status": "added"}
            )
        return self.results(results)

    def check_activity(self, record: Mapping[str, Any]) -> dict[str, Any]:
        needed = ("leadId", "activityDate", "activityTypeId", "primaryAttributeValue")
        for name in (*needed, "attributes"):
            if record.get(name) is None:
                raise RecordError(701, f"{name} cannot be blank")
        attributes = {one["apiName"]: one["value"] for one in record["attributes"]}
        known = self.activity_types.get(record["activityTypeId"])
        if known is None or not attributes.keys() <= known:
            raise RecordError(1003, "Invalid activity")
        if not MOMENT.fullmatch(record["activityDate"]):
            raise RecordError(704, "Invalid date format")
        if record["leadId"] not in self._leads:
            raise RecordError(1004, "Lead not found")
        return {**record, "attributes": attributes}

    # Bulk import -------------------------------------------------------------------

    def start_import(self, call: Call) -> Answer:
        if len(call.body) > 10 * MEGABYTE:
            return Answer(413, b"Request Entity Too Large")
        if call.query.get("format") != "csv":
            raise RequestError(
                1002, "Missing value for the required parameter 'format'"
            )
        lookup = call.query.get("lookupField", "email")
        self.check_lookup(lookup)
        waiting = [one for one in self.imports.values() if one.state in UNDER_WAY]
        if len(waiting) >= 10:
            raise RequestError(1016, "Too many imports")
        lines = list(csv.reader(io.StringIO(_file(call), newline="")))
        if len(lines) < 2:
            raise RequestError(1003, "Empty file")
        unknown = [name for name in lines[0] if name not in self.types]
        if unknown:
            raise RequestError(1006, f"Field '{unknown[0]}' not found")
        made = Import(3404 + len(self.imports), lines[0], lines[1:], lookup)
        if self.imports_that_fail:
            self.imports_that_fail -= 1
            made.is_to_fail = True
        self.imports[made.id] = made
        self.go_on_importing()
        started = {
            "batchId": made.id,
            "importId": str(made.id),
            "status": "Queued",
        }
        return self.results([started])

    def go_on_importing(self) -> None:
        """Let two imports at a time go on, first come first served."""
        now = time.monotonic()
        for one in self.imports.values():
            if one.state == "Importing" and one.ends_at <= now:
                one.state = "Failed" if one.is_to_fail else "Complete"
                for lead in one.made:
                    lead.found_from = 0.0
            running = sum(each.state == "Importing" for each in self.imports.values())
            if one.state == "Queued" and running < 2:
                one.state, one.ends_at = "Importing", now + self.import_seconds
                self.import_rows(one)

    def import_rows(self, one: Import) -> None:
        rows = one.rows[: len(one.rows) // 2] if one.is_to_fail else one.rows
        for cells in rows:
            try:
                if len(cells) != len(one.names):
                    raise RecordError(0, "Wrong number of columns")
                # An empty cell leaves the field alone.
                told = {
                    name: None if cell == NULL else self.from_cell(name, cell)
                    for name, cell in zip(one.names, cells, strict=True)
                    if cell != ""
                }
                values = self.check(told)
                key = values.get(one.lookup)
                if key is None:
                    raise RecordError(
                        0, f"Value for lookup field '{one.lookup}' not found"
                    )
                found = self.find_leads(one.lookup, key)
                if len(found) > 1:
                    raise RecordError(0, "Multiple leads match the lookup criteria")
            except RecordError as error:
                one.failures.append([*cells, error.message])
                continue
            if found:
                self.write(found[0], values)
            else:
                made = self.create(values)
                made.made_by, made.found_from = None, float("inf")
                one.made.append(made)
            if _key(key) in self.warned:
                one.warnings.append([*cells, "A value was not taken over"])

    def from_cell(self, name: str, cell: str) -> Any:
        """A cell as a value of the field's type, if it is one."""
        kind = self.types.get(name, "")
        try:
            return CELLS.get(kind, str)(cell)
        except (ValueError, KeyError):
            return cell

    def import_state(self, call: Call) -> Answer:
        one = self.find_import(call)
        ended = one.state == "Complete"
        done = len(one.rows) - len(one.failures)
        told = f"{done} records imported ({done} members), {len(one.failures)} failed"
        state = {
            "batchId": one.id,
            "importId": str(one.id),
            "status": one.state,
            "numOfLeadsProcessed": done if ended else 0,
            "numOfRowsFailed": len(one.failures) if ended else 0,
            "numOfRowsWithWarning": len(one.warnings) if ended else 0,
        }
        if ended:
            kind = "completed with errors" if one.failures else "succeeded"
            state["message"] = f"Import {kind}, {told}"
        return self.results([state])

    def import_file(self, call: Call) -> Answer:
        one = self.find_import(call)
        rows = one.failures if call.found["what"] == "failures" else one.warnings
        if not rows:
            return Answer(404, b"")
        kind = "Failure" if call.found["what"] == "failures" else "Warning"
        buffer = io.StringIO()
        csv.writer(buffer).writerows([[*one.names, f"Import {kind} Reason"], *rows])
        return Answer(
            200, buffer.getvalue().encode(), {"Content-Type": "text/csv; charset=UTF-8"}
        )

    def find_import(self, call: Call) -> Import:
        one = self.imports.get(int(call.found["id"]))
        if one is None:
            raise RequestError(1013, "Object not found")
        return one

    # What tests look at ------------------------------------------------------------

    def records(self, kind: str = "") -> dict[str, Fields]:
        """The leads by email; of several with one email, the oldest."""
        del kind
        with self._lock:
            return {
                key: {
                    name: _ours(value, self.types.get(name, ""))
                    for name, value in leads[0].values.items()
                    if name not in STANDARD_FIELDS
                }
                for key, leads in self._by_email.items()
                if leads
            }

    def events(self) -> list[dict[str, Any]]:
        with self._lock:
            return [
                {
                    "key": self.key_of(activity["leadId"]),
                    "event_id": activity["primaryAttributeValue"],
                    "from": activity["attributes"].get("fromSegment"),
                    "to": activity["attributes"].get("toSegment"),
                    "at": _ours(activity["activityDate"], "datetime"),
                }
                for activity in self._activities
            ]

    def lists(self) -> dict[str, set[str]]:
        with self._lock:
            return {
                str(list_id): {self.key_of(lead) for lead in members}
                for list_id, members in self._lists.items()
            }

    def key_of(self, lead_id: int) -> str:
        lead = self._leads.get(lead_id)
        return _key(lead.values.get("email")) if lead else ""

    def prepare(self, sync: Sync) -> None:
        with self._lock:
            for name, rule in sync.fields.items():
                self.types.setdefault(name, TYPES[rule.type])

    def drop_field(self, name: str) -> None:
        with self._lock:
            del self.types[name]

    def add(self, email: str, **values: Any) -> int:
        """Put a lead there, as somebody else would have."""
        with self._lock:
            lead = self.create({"email": email, **values})
            lead.found_from = 0.0
            self.creations[_key(email)] -= 1
            return lead.id

    def put(self, key: str, fields: Mapping[str, Any], kind: str = "") -> None:
        del kind
        with self._lock:
            leads = self._by_email.get(_key(key))
            if leads:
                self.write(leads[0], fields)
            else:
                self.add(key, **fields)

    def remove(self, key: str, kind: str = "") -> None:
        del kind
        with self._lock:
            for lead in self._by_email.pop(_key(key), []):
                del self._leads[lead.id]

    def merge(self, kept: int, lost: int) -> None:
        """Merge two leads, as a person would."""
        with self._lock:
            gone = self._leads.pop(lost)
            self._by_email[_key(gone.values.get("email"))].remove(gone)
            assert kept in self._leads


UNDER_WAY = ("Queued", "Importing")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "string": _is_text,
    "text": _is_text,
    "email": lambda value: isinstance(value, str) and value.isascii() and "@" in value,
    "integer": _is_whole,
    "score": _is_whole,
    "float": _is_number,
    "currency": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "date": lambda value: _is_text(value) and bool(DATE.fullmatch(value)),
    "datetime": lambda value: _is_text(value) and bool(MOMENT.fullmatch(value)),
}
CELLS: Mapping[str, Callable[[str], Any]] = {
    "integer": int,
    "score": int,
    "float": float,
    "currency": float,
    "boolean": lambda cell: {"true": True, "false": False}[cell],
}


def _key(value: Any) -> str:
    return str(value).lower()


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _form(body: bytes) -> dict[str, str]:
    told = parse_qs(body.decode(), keep_blank_values=True)
    return {name: values[0] for name, values in told.items()}


def _skipped(lead_id: int, code: int, message: str) -> dict[str, Any]:
    reasons = RecordError(code, message).reasons
    return {"id": lead_id, "status": "skipped", "reasons": reasons}


def _file(call: Call) -> str:
    """The file of a multipart request."""
    kind = call.headers.get("content-type", "")
    message = message_from_bytes(f"content-type: {kind}\r\n\r\n".encode() + call.body)
    if not kind.startswith("multipart/form-data") or not message.is_multipart():
        raise RequestError(613, "Invalid Multipart Request")
    for part in message.get_payload():
        name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
        if name == "file":
            content = part.get_payload(decode=True)  # type: ignore[union-attr]
            assert isinstance(content, bytes)
            return content.decode()
    raise RequestError(1002, "Missing value for the required parameter 'file'")


def _ours(value: Any, kind: str) -> Any:
    """A stored value in our form."""
    if kind == "datetime" and value is not None:
        moment = datetime.fromisoformat(value).astimezone(UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return value


def settings(url: str) -> Mapping[str, str]:
    return {
        "INTENT_MARKETO_URL": url,
        "INTENT_MARKETO_CLIENT_ID": CLIENT_ID,
        "INTENT_MARKETO_CLIENT_SECRET": CLIENT_SECRET,
    }


CASES = (
    Case(
        "marketo",
        "marketo",
        MarketoStandIn,
        settings,
        writes=r"^/rest/v1/leads\.json",
        unheard=r"^/rest/v1/(leads|activities/external|lists/\d+/leads)\.json",
        lists_at="^/rest/v1/lists/",
        echo=lambda words: {
            "success": False,
            "errors": [{"code": "1003", "message": words}],
        },
        echo_status=200,
        changes={"options": {"settle_seconds": 0.05, "activity_type_id": 100001}},
        remote={"settles_after": 0.02, "import_seconds": 0.02},
        lists={"hot": "1001", "warm": "1002"},
        event=lambda event: (
            event["key"],
            event["event_id"],
            event["from"],
            event["to"],
        ),
        lacks={
            Trait.TOO_MANY: "it says so by a code, in an answer of 200",
            Trait.CLOCK: "requests are not dated",
            Trait.JOBS: "bulk imports are an option",
        },
    ),
)

if __name__ == "__main__":
    serve(MarketoStandIn)
