"""A Salesforce org: OAuth, sObject Collections, Composite, Bulk API 2.0, Describe.

Written from Salesforce's guides: REST API Developer Guide (Status Codes and Error
Responses, sObject Collections, Composite, sObject Describe), Bulk API 2.0 and Bulk API
Developer Guide (Bulk API 2.0 Ingest), Limits and Allocations Quick Reference, and Help
(OAuth 2.0 Client Credentials Flow, OAuth 2.0 JWT Bearer Flow).
"""

import csv
import io
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

import jwt
import orjson
import yaml
from intent.sync.spec import Sync

from standins import salesforce_bulk as bulk
from standins import salesforce_schema as schema
from standins.case import Case, Trait, not_contacts
from standins.kit import Answer, Call, Fields, Logged, Route, StandIn, Value, serve
from standins.salesforce_schema import CUSTOM, EXTERNAL_ID, FIELDS, Field, Refusal

SYNCS = Path(__file__).resolve().parents[3] / "syncs"
DATA = r"/services/data/v\d\d\.0"
MOST_RECORDS = 200
MOST_QUERIES = 5
MOST_SUBREQUESTS = 25
MOST_FOUND = 2_000
LONGEST_QUERY = 100_000
PREFIXES = {
    "Account": "001",
    "Contact": "003",
    "Opportunity": "006",
    "Lead": "00Q",
    "Campaign": "701",
    "CampaignMember": "00v",
}
MATCH = {
    "Contact": "Email",
    "Lead": "Email",
    "Account": "Id",
    "Opportunity": "AccountId",
}
QUERY = re.compile(
    r"SELECT (?P<fields>[\w, ]+) FROM (?P<object>\w+) WHERE (?P<key>\w+)"
    r" IN \((?P<keys>.*?)\)(?: AND (?P<flag>\w+) = (?P<value>true|false))?",
    re.DOTALL,
)
LITERAL = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
UNESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
TOKEN = "/services/oauth2/token"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class SalesforceStandIn(StandIn):
    """An org with contacts, leads, accounts, opportunities and campaigns."""

    def __init__(self, latency: float = 0.0, seed: int = 0, port: int = 0) -> None:
        super().__init__(latency, seed, port)
        self.client_id = "client"
        self.client_secret = "client-secret"
        self.public_key = ""
        """Of the app's certificate: JWTs are taken if it is set."""
        self.username = "integration@shop.example"
        self.audience = "https://login.salesforce.com"
        self.daily_limit = 100_000
        self.schema = {name: dict(fields) for name, fields in FIELDS.items()}
        self.store: dict[str, dict[str, Fields]] = {name: {} for name in FIELDS}
        self.match = dict(MATCH)
        """By object, the field that `records`, `poison` and the like go by."""
        self.locks: Counter[str] = Counter()
        """By match key: how often another has the record locked."""
        self.assigned: list[str] = []
        """Leads and accounts that a write had given to another owner."""
        self.page = MOST_FOUND
        """Records in one answer to a query."""
        self.jobs: dict[str, bulk.Job] = {}
        self.looks_until_done = 1
        """A job is done after so many looks at it."""
        self.failing: list[int] = []
        """The next jobs fail after so many rows."""
        self.stuck = 0
        """So many of the next jobs stay in progress until they are aborted."""
        self.bulk_records_left: int | None = None
        self._ids = 0
        self._index: dict[tuple[str, str, Any], set[str]] = defaultdict(set)
        """By object, external id field and value: the records that have it."""

    def routes(self) -> Sequence[Route]:
        collections = f"{DATA}/composite/sobjects"
        job = f"{DATA}/jobs/ingest/(?P<job>\\w+)"
        return [
            ("GET", rf"{DATA}/sobjects/(?P<object>\w+)/describe", self.describe),
            ("PATCH", rf"{collections}/(?P<object>\w+)/(?P<key>\w+)", self.upsert),
            ("PATCH", collections, self.update),
            ("POST", collections, self.create),
            ("DELETE", collections, self.delete),
            ("POST", rf"{DATA}/composite", self.composite),
            ("POST", rf"{DATA}/jobs/ingest", lambda call: bulk.create(self, call)),
            ("PUT", rf"{job}/batches", lambda call: bulk.upload(self, call)),
            ("PATCH", job, lambda call: bulk.change(self, call)),
            ("GET", job, lambda call: bulk.look(self, call)),
            ("GET", rf"{job}/(?P<file>\w+)", lambda call: bulk.results(self, call)),
        ]

    # What tests do -----------------------------------------------------------------

    def add(self, kind: str, **values: Any) -> str:
        """A record that somebody else made; returns its id."""
        record_id = self.new_id(kind)
        self.keep(kind, record_id, {**self.blank(kind), **values})
        return record_id

    def blank(self, kind: str) -> Fields:
        """What a record has before anything is written."""
        fields = self.schema[kind]
        return {name: fields[name].blank for name in fields if name != "Id"}

    def keep(self, kind: str, record_id: str, values: Fields) -> None:
        """Store values of a record, a new one or not."""
        record = self.store[kind].setdefault(record_id, {"Id": record_id})
        for name, value in values.items():
            if self.schema[kind][name].external_id:
                old = (kind, name, schema.folded(record.get(name)))
                self._index[old].discard(record_id)
                self._index[kind, name, schema.folded(value)].add(record_id)
            record[name] = value

    def lose(self, kind: str, record_id: str) -> bool:
        """Delete a record; False if it is not there."""
        record = self.store[kind].pop(record_id, None)
        for name, value in (record or {}).items():
            self._index[kind, name, schema.folded(value)].discard(record_id)
        if kind in ("Contact", "Lead"):  # memberships go with their member
            members = self.store["CampaignMember"]
            for member_id, member in list(members.items()):
                if member.get(f"{kind}Id") == record_id:
                    self.lose("CampaignMember", member_id)
        return record is not None

    def prepare(self, sync: Sync) -> None:
        fields = self.schema[sync.object]
        self.match[sync.object] = sync.match.field
        if sync.match.field not in fields:
            fields[sync.match.field] = EXTERNAL_ID
        for name, rule in sync.fields.items():
            if name not in fields:
                fields[name] = CUSTOM[rule.type]
        for campaign in (
            sync.segment_changes.lists.values() if sync.segment_changes else ()
        ):
            self.store["Campaign"].setdefault(campaign, {"Id": campaign})

    def put(self, key: str, fields: Mapping[str, Value], kind: str = "") -> None:
        name = kind or "Contact"
        with self._lock:
            if found := self.find(name, self.match[name], key):
                self.keep(name, found[0], dict(fields))
            elif self.match[name] == "Id":
                self.keep(name, key, dict(fields))
            else:
                self.add(name, **{**fields, self.match[name]: key})

    def remove(self, key: str, kind: str = "") -> None:
        name = kind or "Contact"
        with self._lock:
            for record_id in self.find(name, self.match[name], key):
                self.lose(name, record_id)

    def let_a_week_pass(self) -> None:
        """Let seven days go by: ended jobs are no more."""
        self.jobs = {
            name: job for name, job in self.jobs.items() if job.state not in bulk.ENDED
        }

    def hold_a_job(self) -> None:
        self.stuck += 1

    def let_jobs_end(self) -> None:
        for job in self.jobs.values():
            job.is_stuck = False

    def fail_a_job(self) -> None:
        self.failing.append(100)

    def forget_jobs(self) -> None:
        self.jobs.clear()

    def drop_field(self, name: str) -> None:
        for fields in self.schema.values():
            fields.pop(name, None)

    def records(self, kind: str = "") -> dict[str, Fields]:
        name = kind or "Contact"
        return {
            str(values[self.match[name]]): {
                field: value
                for field, value in values.items()
                if field != self.match[name] and self.schema[name][field].updateable
            }
            for values in self.store[name].values()
            if values.get(self.match[name])
        }

    def lists(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for member in self.store["CampaignMember"].values():
            kind = "Contact" if member.get("ContactId") else "Lead"
            record = self.store[kind][str(member[f"{kind}Id"])]
            key = str(record[self.match[kind]])
            found.setdefault(str(member["CampaignId"]), set()).add(key)
        return found

    # Authorisation -----------------------------------------------------------------

    def _answer(self, call: Call, logged: Logged) -> Answer:
        if call.path == TOKEN:  # neither counted nor limited
            return self.token(call)
        return super()._answer(call, logged)

    def token(self, call: Call) -> Answer:
        form = {name: each[0] for name, each in parse_qs(call.body.decode()).items()}
        grant = form.get("grant_type")
        if self.is_revoked:
            return refused("invalid_grant", "authentication failure")
        if grant == "client_credentials":
            if form.get("client_id") != self.client_id:
                return refused("invalid_client_id", "client identifier invalid")
            if form.get("client_secret") != self.client_secret:
                return refused("invalid_client", "invalid client credentials")
        elif grant == JWT_GRANT:
            if fault := self.fault_of(form.get("assertion", "")):
                return refused("invalid_grant", fault)
        else:
            return refused("unsupported_grant_type", "grant type not supported")
        return Answer(
            200,
            {
                "access_token": self.new_token(),
                "instance_url": self.url,
                "token_type": "Bearer",
                "issued_at": str(int(time.time() * 1000)),
            },
        )

    def fault_of(self, assertion: str) -> str | None:
        """What is wrong with an assertion."""
        try:
            claims = jwt.decode(
                assertion,
                self.public_key,
                algorithms=["RS256"],
                audience=self.audience,
                issuer=self.client_id,
                options={"require": ["exp", "iss", "sub", "aud"]},
            )
        except jwt.PyJWTError:
            return "invalid assertion"
        if claims["exp"] > time.time() + 300:
            return "expiration is too far away"
        approved = claims["sub"] == self.username
        return None if approved else "user hasn't approved this consumer"

    def authorise(self, call: Call) -> Answer | None:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and self.token_holds(token):
            return None
        return errors(401, "INVALID_SESSION_ID", "Session expired or invalid")

    def too_many(self, call: Call, window: str, seconds: float) -> Answer:
        del call, seconds
        what = "TotalRequests" if window == "daily" else "ConcurrentPerOrgLongTxn"
        kind = "" if window == "daily" else "Concurrent requests: "
        return errors(403, "REQUEST_LIMIT_EXCEEDED", f"{kind}{what} Limit exceeded.")

    def headers(self) -> Mapping[str, str]:
        usage = f"api-usage={self.used_today}/{self.daily_limit}"
        return {"Sforce-Limit-Info": f"{usage}; per-app-api-usage=1/2(appName=x)"}

    def keys(self, call: Call) -> Iterable[str]:
        try:
            if call.path.endswith("/batches"):
                lines = csv.reader(io.StringIO(call.body.decode(), newline=""))
                found = [line[0] for line in lines][1:]
            else:
                key = call.path.rpartition("/")[2]
                records = call.json()["records"]
                found = [each.get("id") or each.get(key) for each in records]
        except (ValueError, KeyError, TypeError, AttributeError, csv.Error):
            return []
        return [self.key_of(each) for each in found if isinstance(each, str)]

    def key_of(self, name: str) -> str:
        """The match key of a record that is called by its id, or by the key itself."""
        kind = self.kind_of(name)
        record = self.store[kind].get(name) if kind else None
        return str(record[self.match[kind]]) if record and kind in self.match else name

    # Describe and Composite --------------------------------------------------------

    def describe(self, call: Call) -> Answer:
        name = call.found["object"]
        if name not in self.schema:
            return errors(404, "NOT_FOUND", "The requested resource does not exist")
        fields = [
            schema.described(field, each) for field, each in self.schema[name].items()
        ]
        return Answer(200, {"name": name, "fields": fields})

    def composite(self, call: Call) -> Answer:
        requests = call.json()["compositeRequest"]
        names = [each["referenceId"] for each in requests]
        queries = [each for each in requests if "/query" in each["url"]]
        if not requests or len(requests) > MOST_SUBREQUESTS:
            return errors(400, "LIMIT_EXCEEDED", "too many subrequests")
        if len(queries) > MOST_QUERIES or len(set(names)) != len(names):
            return errors(400, "LIMIT_EXCEEDED", "too many queries, or names twice")
        answers = []
        for each in requests:
            try:
                status, body = self.subrequest(each["method"], each["url"])
            except Refusal as refusal:
                status, body = refusal.status, [refusal.error("errorCode")]
            answers.append(
                {
                    "body": body,
                    "httpHeaders": {},
                    "httpStatusCode": status,
                    "referenceId": each["referenceId"],
                }
            )
        return Answer(200, {"compositeResponse": answers})

    def subrequest(self, method: str, url: str) -> tuple[int, Any]:
        parts = urlsplit(url)
        if method == "GET" and parts.path.endswith("/query"):
            return 200, self.query(unquote_plus(parts.query.removeprefix("q=")))
        found = re.fullmatch(rf"{DATA}/sobjects/(\w+)/(\w+)/([\w-]+)", parts.path)
        if method != "DELETE" or not found:
            raise Refusal("NOT_FOUND", "no such resource", 404)
        kind, field, key = found.groups()
        records = self.find(kind, field, key)
        if not records:
            raise Refusal("NOT_FOUND", "Provided external ID not found", 404)
        self.lose(kind, records[0])
        return 204, None

    def query(self, text: str) -> Any:
        found = QUERY.fullmatch(text)
        if not found or len(text) > LONGEST_QUERY:
            raise Refusal("MALFORMED_QUERY", f"unexpected token: {text[:80]}")
        kind, key = found["object"], found["key"]
        fields = [name.strip() for name in found["fields"].split(",")]
        for name in (*fields, key):
            self.field(kind, name, "INVALID_FIELD")
        keys = [unescaped(each) for each in LITERAL.findall(found["keys"])]
        if self.schema[kind][key].type in ("id", "reference") and any(
            not re.fullmatch(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?", each) for each in keys
        ):
            raise Refusal("INVALID_QUERY_FILTER_OPERATOR", "invalid ID field")
        wanted = set(map(schema.folded, keys))
        records = [
            {"attributes": {"type": kind}, **{name: each.get(name) for name in fields}}
            for each in self.store[kind].values()
            if schema.folded(each.get(key)) in wanted
            and (
                not found["flag"]
                or each.get(found["flag"]) is (found["value"] == "true")
            )
        ]
        told = [
            {name: schema.shown(value) for name, value in each.items()}
            for each in records[: self.page]
        ]
        done = len(records) <= self.page
        return {"totalSize": len(records), "done": done, "records": told}

    # Collections -------------------------------------------------------------------

    def collection(self, call: Call) -> list[dict[str, Any]]:
        """The records of a request, if it is well formed."""
        body = call.json()
        records: list[dict[str, Any]] = body["records"]
        if not 0 < len(records) <= MOST_RECORDS:
            raise Refusal("LIMIT_EXCEEDED", "record limit reached: 200")
        for record in records:
            kind = record["attributes"]["type"]
            if kind not in self.schema:
                raise Refusal("INVALID_TYPE", f"sObject type '{kind}' is not supported")
            for name, value in record.items():
                if name not in ("attributes", "id"):
                    field = self.field(kind, name, "INVALID_FIELD")
                    schema.check_json(name, field, value)
        return records

    def upsert(self, call: Call) -> Answer:
        kind, key = call.found["object"], call.found["key"]
        try:
            if kind not in self.schema or key not in self.schema[kind]:
                raise Refusal("NOT_FOUND", "The requested resource does not exist", 404)
            if not self.schema[kind][key].external_id:
                raise Refusal("INVALID_FIELD", f"{key} is no external id field")
            records = self.collection(call)
        except Refusal as refusal:
            return refusal.answer()
        seen: set[str] = set()
        results = []
        for record in records:
            values = written(record)
            name = str(values.get(key))
            if self.is_omitted(name):
                continue
            if name.casefold() in seen:
                twice = Refusal("DUPLICATE_VALUE", f"Duplicate {key} specified")
                result = twice.result()
            else:
                result = attempt(self.upsert_one, kind, key, values)
            seen.add(name.casefold())
            results.append(result)
        self.assign(call, kind, results)
        return Answer(200, results)

    def update(self, call: Call) -> Answer:
        try:
            records = self.collection(call)
        except Refusal as refusal:
            return refusal.answer()
        results = []
        for record in records:
            kind = record["attributes"]["type"]
            record_id, values = record.get("id"), written(record)
            if self.is_omitted(self.key_of(str(record_id))):
                continue
            result = attempt(self.write, kind, record_id, values)
            result.pop("created", None)
            results.append(result)
            self.assign(call, kind, [result])
        return Answer(200, results)

    def create(self, call: Call) -> Answer:
        try:
            records = self.collection(call)
        except Refusal as refusal:
            return refusal.answer()
        results = []
        for record in records:
            kind, values = record["attributes"]["type"], written(record)
            result = attempt(self.make, kind, values)
            result.pop("created", None)
            results.append(result)
        return Answer(200, results)

    def delete(self, call: Call) -> Answer:
        ids = call.query["ids"].split(",")
        if len(ids) > MOST_RECORDS:
            return errors(400, "LIMIT_EXCEEDED", "record limit reached: 200")
        results = []
        for record_id in ids:
            kind = self.kind_of(record_id)
            if kind and self.lose(kind, record_id):
                results.append({"id": record_id, "success": True, "errors": []})
            else:
                results.append(Refusal("ENTITY_IS_DELETED", "is deleted").result())
        return Answer(200, results)

    def assign(self, call: Call, kind: str, results: Sequence[Any]) -> None:
        """Apply assignment rules, unless the request asks not to."""
        wanted = call.headers.get("sforce-auto-assign", "TRUE").upper() != "FALSE"
        if wanted and kind in ("Lead", "Account"):
            self.assigned += [each["id"] for each in results if each["success"]]

    # One record --------------------------------------------------------------------

    def upsert_one(self, kind: str, key: str, values: Fields) -> tuple[str, bool]:
        name = values.get(key)
        if name in (None, ""):
            raise Refusal("MISSING_ARGUMENT", f"{key} not specified", fields=[key])
        found = self.find(kind, key, str(name))
        if len(found) > 1:
            raise Refusal("DUPLICATE_EXTERNAL_ID", f"{key}: more than one record found")
        if found:
            return self.write(kind, found[0], values)
        self.creations[str(name)] += 1
        try:
            return self.make(kind, values)
        except Refusal:
            self.creations[str(name)] -= 1
            raise

    def make(self, kind: str, values: Fields) -> tuple[str, bool]:
        """Create a record."""
        self.obstruct(kind, values)
        fields = self.schema[kind]
        missing = [
            name
            for name, field in fields.items()
            if field.required and not values.get(name)
        ]
        if missing:
            raise Refusal(
                "REQUIRED_FIELD_MISSING",
                f"Required fields are missing: [{', '.join(missing)}]",
                fields=missing,
            )
        self.refuse_twins(kind, values)
        record_id = self.new_id(kind)
        kept = schema.stored(fields, values)
        self.keep(kind, record_id, {**self.blank(kind), **kept})
        return record_id, True

    def refuse_twins(self, kind: str, values: Fields) -> None:
        """Let nobody be a member twice, nor two records have one unique value."""
        for name, field in self.schema[kind].items():
            value = values.get(name) if field.external_id else None
            if value and self.find(kind, name, str(value)):
                raise Refusal("DUPLICATE_VALUE", f"duplicate value found: {name}")
        if kind != "CampaignMember":
            return
        for each in self.store[kind].values():
            if all(
                each.get(name) == values.get(name)
                for name in ("CampaignId", "ContactId", "LeadId")
            ):
                raise Refusal("DUPLICATE_VALUE", "Already a campaign member.")

    def write(self, kind: str, record_id: Any, values: Fields) -> tuple[str, bool]:
        """Update a record."""
        if not isinstance(record_id, str) or len(record_id) not in (15, 18):
            raise Refusal("MALFORMED_ID", "bad id", fields=["Id"])
        record = self.store[kind].get(record_id)
        if record is None:
            raise Refusal("ENTITY_IS_DELETED", "entity is deleted")
        if record.get("IsConverted"):
            raise Refusal("CANNOT_UPDATE_CONVERTED_LEAD", "converted lead")
        self.obstruct(kind, {**record, **values})
        fields = self.schema[kind]
        fixed = [name for name in values if not fields[name].updateable]
        if fixed:
            raise Refusal(
                "INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to update", fields=fixed
            )
        self.keep(kind, record_id, schema.stored(fields, values))
        return record_id, False

    def obstruct(self, kind: str, values: Fields) -> None:
        """Refuse what tests want to be refused."""
        key = str(values.get(self.match.get(kind, "Id")))
        if self.locks[key] > 0:
            self.locks[key] -= 1
            raise Refusal(
                "UNABLE_TO_LOCK_ROW",
                "unable to obtain exclusive access to this record",
            )
        poison = self.poisons.get(key) or self.poisons.get(str(values.get("Id")))
        if poison:
            fields = [poison.field] if poison.field else []
            raise Refusal(
                "FIELD_CUSTOM_VALIDATION_EXCEPTION", poison.reason, fields=fields
            )

    def field(self, kind: str, name: str, code: str) -> Field:
        """A field of an object, if there is one of the name."""
        if name not in self.schema.get(kind, {}):
            raise Refusal(code, f"No such column '{name}' on sobject of type {kind}")
        return self.schema[kind][name]

    def find(self, kind: str, field: str, key: str) -> list[str]:
        """The ids of the records that have a value."""
        wanted = schema.folded(key)
        if self.schema[kind][field].external_id:
            return sorted(self._index[kind, field, wanted])
        return [
            record_id
            for record_id, values in self.store[kind].items()
            if schema.folded(values.get(field)) == wanted
        ]

    def kind_of(self, record_id: str) -> str | None:
        """The object that an id is of."""
        return next(
            (name for name, prefix in PREFIXES.items() if record_id.startswith(prefix)),
            None,
        )

    def new_id(self, kind: str) -> str:
        """An id as Salesforce makes them: 15 characters, and 3 of their case."""
        self._ids += 1
        return f"{PREFIXES[kind]}{self._ids:012d}AAA"


def attempt(work: Callable[..., tuple[str, bool]], *values: Any) -> dict[str, Any]:
    """The result of writing a record."""
    try:
        record_id, created = work(*values)
    except Refusal as refusal:
        return refusal.result()
    return {"id": record_id, "success": True, "created": created, "errors": []}


def written(record: Mapping[str, Any]) -> Fields:
    """The fields of a record in a request."""
    return {
        name: value
        for name, value in record.items()
        if name not in ("attributes", "id")
    }


def unescaped(text: str) -> str:
    """What a text in a query stands for."""
    return ESCAPED.sub(lambda found: UNESCAPED.get(found[1], found[1]), text)


def errors(status: int, code: str, message: str) -> Answer:
    """An answer that refuses a whole request."""
    return Answer(status, [{"errorCode": code, "message": message}])


def refused(error: str, description: str) -> Answer:
    """An answer of the token endpoint to bad credentials."""
    return Answer(400, orjson.dumps({"error": error, "error_description": description}))


def settings(url: str) -> Mapping[str, str]:
    return {
        "INTENT_SALESFORCE_DOMAIN": "shop",
        "INTENT_SALESFORCE_URL": url,
        "INTENT_SALESFORCE_CLIENT_ID": "client",
        "INTENT_SALESFORCE_CLIENT_SECRET": "client-secret",
    }


UPSERT = {
    "mode": "upsert",
    "match": {"field": "Intent_Contact_Id__c", "column": "contact_id"},
}


def upserting(sync: str, **more: str) -> Mapping[str, Any]:
    """A sync's file with records that are created by an external id."""
    fields = yaml.safe_load((SYNCS / f"{sync}.yml").read_text("utf-8"))["fields"]
    return {**UPSERT, "fields": {**fields, **more}}


WRITES = "/composite/sobjects"
ANSWERS = "so few rows go by requests that are answered when all is done"
LACKS = {
    Trait.SPELLINGS: "records are found by our id",
    Trait.EVENTS: "segments are told by campaigns",
    Trait.TOO_MANY: "it says so by 403, and not how long to wait",
    Trait.CLOCK: "requests are not dated",
    Trait.NAMES_ROWS: "answers are in the order of rows",
}
CASES = (
    Case(
        "salesforce",
        "salesforce_contacts",
        SalesforceStandIn,
        settings,
        changes=upserting("salesforce_contacts", LastName="contact_id"),
        writes=WRITES,
        unheard="/composite",
        echo=lambda words: [{"errorCode": "INVALID_FIELD", "message": words}],
        lists={"hot": "701000000000001AAA", "warm": "701000000000002AAA"},
        lacks={**LACKS, Trait.JOBS: ANSWERS},
    ),
    Case(
        "salesforce_leads",
        "salesforce_leads",
        SalesforceStandIn,
        settings,
        kind="Lead",
        writes=WRITES,
        changes=upserting("salesforce_leads", LastName="contact_id", Company="state"),
        lacks={**LACKS, Trait.JOBS: ANSWERS, Trait.LISTS: "contacts have them"},
    ),
    Case(
        "salesforce_bulk",
        "salesforce_contacts",
        SalesforceStandIn,
        settings,
        changes={
            **upserting("salesforce_contacts", LastName="contact_id"),
            "options": {"bulk_above": 200, "poll_seconds": 0.02},
        },
        writes="/jobs/ingest",
        lacks={**LACKS, Trait.LISTS: "contacts that are few have them"},
    ),
    Case(
        "salesforce_accounts",
        "salesforce_accounts",
        SalesforceStandIn,
        settings,
        kind="Account",
        changes={"match": {"field": "Intent_Account__c", "column": "account_id"}},
        writes=WRITES,
        lacks={**LACKS, Trait.JOBS: ANSWERS, **not_contacts("accounts")},
    ),
    Case(
        "salesforce_opportunities",
        "salesforce_opportunities",
        SalesforceStandIn,
        settings,
        kind="Opportunity",
        changes={"match": {"field": "Intent_Account__c", "column": "account_id"}},
        writes=WRITES,
        lacks={**LACKS, Trait.JOBS: ANSWERS, **not_contacts("opportunities")},
    ),
)

if __name__ == "__main__":
    serve(SalesforceStandIn)
