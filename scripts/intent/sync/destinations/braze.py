"""Braze: users by /users/track, erased by /users/delete, read by /users/export/ids.

Every number and rule is from Braze's API documentation
(https://www.braze.com/docs/api/home), by the name of the page;
docs/destinations/braze.md says what could not be verified.

Each attribute that is sent is charged for: "customers should only pass deltas (changing
data)" (Track users). So an update has the fields that changed, and no others. Events
are no less than events each time they come: "duplicate events are treated as separate,
unique events" (ibid.). So each takes a mark with it, as an attribute, by which a
look-up tells whether it was taken.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from intent.errors import BadInputError
from intent.sync.adapter import Adapter
from intent.sync.agree import agrees
from intent.sync.load import at
from intent.sync.model import (
    ACKNOWLEDGED,
    Advice,
    Limits,
    Op,
    Outcome,
    Part,
    RemoteField,
    RemoteRecord,
    Request,
    Response,
    Row,
    State,
    Value,
    Verdict,
    Window,
)
from intent.sync.options import Options, read_options
from intent.sync.secrets import Settings
from intent.sync.spec import FieldType, Mode, Sync

OBJECTS = 75
"""In a request: "Up to 75 total objects combined across attributes, events, and
purchases per API request" (Rate limits). Older contracts allow 75 of each."""
BYTES = 3_900_000  # "All API endpoints have a data payload limit of 4 MB" (User data)
TEXT_LENGTH = 255  # "Text; 255 characters or fewer" (Data types)
DELETED_AT_ONCE = 50  # "Up to 50 external_ids ... in a single request" (User delete)
LOOKUP_ROWS = 50  # "Up to 50 external_ids" (User profile export by identifier)
CONCURRENT = 24
WINDOWS = {
    # "3,000 requests per three seconds" (Rate limits); "50,000 requests per minute" in
    # older copies: both are kept.
    "write": (Window(3_000, 3.0), Window(50_000, 60.0)),
    "delete": (Window(20_000, 60.0),),
    # "onboarded on or after August 22, 2024: 250 requests per minute"
    "read": (Window(250, 60.0),),
}
MARK = "intent_told"
"""The attribute that has the id of the last event."""
NOBODY = "intent_scoring_check"
OWN = frozenset(
    {
        *("external_id", "braze_id", "user_alias", "email", "phone", "country", "dob"),
        *("first_name", "last_name", "gender", "home_city", "language", "time_zone"),
        *("email_subscribe", "push_subscribe", "push_tokens", "push_token_import"),
        *("subscription_groups", "current_location", "image_url", MARK),
        *("_update_existing_only", "_merge_objects"),
    }
)
"""Names with a meaning of their own (User attributes object)."""
TRACK, DELETE, EXPORT = "/users/track", "/users/delete", "/users/export/ids"
JSON = {"content-type": "application/json"}
REFUSED = (
    "Braze refuses the key. Check INTENT_BRAZE_API_KEY, its permissions (`intent sync "
    "setup`), and that INTENT_BRAZE_URL is the endpoint of its instance."
)


class BrazeSettings(Settings):
    """Where the instance is, and its key."""

    model_config = SettingsConfigDict(env_prefix="INTENT_BRAZE_")

    url: str = Field(min_length=1)
    """The REST endpoint, such as `https://rest.fra-01.braze.eu`."""
    api_key: SecretStr
    """A REST API key."""


class BrazeOptions(Options):
    """What a sync to Braze may choose."""

    read_back: bool = False
    """Users are looked up, which takes the permission users.export.ids."""
    settle_seconds: float = Field(default=60.0, ge=0)
    """How long what was accepted takes to be seen, at most."""
    objects: int = Field(default=OBJECTS, ge=2, le=OBJECTS)
    """In a request; plans by monthly active users may allow 50."""


class Braze(Adapter[BrazeSettings]):
    """Braze, for one sync."""

    name = "braze"
    settings = BrazeSettings
    hosts = ("*.braze.com", "*.braze.eu")
    native_leave = True
    once = frozenset({Op.EVENT})

    def __init__(
        self, sync: Sync, settings: BrazeSettings, planned_at: datetime
    ) -> None:
        """Make the adapter of one run of a sync.

        Raises:
            BadInputError: the sync asks for something that Braze has not.
        """
        super().__init__(sync, settings, planned_at)
        self.options = read_options(sync, BrazeOptions)
        check_sync(sync, self.options)
        self.native_modes = frozenset({Mode.UPSERT, Mode.MIRROR})
        reads = self.options.read_back
        if reads:
            self.lookup_rows = LOOKUP_ROWS
        else:
            # It is obeyed then as well, but nobody tells which users there are.
            self.native_modes |= {Mode.UPDATE_ONLY}
        rows = min(self.options.objects, sync.rows_at_once or self.options.objects)
        self._limits = Limits(
            rows=rows,
            size=BYTES,
            windows=WINDOWS,
            concurrent=CONCURRENT,
            settle_seconds=self.options.settle_seconds if reads else None,
        )
        self._most = {
            TRACK: rows,
            "event": max(1, rows // 2),
            DELETE: min(rows, DELETED_AT_ONCE),
        }

    @property
    def address(self) -> str:
        """The REST endpoint of the instance."""
        return self.config.url.rstrip("/")

    @property
    def limits(self) -> Limits:
        """Objects of a request, and requests of each kind."""
        return self._limits

    def authorise(
        self, request: Request, token: str | None, now: datetime
    ) -> Mapping[str, str]:
        """The REST API key."""
        del request, token, now
        return {"authorization": f"Bearer {self.config.api_key.get_secret_value()}"}

    # Writing -----------------------------------------------------------------------

    def pack(self, rows: Iterable[Row]) -> Iterator[Part]:
        """As many as a request may hold, by its kind; bytes never run out before."""
        waiting: dict[str, list[Row]] = {}
        for row in rows:
            route = route_of(row)
            held = waiting.setdefault(route, [])
            held.append(row)
            if len(held) >= self._most[route]:
                yield Part(held, route)
                waiting[route] = []
        for route, held in waiting.items():
            if held:
                yield Part(held, route)

    def refuse(self, row: Row) -> str | None:
        """Texts that Braze would leave out in silence."""
        for name, value in row.values.items():
            if isinstance(value, str) and len(value) > TEXT_LENGTH:
                return (
                    f"{name} is longer than the {TEXT_LENGTH} characters that an "
                    "attribute may have; `truncate` cuts it"
                )
        return None

    def request(self, part: Part) -> Request:
        """Attributes, events, or users to be deleted."""
        told: dict[str, Any]
        if part.route == DELETE:
            told = {"external_ids": [row.key for row in part.rows]}
            return Request("POST", DELETE, orjson.dumps(told), JSON, lane="delete")
        if part.route == "event":
            told = {
                "attributes": [mark_of(row) for row in part.rows],
                "events": [self._event(row) for row in part.rows],
            }
        else:
            told = {"attributes": [self._attributes(row) for row in part.rows]}
        return Request("POST", TRACK, orjson.dumps(told), JSON, units=len(part.rows))

    def _attributes(self, row: Row) -> dict[str, Value]:
        told: dict[str, Value] = {"external_id": row.key}
        if row.op is Op.LEAVE or self.sync.mode is Mode.UPDATE_ONLY:
            told["_update_existing_only"] = True
        told |= changed_of(row)
        if row.op is Op.LEAVE and self.sync.segment_changes:
            told[MARK] = None
        return told

    def _event(self, row: Row) -> dict[str, Any]:
        changes = self.sync.segment_changes
        moment = row.values.get("at") or f"{self.planned_at:%Y-%m-%dT%H:%M:%SZ}"
        told = {name: row.values.get(name) for name in ("from", "to")}
        return {
            "external_id": row.key,
            "name": changes.event if changes else "",
            "time": moment,
            "properties": {name: of for name, of in told.items() if of is not None},
        }

    def classify(self, part: Part, response: Response) -> Verdict:
        """Accepted are those that no error names."""
        if trouble := trouble_of(response):
            return trouble
        if response.status in (400, 413):
            if len(part.rows) > 1:
                return Verdict(advice=Advice.SPLIT)
            return Verdict({part.rows[0].seq: refused(content_of(response))})
        if response.status not in (200, 201, 202):
            raise ValueError(f"the status {response.status} is not documented")
        content = content_of(response)
        if part.route == DELETE:
            int(content["deleted"])
        elif content["message"] not in ("success", "queued"):
            raise ValueError("an answer that is neither success nor queued")
        return self._accepted(part, content)

    def _accepted(self, part: Part, content: Mapping[str, Any]) -> Verdict:
        outcomes: dict[int, Outcome] = {}
        for error in content.get("errors") or ():
            index = error.get("index") if isinstance(error, dict) else None
            if not isinstance(index, int) or not 0 <= index < len(part.rows):
                # Some row is refused, and we can't know which.
                return self._unnamed(part, error)
            outcomes[part.rows[index].seq] = refused(error)
        counted = "events" if part.route == "event" else "attributes"
        processed = content.get(f"{counted}_processed", len(part.rows))
        if processed + len(outcomes) < len(part.rows):
            return Verdict(outcomes, Advice.IN_DOUBT)
        good = {row.seq: ACKNOWLEDGED for row in part.rows}
        return Verdict({**good, **outcomes})

    def _unnamed(self, part: Part, error: Any) -> Verdict:
        if len(part.rows) == 1:
            return Verdict({part.rows[0].seq: refused(error)})
        is_once = part.rows[0].op in self.once
        return Verdict(advice=Advice.IN_DOUBT if is_once else Advice.SPLIT)

    # Reading -----------------------------------------------------------------------

    def describe_requests(self) -> Sequence[Request]:
        """An update of nobody; with read_back, a look-up of nobody."""
        nobody = {"external_id": NOBODY, "_update_existing_only": True}
        check = orjson.dumps({"attributes": [nobody]})
        requests = [Request("POST", TRACK, check, JSON)]
        if self.options.read_back:
            requests.append(self.lookup([NOBODY], []))
        return requests

    def refuses(self, response: Response) -> Verdict | None:
        """The key is no good, or it is a passing failure."""
        if trouble := trouble_of(response):
            return trouble
        if "message" not in content_of(response):
            raise ValueError("an answer without a message")
        return None

    def read_fields(
        self, responses: Sequence[Response]
    ) -> Mapping[str, RemoteField] | None:
        """None: users have any attributes."""
        del responses
        return None

    def lookup(self, keys: Sequence[str], fields: Sequence[str]) -> Request:
        """Custom attributes by external id, in the body."""
        del fields
        told = {
            "external_ids": list(keys),
            "fields_to_export": ["external_id", "braze_id", "custom_attributes"],
        }
        return Request("POST", EXPORT, orjson.dumps(told), JSON, lane="read")

    def read_lookup(
        self, keys: Sequence[str], fields: Sequence[str], response: Response
    ) -> Mapping[str, RemoteRecord] | Verdict:
        """The users that there are."""
        if trouble := trouble_of(response):
            return trouble
        users = content_of(response)["users"]
        return {
            user["external_id"]: RemoteRecord(
                str(user.get("braze_id", "")),
                self._values(user.get("custom_attributes") or {}, fields),
            )
            for user in users
            if user.get("external_id") in keys
        }

    def _values(
        self, told: Mapping[str, Any], fields: Sequence[str]
    ) -> Mapping[str, Value]:
        values = {
            name: from_remote(told.get(name), self.sync.fields[name].type)
            for name in fields
        }
        return {**values, MARK: told.get(MARK)} if fields else values

    def has_done(self, row: Row, record: RemoteRecord) -> bool:
        """What was sent is there; of an event, the mark that it took with it."""
        if row.op is Op.EVENT:
            return record.values.get(MARK) == row.event_id
        return agrees(changed_of(row), record.values)

    # Set-up ------------------------------------------------------------------------

    def setup(self) -> Sequence[str]:
        """A key; attributes come into being when they are first written."""
        changes = self.sync.segment_changes
        rights = ["users.track", "users.delete"]
        rights += ["users.export.ids"] if self.options.read_back else []
        lines = [
            "Settings > APIs and Identifiers > API Keys > Create API Key, with the "
            f"permissions {', '.join(rights)}, and no others. It is "
            "INTENT_BRAZE_API_KEY.",
            "The same page names the REST endpoint: INTENT_BRAZE_URL, such as "
            "https://rest.fra-01.braze.eu.",
            f"Users are found by their external_id: {self.sync.match.column} here. Set "
            "`match` in the sync's file to the column with the ids that your apps use.",
            "Nothing is to be created for attributes. They will be: "
            + ", ".join(
                f"{name} ({kind_of(rule.type)})"
                for name, rule in self.sync.fields.items()
            )
            + ".",
            "Data Settings > Custom Attributes: if these were there before with other "
            "types, Braze takes no others.",
        ]
        if changes:
            lines.append(
                f"Canvases and campaigns can start by the event {changes.event}, whose "
                f"properties are from and to. {MARK} is its mark: leave it alone."
            )
        return lines


def route_of(row: Row) -> str:
    """The kind of request that a row goes by."""
    if row.op is Op.EVENT:
        return "event"
    return DELETE if row.op is Op.DELETE else TRACK


def changed_of(row: Row) -> Mapping[str, Value]:
    """The values that have to be sent; all, if none is known to have changed."""
    known = row.changed or frozenset()
    told = {name: value for name, value in row.values.items() if name in known}
    return told or row.values


def mark_of(row: Row) -> dict[str, Value]:
    """The mark that an event takes with it."""
    return {"external_id": row.key, MARK: row.event_id}


def from_remote(value: Any, kind: FieldType) -> Value:
    """A value in our form; one that somebody else wrote otherwise stays as it is."""
    if not isinstance(value, str) or kind not in (FieldType.DATETIME, FieldType.DATE):
        is_plain = isinstance(value, str | int | float | bool | None)
        return value if is_plain else orjson.dumps(value).decode()
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    if kind is FieldType.DATE:
        return moment.date().isoformat()
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def trouble_of(response: Response) -> Verdict | None:
    """What an answer means that is not about rows.

    Of 429, X-Ratelimit-Retry-After is obeyed. A key that is unknown is 401 or 404
    (Errors & responses).
    """
    if response.status in (401, 403):
        return Verdict(advice=Advice.REFUSED, message=REFUSED)
    if response.status in (408, 429) or response.status >= 500:
        return Verdict(advice=Advice.RESEND)
    if response.status == 404 and "message" in content_of(response):
        return Verdict(advice=Advice.REFUSED, message=REFUSED)
    return None


def content_of(response: Response) -> Mapping[str, Any]:
    """An answer as an object. Raises: ValueError."""
    content = orjson.loads(response.content)
    if not isinstance(content, dict):
        raise ValueError("an answer that is no object")
    return content


def refused(error: Any) -> Outcome:
    """Why a row was refused: Braze's words, as it has no codes."""
    told = error if isinstance(error, dict) else {"type": error}
    words = str(told.get("type") or told.get("message") or "Braze does not say why")
    return Outcome(State.REJECTED, "INVALID", message=words)


def kind_of(kind: FieldType) -> str:
    """What a type is over there."""
    return "time" if kind in (FieldType.DATETIME, FieldType.DATE) else str(kind)


def check_sync(sync: Sync, options: BrazeOptions) -> None:
    """Make sure that Braze has what a sync asks for.

    Raises:
        BadInputError: it has not.
    """
    changes = sync.segment_changes
    own = sorted(name for name in sync.fields if name in OWN or name[:1] == "$")
    faults = {
        "object: Braze knows `user` only here": sync.object != "user",
        "match.field: users are found by `external_id`": (
            sync.match.field != "external_id"
        ),
        f"fields: {', '.join(own)}: only custom attributes are written": bool(own),
        f"fields: a name has {TEXT_LENGTH} characters at most": any(
            len(name) > TEXT_LENGTH for name in sync.fields
        ),
        "segment_changes.as: Braze has no lists; make segments of its own by the "
        "attribute of the segment instead": (
            changes is not None and changes.told_as == "lists"
        ),
        "segment_changes: Braze counts an event twice that is sent twice, so that one "
        "in doubt must be looked up; set `options: {read_back: true}`": (
            changes is not None and not options.read_back
        ),
        f"segment_changes.event: a name has {TEXT_LENGTH} characters at most": (
            changes is not None and len(changes.event) > TEXT_LENGTH
        ),
        "mode: `create_only` needs `options: {read_back: true}`": (
            sync.mode is Mode.CREATE_ONLY and not options.read_back
        ),
    }
    found = [fault.partition(": ") for fault, is_there in faults.items() if is_there]
    if found:
        raise BadInputError(
            "\n".join(f"{at(sync, *key.split('.'))}: {why}" for key, _, why in found)
        )


ADAPTER = Braze
