"""HubSpot: contacts by email, companies by their id, a hundred at a time.

Written from HubSpot's OpenAPI documents of 2026-03 and its documentation; what they
leave open is in docs/destinations/hubspot.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

import orjson
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from intent.errors import BadInputError
from intent.sync.adapter import Adapter
from intent.sync.destinations._hubspot_answers import (
    Batch,
    batch_verdict,
    dicts,
    faults_of,
    read_object,
    strings,
    trouble,
)
from intent.sync.destinations._hubspot_setup import steps
from intent.sync.destinations._hubspot_values import heard, remote_field, spoken
from intent.sync.load import at
from intent.sync.model import (
    ACKNOWLEDGED,
    WRITES,
    Limits,
    Op,
    Outcome,
    Part,
    Quota,
    RemoteField,
    RemoteRecord,
    Request,
    Response,
    Row,
    State,
    Verdict,
    Window,
)
from intent.sync.options import Options, read_options
from intent.sync.outbox import NO_MATCH
from intent.sync.secrets import Settings
from intent.sync.spec import Mode, Sync

VERSION = "2026-03"
RECORD_ID = "hs_object_id"
"""The property that holds HubSpot's own id of a record."""
OTHER_EMAILS = "hs_additional_emails"
"""Of contacts that were merged: the addresses by which they are found, too."""
OBJECTS = ("contacts", "companies")
BATCH = 100
"""Inputs of a batch: developers.hubspot.com, CRM objects."""
LIST_ROWS = 1_000
"""Records in a change of a list, which has few bytes for each."""
LARGEST = 10_000_000
"""Bytes. None is documented; should HubSpot refuse one as too large, it is halved."""
SETTLE_SECONDS = 5.0
TIERS: Mapping[str, tuple[int, int]] = {
    "free": (100, 250_000),
    "starter": (100, 250_000),
    "professional": (190, 625_000),
    "enterprise": (190, 1_000_000),
}
"""Requests in ten seconds, and in a day, by the highest tier of any hub:
developers.hubspot.com, usage guidelines."""
INCREASED = (250, 1_000_000)
"""With a limit increase that was bought: requests in ten seconds; more in a day."""


class HubSpotSettings(Settings):
    """Where HubSpot is, and its secret."""

    model_config = SettingsConfigDict(env_prefix="intent_hubspot_")

    token: SecretStr
    """The access token of a private app with the scopes that are listed."""
    url: str = "https://api.hubapi.com"
    """Another address, for tests."""


class HubSpotOptions(Options):
    """What the account allows."""

    tier: Literal["free", "starter", "professional", "enterprise"] = "professional"
    """The highest tier of any hub of the account."""
    limit_increases: int = Field(default=0, ge=0, le=2)
    """API limit increases that were bought."""
    requests_per_ten_seconds: int | None = Field(default=None, ge=1, le=1_000)
    """Fewer than the tier allows, where others use the same private app; 110 with the
    token of a public app."""


class HubSpot(Adapter[HubSpotSettings]):
    """HubSpot, for one sync."""

    name = "hubspot"
    settings = HubSpotSettings
    hosts: ClassVar[Sequence[str]] = ("api.hubapi.com",)
    # Records are read before they are updated only, or created only: 100 for one
    # request, where HubSpot refuses a batch as a whole if one record is not as thought.
    native_modes = frozenset((Mode.UPSERT, Mode.MIRROR))
    native_leave = True
    needs_remote_id = frozenset((Op.LEAVE, Op.DELETE, Op.DROP, Op.JOIN))
    lookup_rows = BATCH

    def __init__(
        self, sync: Sync, settings: HubSpotSettings, planned_at: datetime
    ) -> None:
        """Make the adapter of one run.

        Raises:
            BadInputError: the sync asks for what HubSpot has not.
        """
        super().__init__(sync, settings, planned_at)
        self.options = read_options(sync, HubSpotOptions)
        refuse_sync(sync)

    @property
    def address(self) -> str:
        """Where the API is."""
        return self.config.url.rstrip("/")

    @property
    def limits(self) -> Limits:
        """What the account's tier allows. All requests fall under one window."""
        often, a_day = TIERS[self.options.tier]
        if self.options.limit_increases:
            often = INCREASED[0]
            a_day += INCREASED[1] * self.options.limit_increases
        often = self.options.requests_per_ten_seconds or often
        return Limits(
            rows=self.batch_rows,
            size=LARGEST,
            windows={"write": [Window(often, 10.0)]},
            concurrent=20,  # as many as a second allows, if each takes a second
            requests_a_day=a_day,
            settle_seconds=(
                SETTLE_SECONDS if self.sync.mode is Mode.CREATE_ONLY else None
            ),
        )

    @property
    def batch_rows(self) -> int:
        """Rows in a batch."""
        return min(BATCH, self.sync.rows_at_once or BATCH)

    def authorise(
        self, request: Request, token: str | None, now: datetime
    ) -> Mapping[str, str]:
        """The private app's token, which does not expire."""
        del request, token, now
        return {"authorization": f"Bearer {self.config.token.get_secret_value()}"}

    # Writing -----------------------------------------------------------------------

    def pack(self, rows: Iterable[Row]) -> Iterator[Part]:
        """Put rows of the same kind of request together, as they come."""
        waiting: dict[str, list[Row]] = {}
        for row in rows:
            route = self.route(row)
            waiting.setdefault(route, []).append(row)
            if len(waiting[route]) >= self.most(route):
                yield Part(waiting.pop(route), route)
        for route, left in waiting.items():
            yield Part(left, route)

    def route(self, row: Row) -> str:
        """The kind of request that a row goes by."""
        if row.op in WRITES:
            modes = {Mode.UPDATE_ONLY: "update", Mode.CREATE_ONLY: "create"}
            return modes.get(self.sync.mode, "upsert")
        if row.op is Op.LEAVE:
            return "update"
        if row.op is Op.DELETE:
            # A mirror's deletions unset fields, those of erased people have none.
            is_erased = not row.values and self.sync.object == "contacts"
            return "erase" if is_erased else "archive"
        return f"{row.op}:{row.values['list']}"

    def most(self, route: str) -> int:
        """Most rows of a request."""
        if route == "erase":
            return 1
        return LIST_ROWS if ":" in route else self.batch_rows

    def request(self, part: Part) -> Request:
        """The request that sends a part."""
        ids = [row.remote_id or row.key for row in part.rows]
        kind, _, list_id = part.route.partition(":")
        method, path = "POST", f"{self.objects}/batch/{kind}"
        body: dict[str, Any]
        match kind:
            case "erase":
                path = f"{self.objects}/gdpr-delete"
                body = {"objectId": ids[0]}
            case "archive":
                body = {"inputs": [{"id": each} for each in ids]}
            case Op.DROP | Op.JOIN:
                method = "PUT"
                path = f"/crm/lists/{VERSION}/{list_id}/memberships/add-and-remove"
                body = {
                    "recordIdsToAdd": ids if kind == Op.JOIN else [],
                    "recordIdsToRemove": ids if kind == Op.DROP else [],
                }
            case _:
                body = {"inputs": [self.input(row, kind) for row in part.rows]}
        return Request(
            method,
            path,
            orjson.dumps(body),
            {"content-type": "application/json"},
            units=len(part.rows),
        )

    @property
    def objects(self) -> str:
        """The path of the sync's objects."""
        return f"/crm/objects/{VERSION}/{self.sync.object}"

    def input(self, row: Row, kind: str) -> dict[str, Any]:
        """A row as one input of a batch."""
        field = self.sync.match.field
        properties = {
            name: spoken(value, self.sync.fields[name].type)
            for name, value in row.values.items()
        }
        found: dict[str, Any] = {
            "objectWriteTraceId": str(row.seq),
            "properties": properties,
        }
        if kind == "create":
            return found | {
                "associations": [],
                "properties": {field: row.key, **properties},
            }
        if kind == "update" and (row.remote_id or field == RECORD_ID):
            return found | {"id": row.remote_id or row.key}
        # The key is not among the properties, or a contact that was found by another
        # of its addresses would lose its first one.
        return found | {"id": row.key, "idProperty": field}

    def classify(self, part: Part, response: Response) -> Verdict:
        """What the answer means for each row."""
        kind = part.route.partition(":")[0]
        batch = Batch(
            part.rows,
            self.sync.match.field,
            by_record_id=kind not in ("upsert", "create"),
            creates=kind == "create",
        )
        if kind in ("erase", "archive") and response.status == 204:
            return Verdict({row.seq: ACKNOWLEDGED for row in part.rows})
        if kind in (Op.DROP, Op.JOIN):
            return list_verdict(part, response)
        return batch_verdict(batch, response)

    # Reading -----------------------------------------------------------------------

    def describe_requests(self) -> Sequence[Request]:
        """One request for all properties."""
        return [Request("GET", f"/crm/properties/{VERSION}/{self.sync.object}")]

    def refuses(self, response: Response) -> Verdict | None:
        """What an answer means that describes nothing."""
        return trouble(response)

    def read_fields(
        self, responses: Sequence[Response]
    ) -> Mapping[str, RemoteField] | None:
        """The properties by name."""
        found = read_object(responses[0]).get("results")
        if not isinstance(found, list):
            raise ValueError("no list of properties")
        unique = {RECORD_ID, "email" if self.sync.object == "contacts" else RECORD_ID}
        fields = [
            remote_field(each, is_unique=each.get("name") in unique)
            for each in dicts(found)
            if not each.get("archived")
        ]
        return {field.name: field for field in fields}

    def lookup(self, keys: Sequence[str], fields: Sequence[str]) -> Request:
        """The request that reads records by match key."""
        field = self.sync.match.field
        wanted = [field, *fields, *([OTHER_EMAILS] if field == "email" else [])]
        body: dict[str, Any] = {
            "inputs": [{"id": key} for key in keys],
            "properties": wanted,
            "propertiesWithHistory": [],
        }
        if field != RECORD_ID:
            body["idProperty"] = field
        return Request(
            "POST",
            f"{self.objects}/batch/read",
            orjson.dumps(body),
            {"content-type": "application/json"},
            units=len(keys),
        )

    def read_lookup(
        self, keys: Sequence[str], fields: Sequence[str], response: Response
    ) -> Mapping[str, RemoteRecord] | Verdict:
        """The records that there are, by our keys; or what else the answer means."""
        if verdict := trouble(response):
            return verdict
        body = read_object(response)
        errors = dicts(body.get("errors"))
        if response.status == 404 and body.get("category") == "OBJECT_NOT_FOUND":
            return {}
        if response.status not in (200, 207) or not isinstance(
            body.get("results"), list
        ):
            raise ValueError(f"the status {response.status}")
        if any(error.get("category") != "OBJECT_NOT_FOUND" for error in errors):
            return Verdict()
        ours = {self.spelt(key): key for key in keys}
        records: dict[str, RemoteRecord] = {}
        for result in dicts(body["results"]):
            for name in self.names(result):
                if key := ours.get(self.spelt(name)):
                    records[key] = self.record(result, fields)
        return records

    def names(self, result: Mapping[str, Any]) -> Iterator[str]:
        """What a record can be found by."""
        properties = result["properties"]
        if self.sync.match.field == RECORD_ID:
            yield str(result["id"])
            return
        yield str(properties.get(self.sync.match.field) or "")
        if self.sync.match.field == "email":
            yield from str(properties.get(OTHER_EMAILS) or "").split(";")

    def spelt(self, name: str) -> str:
        """A name in the one spelling in which names are compared."""
        return name.strip().lower() if self.sync.match.ignore_case else name

    def record(self, result: Mapping[str, Any], fields: Sequence[str]) -> RemoteRecord:
        """A record of an answer."""
        properties = result["properties"]
        return RemoteRecord(
            str(result["id"]),
            {
                name: heard(properties.get(name), self.sync.fields[name].type)
                for name in fields
            },
        )

    def quota(self, response: Response) -> Quota | None:
        """What the headers say about the day; those of public apps say nothing."""
        limit = response.headers.get("x-hubspot-ratelimit-daily")
        left = response.headers.get("x-hubspot-ratelimit-daily-remaining")
        if limit is None or left is None:
            return None
        return Quota(used=max(0, int(limit) - int(left)), limit=int(limit))

    def setup(self) -> Sequence[str]:
        """The scopes and properties that the sync needs."""
        return steps(self.sync)


def list_verdict(part: Part, response: Response) -> Verdict:
    """What the answer to a change of a list's members means.

    Those that were on the list already, or were not, are in neither of its lists. What
    is refused is the list, such as one whose members follow from filters.
    """
    if verdict := trouble(response):
        return verdict
    body = read_object(response)
    if response.status in (400, 404, 409) and "message" in body:
        refused = next(faults_of(body)).outcome
        return Verdict({row.seq: refused for row in part.rows})
    if response.status != 200 or not isinstance(body.get("recordIdsMissing"), list):
        raise ValueError("an answer without the records that are missing")
    missing = set(strings(body["recordIdsMissing"]))
    absent = Outcome(State.SKIPPED, NO_MATCH)
    return Verdict(
        {
            row.seq: absent if row.remote_id in missing else ACKNOWLEDGED
            for row in part.rows
        }
    )


def refuse_sync(sync: Sync) -> None:
    """Refuse what HubSpot has not.

    Raises:
        BadInputError: says what, and what to do instead.
    """
    changes = sync.segment_changes
    if sync.object not in OBJECTS:
        raise BadInputError(
            f"{at(sync, 'object')}: {sync.object} is none of {', '.join(OBJECTS)}."
        )
    if changes and changes.told_as == "events":
        raise BadInputError(
            f"{at(sync, 'segment_changes')}: HubSpot has events of one's own only in "
            "Enterprise, and they are not told by this project. Use `as: lists`, or "
            "leave it out and let workflows start from the property with the segment."
        )
    if changes and not all(each.isdigit() for each in changes.lists.values()):
        raise BadInputError(
            f"{at(sync, 'segment_changes', 'lists')}: the id of a list is a number; it "
            "is shown in the list's details (not the one in the address of its page)."
        )
    if sync.match.field == RECORD_ID and sync.mode is not Mode.UPDATE_ONLY:
        raise BadInputError(
            f"{at(sync, 'match', 'field')}: records can't be created by {RECORD_ID}, "
            "which HubSpot gives. Use `mode: update_only`, or match by a property of "
            "your own with unique values."
        )


ADAPTER = HubSpot
