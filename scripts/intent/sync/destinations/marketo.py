"""Marketo Engage: leads by Sync Leads or bulk import, static lists, custom activities.

Every number and rule here is from Marketo's developer guide
(https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest), by the name
of the page. What no page says, and what no live account has confirmed, is listed in
docs/destinations/marketo.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any
from urllib.parse import urlencode

import orjson
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from intent.sync.adapter import Adapter
from intent.sync.destinations import _marketo_answers as answers
from intent.sync.destinations import _marketo_bulk as bulk
from intent.sync.destinations._marketo_values import (
    FIELD_TYPES,
    from_marketo,
    to_field,
    to_marketo,
)
from intent.sync.model import (
    Advice,
    Job,
    Limits,
    Move,
    Op,
    Part,
    RemoteField,
    RemoteRecord,
    Request,
    Response,
    Row,
    Value,
    Verdict,
    Window,
)
from intent.sync.options import (
    Options,
    names_numbers,
    read_options,
    refuse_faults,
    told_as,
)
from intent.sync.secrets import Settings
from intent.sync.spec import FieldType, Mode, Sync

ROWS = 300  # "Batch size: Lead DB supports 300 records" (Integration Best Practices)
SIZE = 1_000_000  # "REST API payload size: 1 MB" (Integration Best Practices)
WINDOW = 20.0  # "100 API calls per 20 seconds" (Integration Best Practices)
A_DAY = 50_000  # "Most subscriptions are allocated 50,000 API calls per day"
TIMEOUT = 90.0  # "Leads endpoints have a 30s timeout, except ... Sync Leads: 90s"
JOBS = 4
"""Imports at once. Two run at a time, and ten may be queued by all who share the
instance (Bulk Lead Import): two more keep the queue from running dry."""
LOOKUP_ROWS = 300
"""Values in a look-up, and leads on a page of its answer (Leads). Where several leads
share an email and the page is too short, the runner halves the look-up."""

LEADS, DELETE = "/rest/v1/leads.json", "/rest/v1/leads/delete.json"
ACTIVITIES = "/rest/v1/activities/external.json"
ACTIONS = {
    Mode.UPSERT: "createOrUpdate",
    Mode.MIRROR: "createOrUpdate",
    Mode.UPDATE_ONLY: "updateOnly",
    Mode.CREATE_ONLY: "createOnly",
}
CREATING = frozenset({"createOrUpdate", "createOnly", "bulk"})
"""Routes that must not be sent twice in a short time: "Concurrent or closely timed
upsert requests can create duplicate records" (Leads)."""
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


class MarketoSettings(Settings):
    """Where the instance is, and the custom service that speaks for us."""

    model_config = SettingsConfigDict(env_prefix="INTENT_MARKETO_")

    url: str = Field(min_length=1)
    """The endpoint of the REST API, such as `https://123-ABC-456.mktorest.com/rest`."""
    client_id: SecretStr
    """The Client Id of the custom service."""
    client_secret: SecretStr
    """Its Client Secret."""


class MarketoOptions(Options):
    """What `options` of a sync may say; docs/destinations/marketo.md tells of each."""

    partition: str | None = None
    bulk: bool = False
    bulk_at_least: int = Field(default=10_000, ge=1_000)
    bulk_nulls_as: str | None = Field(default=None, min_length=1)
    activity_type_id: int | None = None
    activity_from: str = "fromSegment"
    activity_to: str = "toSegment"
    calls_in_20_seconds: int = Field(default=100, ge=1, le=100)
    calls_at_once: int = Field(default=8, ge=1, le=10)
    calls_a_day: int = Field(default=A_DAY, ge=1)
    settle_seconds: float = Field(default=TIMEOUT, ge=0)


@dataclass
class _Batch:
    """The rows that wait to be sent together."""

    rows: list[Row] = field(default_factory=list)
    items: list[bytes] = field(default_factory=list)
    count: int = 0
    size: int = 0

    def add(self, row: Row, item: bytes, count: int) -> None:
        self.rows.append(row)
        self.items.append(item)
        self.count += count
        self.size += len(item) + 1


class MarketoAdapter(Adapter[MarketoSettings]):
    """Leads of a Marketo instance."""

    name = "marketo"
    settings = MarketoSettings
    hosts = ("*.mktorest.com",)
    native_modes = frozenset(Mode)
    job_requests = 3  # upload, look, failures or warnings
    native_leave = True
    needs_remote_id = frozenset({Op.DELETE, Op.JOIN, Op.DROP, Op.EVENT})
    lookup_rows = LOOKUP_ROWS

    def __init__(
        self, sync: Sync, settings: MarketoSettings, planned_at: datetime
    ) -> None:
        """Make the adapter of one run of a sync.

        Raises:
            BadInputError: the sync asks for what Marketo does not have.
        """
        super().__init__(sync, settings, planned_at)
        self.options = read_options(sync, MarketoOptions)
        check_sync(sync, self.options)

    @property
    def address(self) -> str:
        """The instance: what Admin > Web Services calls the endpoint, less its path."""
        return self.config.url.rstrip("/").removesuffix("/rest")

    @property
    def limits(self) -> Limits:
        """What the instance allows. All who use its API share it."""
        creates = self.sync.mode is not Mode.UPDATE_ONLY
        return Limits(
            rows=min(ROWS, self.sync.rows_at_once or ROWS),
            size=SIZE,
            row_size=SIZE,
            windows={"write": (Window(self.options.calls_in_20_seconds, WINDOW),)},
            concurrent=self.options.calls_at_once,
            jobs_at_once=JOBS,
            requests_a_day=self.options.calls_a_day,
            settle_seconds=self.options.settle_seconds if creates else None,
        )

    # Authorisation -----------------------------------------------------------------

    def token_request(self) -> Request:
        """Client credentials, in the body: a URL would end up in logs."""
        body = {
            "grant_type": "client_credentials",
            "client_id": self.config.client_id.get_secret_value(),
            "client_secret": self.config.client_secret.get_secret_value(),
        }
        return Request(
            "POST",
            "/identity/oauth/token",
            content=urlencode(body).encode(),
            headers=FORM,
            lane="token",  # "not counted towards API call limit" (Identity)
            authorised=False,
        )

    def read_token(self, response: Response) -> str | None:
        """The token. Marketo gives the same one until it expires, within the hour."""
        if response.status in {400, 401, 403}:
            return None
        told = orjson.loads(response.content)
        if not isinstance(told, dict):
            raise ValueError("not a token")
        if "error" in told:
            return None
        return str(told["access_token"]) if "access_token" in told else _no_token()

    def authorise(
        self, request: Request, token: str | None, now: datetime
    ) -> Mapping[str, str]:
        """The token in a header; as a parameter it is accepted no more."""
        del request, now
        return {"authorization": f"Bearer {token}"}

    # Writing -----------------------------------------------------------------------

    def pack(self, rows: Iterable[Row]) -> Iterator[Part]:
        """Put rows together by kind of request.

        Whether to import in bulk is decided by looking some rows ahead.
        """
        rows = iter(rows)
        in_bulk = False
        if self.options.bulk:
            ahead = list(islice(rows, self.options.bulk_at_least))
            in_bulk = len(ahead) == self.options.bulk_at_least
            rows = chain(ahead, rows)
        waiting: dict[str, _Batch] = {}
        for row in rows:
            route = self._route(row, in_bulk)
            batch = waiting.setdefault(route, _Batch())
            item, count = self._item(route, row)
            if batch.rows and not self._has_room(route, batch, item, count):
                yield self._part(route, batch)
                batch = waiting[route] = _Batch()
            batch.add(row, item, count)
        for route, batch in waiting.items():
            if batch.rows:
                yield self._part(route, batch)

    def refuse(self, row: Row) -> str | None:
        """Why Marketo would refuse a row."""
        if row.op in {Op.JOIN, Op.DROP, Op.EVENT, Op.DELETE}:
            return None
        if not row.key.isascii():
            return "Marketo takes only ASCII characters in an email address"
        if "," in row.key:
            return "Marketo can't look up a match key that has a comma"
        item, _ = self._item(self._route(row, in_bulk=False), row)
        if len(item) > SIZE - len(self._envelope(ACTIONS[self.sync.mode])):
            return f"it is larger than the {SIZE:,} bytes that Marketo takes"
        return None

    def is_job(self, part: Part) -> bool:
        """Bulk imports are jobs."""
        return part.route == "bulk"

    def request(self, part: Part) -> Request:
        """The request that sends a part."""
        verb, _, list_id = part.route.partition(":")
        content = part.content or self._content(part.route, part.rows)
        if verb == "bulk":
            return bulk.upload(content, self.sync, self.options.partition)
        method = "DELETE" if verb == "drop" else "POST"
        paths = {"delete": DELETE, "event": ACTIVITIES}
        path = _list(list_id) if list_id else paths.get(verb, LEADS)
        return Request(method, path, content, JSON, units=len(part.rows))

    def classify(self, part: Part, response: Response) -> Verdict:
        """What the answer means for each row."""
        repeatable = part.route not in CREATING
        if refused := answers.refusal(response):
            return answers.judge(*refused, part.rows, repeatable)
        results = answers.read(response).get("result") or []
        if part.route in CREATING or part.route in {"updateOnly", "event"}:
            outcomes = answers.in_order(part.rows, results)
        else:
            ids = {row.seq: _lead_ids(row) for row in part.rows}
            outcomes = answers.by_id(part.rows, results, ids)
        advice = Advice.RESEND if repeatable else Advice.IN_DOUBT
        return Verdict(outcomes, advice)

    def step(self, part: Part, job: Job) -> Request:
        """The request of an import's next step."""
        return self.request(part) if job.step == "start" else bulk.look(job)

    def advance(self, part: Part, job: Job, response: Response) -> Move:
        """What the answer to a step means."""
        return bulk.advance(self.sync, part.rows, job, response)

    def _route(self, row: Row, in_bulk: bool) -> str:
        match row.op:
            case Op.JOIN | Op.DROP:
                return f"{row.op}:{row.values['list']}"
            case Op.DELETE:
                return "delete"
            case Op.EVENT:
                return "event"
            case Op.LEAVE:
                return "updateOnly"
        creates = self.sync.mode in {Mode.UPSERT, Mode.MIRROR}
        if in_bulk and creates and bulk.fits(row, self.sync, self._nulls_as):
            return "bulk"
        return ACTIONS[self.sync.mode]

    @property
    def _nulls_as(self) -> str | None:
        return self.options.bulk_nulls_as

    def _item(self, route: str, row: Row) -> tuple[bytes, int]:
        """What a row adds to the body, and how many records that is."""
        if route == "bulk":
            return bulk.row_line(row, self.sync, self._nulls_as), 1
        if row.op in {Op.CREATE, Op.UPDATE, Op.LEAVE}:
            return orjson.dumps(self._lead(row)), 1
        leads = _lead_ids(row)
        if row.op is Op.EVENT:
            leads = leads[:1]
            records: list[dict[str, Any]] = [self._activity(row, leads[0])]
        else:
            records = [{"id": lead} for lead in leads]
        return b",".join(map(orjson.dumps, records)), len(records)

    def _lead(self, row: Row) -> dict[str, Value]:
        values = {
            name: to_marketo(value, self.sync.fields[name].type)
            for name, value in row.values.items()
        }
        return {self.sync.match.field: row.key, **values}

    def _activity(self, row: Row, lead: int) -> dict[str, Any]:
        told = (
            (self.options.activity_from, row.values.get("from")),
            (self.options.activity_to, row.values.get("to")),
        )
        return {
            "leadId": lead,
            "activityDate": to_marketo(row.values["at"], FieldType.DATETIME),
            "activityTypeId": self.options.activity_type_id,
            "primaryAttributeValue": row.event_id,
            "attributes": [
                {"apiName": name, "value": value}
                for name, value in told
                if value is not None
            ],
        }

    def _envelope(self, route: str) -> bytes:
        """The body of a request without its records, with room for them at the end."""
        if route == "bulk":
            return bulk.header(self.sync)
        told: dict[str, Any] = {}
        if route in ACTIONS.values():
            told = {"action": route, "lookupField": self.sync.match.field}
            if self.options.partition and route != "updateOnly":
                told["partitionName"] = self.options.partition
        return orjson.dumps({**told, "input": []})[:-2]

    def _has_room(self, route: str, batch: _Batch, item: bytes, count: int) -> bool:
        size = len(self._envelope(route)) + batch.size + len(item) + 2
        if route == "bulk":
            most = self.sync.rows_at_once
            return size <= bulk.FILE_SIZE and (not most or batch.count < most)
        return size <= SIZE and batch.count + count <= self.limits.rows

    def _part(self, route: str, batch: _Batch) -> Part:
        return Part(batch.rows, route, self._body(route, batch.items))

    def _content(self, route: str, rows: Sequence[Row]) -> bytes:
        return self._body(route, [self._item(route, row)[0] for row in rows])

    def _body(self, route: str, items: Sequence[bytes]) -> bytes:
        envelope = self._envelope(route)
        if route == "bulk":
            return envelope + b"".join(items)
        return envelope + b",".join(items) + b"]}"

    # Reading -----------------------------------------------------------------------

    def describe_requests(self) -> Sequence[Request]:
        """The fields of leads, with those that leads can be found by."""
        return [Request("GET", "/rest/v1/leads/describe2.json")]

    def refuses(self, response: Response) -> Verdict | None:
        """What an answer means that describes nothing; by its code, not its status."""
        refused = answers.refusal(response)
        return answers.judge_look(*refused) if refused else None

    def read_fields(self, responses: Sequence[Response]) -> Mapping[str, RemoteField]:
        """The fields by the names that the API knows them by.

        Raises:
            ValueError: the answer is no description.
        """
        results = answers.read(responses[0]).get("result") or []
        if not results or not isinstance(results[0].get("fields"), list):
            raise ValueError("not a description of leads: it has no fields")
        searchable = frozenset(
            names[0] for names in results[0].get("searchableFields", []) if names
        )
        fields = (to_field(described, searchable) for described in results[0]["fields"])
        return {described.name: described for described in fields}

    def lookup(self, keys: Sequence[str], fields: Sequence[str]) -> Request:
        """Get Leads by Filter Type, as a POST: its URL would hold emails."""
        names = dict.fromkeys(["id", self.sync.match.field, *fields])
        query = {
            "filterType": self.sync.match.field,
            "filterValues": ",".join(keys),
            "fields": ",".join(names),
        }
        return Request(
            "POST", f"{LEADS}?_method=GET", urlencode(query).encode(), headers=FORM
        )

    def read_lookup(
        self, keys: Sequence[str], fields: Sequence[str], response: Response
    ) -> Mapping[str, RemoteRecord] | Verdict:
        """The leads that there are.

        Several may share a key: the record is the oldest then, and its id is all of
        theirs, so that what is erased or put on a list is all of them.
        """
        if refused := answers.refusal(response):
            return answers.judge_look(*refused)
        answer = answers.read(response)
        if answer.get("moreResult"):
            return Verdict(advice=Advice.SPLIT)
        ours = {self._folded(key): key for key in keys}
        found: dict[str, list[dict[str, Any]]] = {}
        for lead in answer.get("result") or []:
            key = ours.get(self._folded(str(lead.get(self.sync.match.field))))
            if key is not None:
                found.setdefault(key, []).append(lead)
        return {key: self._record(leads, fields) for key, leads in found.items()}

    def _folded(self, key: str) -> str:
        return key.casefold() if self.sync.match.ignore_case else key

    def _record(
        self, leads: Sequence[Mapping[str, Any]], fields: Sequence[str]
    ) -> RemoteRecord:
        ordered = sorted(leads, key=lambda lead: int(lead["id"]))
        values = {
            name: from_marketo(ordered[0].get(name), self.sync.fields[name].type)
            for name in fields
        }
        return RemoteRecord(",".join(str(lead["id"]) for lead in ordered), values)

    # Set-up ------------------------------------------------------------------------

    def setup(self) -> Sequence[str]:
        """What an admin must create, and which rights the user needs."""
        rights = ["Read-Write Lead"]
        if self._tells_events:
            rights.append("Read-Write Activity")
        lines = [
            "Admin > Users & Roles > Roles: a role with the API permissions "
            f"{' and '.join(rights)}, and no others",
            "Admin > Users & Roles > Users: an API Only user of its own with that "
            "role, so that its share of the calls can be told apart",
            "Admin > LaunchPoint: a Custom service of that user; its Client Id and "
            "Client Secret are INTENT_MARKETO_CLIENT_ID and "
            "INTENT_MARKETO_CLIENT_SECRET",
            "Admin > Web Services: the Endpoint of the REST API is INTENT_MARKETO_URL",
        ]
        lines += [
            "Admin > Field Management: a custom field of persons with the API name "
            f"{name}, type {FIELD_TYPES[rule.type]}"
            for name, rule in self.sync.fields.items()
        ]
        if self._tells_events:
            lines.append(
                "Admin > Marketo Custom Activities: an approved activity, whose id is "
                f"activity_type_id ({self.options.activity_type_id}); its primary "
                "attribute is a string (the id of the change), and it has the string "
                f"attributes {self.options.activity_from} and "
                f"{self.options.activity_to}"
            )
        return lines

    @property
    def _tells_events(self) -> bool:
        changes = self.sync.segment_changes
        return changes is not None and changes.told_as == "events"


def check_sync(sync: Sync, options: MarketoOptions) -> None:
    """Make sure that Marketo has what a sync asks for.

    Raises:
        BadInputError: it has not.
    """
    faults = {
        f"object: Marketo has no {sync.object}; set it to lead.": sync.object != "lead",
        "segment_changes: Marketo keeps events as custom activities. Create one, and "
        "set options: activity_type_id to its id.": (
            told_as(sync) == "events" and options.activity_type_id is None
        ),
        "segment_changes.lists: Marketo's static lists have numbers, as in the address "
        "of the list: 1001 in #ST1001A1.": not names_numbers(sync),
    }
    refuse_faults(sync, faults)


def _lead_ids(row: Row) -> list[int]:
    """The leads that a row is about; several, if they share its key."""
    return [int(lead) for lead in (row.remote_id or "").split(",") if lead]


def _list(list_id: str) -> str:
    return f"/rest/v1/lists/{list_id}/leads.json"


def _no_token() -> str:
    raise ValueError("not a token")


ADAPTER = MarketoAdapter
