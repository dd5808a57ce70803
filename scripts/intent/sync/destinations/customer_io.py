"""Customer.io: people by the Track API v2, read back by the App API.

The facts are from the OpenAPI documents of both APIs; docs/destinations/customer_io.md
names each with its source, and what could not be verified.
"""

import base64
import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

import orjson
from pydantic import SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from intent.errors import BadInputError
from intent.sync.adapter import Adapter
from intent.sync.destinations import _json_answers as json_answers
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
from intent.sync.options import Options, read_options, refuse_faults
from intent.sync.secrets import Settings
from intent.sync.spec import FieldType, Mode, Sync

BATCH_BYTES = 499_999
"""It must be smaller than 500 KB, which are taken as 1,000 bytes each, to be safe."""
OPERATION_BYTES = 32_000
KEY_BYTES = 150
NAME_BYTES = 150
VALUE_BYTES = 1_000
EVENT_NAME_BYTES = 100
MOST_ATTRIBUTES = 300
LIST_ROWS = 1_000
LOOKUP_ROWS = 100
RATE = 1_000
"""A second, of the Track API."""
ROWS_BY_OPERATIONS = 250
"""In a batch, where the rate counts operations: several batches fill a second to the
brim, as one of, say, 700 operations would not."""
SPREAD = 0.9
"""Of the time that a batch may take: what is left makes good for one that is late."""
ROWS_BY_REQUESTS = 10_000
"""More than fit into the bytes of a batch."""
APP_RATE = 10

IDENTIFIERS = ("id", "email", "phone", "cio_id")
"""Attributes that say who a person is. They are never unset: others go by them too."""
BATCH = "batch"
JSON = {"content-type": "application/json"}
ULID_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# In a JSON text a character takes six bytes at most, as in \u0000.
LONGEST_IN_JSON = 6


class CustomerIoSettings(Settings):
    """Where Customer.io is, and the keys of its APIs."""

    model_config = SettingsConfigDict(env_prefix="INTENT_CUSTOMER_IO_")

    site_id: str
    """The name of the Track API key."""
    api_key: SecretStr
    """The Track API key."""
    app_key: SecretStr | None = None
    """An App API key: to read people back, and for `mode: create_only`."""
    region: Literal["us", "eu"] | None = None
    """Where the account is: us, or eu."""
    url: str | None = None
    """Another address of the Track API, for tests."""
    app_url: str | None = None
    """Another address of the App API, for tests."""

    @field_validator("region", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        """Let EU be eu."""
        return value.lower() if isinstance(value, str) else value


class CustomerIoOptions(Options):
    """What a sync to Customer.io may choose."""

    region: Literal["us", "eu"] | None = None
    """Where the account is; INTENT_CUSTOMER_IO_REGION otherwise, or us."""
    rate_counts: Literal["operations", "requests"] = "operations"
    """What the documented 1,000 a second are taken to be."""
    erased: Literal["delete", "suppress"] = "delete"
    """Erased people are deleted, or besides can never be added again."""


class CustomerIo(Adapter[CustomerIoSettings]):
    """Customer.io, for one sync."""

    name = "customer_io"
    settings = CustomerIoSettings
    hosts = (
        "track.customer.io",
        "track-eu.customer.io",
        "api.customer.io",
        "api-eu.customer.io",
    )
    native_leave = True

    def __init__(
        self, sync: Sync, settings: CustomerIoSettings, planned_at: datetime
    ) -> None:
        """Make the adapter of one run of a sync.

        Raises:
            BadInputError: the sync asks for something that Customer.io has not.
        """
        super().__init__(sync, settings, planned_at)
        self.options = read_options(sync, CustomerIoOptions)
        check_sync(sync, self.options)
        self.region = self.options.region or settings.region or "us"
        self.native_modes = frozenset({Mode.UPSERT, Mode.MIRROR})
        if settings.app_key:
            self.lookup_rows = LOOKUP_ROWS
        else:
            # It is obeyed then as well, but nobody tells which people there are.
            self.native_modes |= {Mode.UPDATE_ONLY}
        self._timestamp = math.floor(planned_at.timestamp())
        self._moments = [
            name
            for name, rule in sync.fields.items()
            if rule.type in (FieldType.DATETIME, FieldType.DATE)
        ]
        self._identifiers = [name for name in sync.fields if name in IDENTIFIERS]
        by_operations = self.options.rate_counts == "operations"
        rows = ROWS_BY_OPERATIONS if by_operations else ROWS_BY_REQUESTS
        rows = min(rows, sync.rows_at_once or rows)
        self._limits = Limits(
            rows=rows,
            size=BATCH_BYTES,
            row_size=OPERATION_BYTES,
            windows={
                "write": by_operation(rows) if by_operations else BY_REQUEST,
                "read": (Window(APP_RATE, 1.0),),
            },
            concurrent=16,
        )

    @property
    def address(self) -> str:
        """The Track API, in the region of the account."""
        return self.config.url or f"https://track{self._suffix}.customer.io"

    @property
    def app_address(self) -> str:
        """The App API, in the region of the account."""
        return self.config.app_url or f"https://api{self._suffix}.customer.io"

    @property
    def _suffix(self) -> str:
        return "-eu" if self.region == "eu" else ""

    @property
    def limits(self) -> Limits:
        """Bytes of a batch, and operations or requests a second."""
        return self._limits

    def authorise(
        self, request: Request, token: str | None, now: datetime
    ) -> Mapping[str, str]:
        """The key pair of the Track API, or the key of the App API."""
        del token, now
        if request.host == self.app_address and self.config.app_key:
            return {"authorization": f"Bearer {self.config.app_key.get_secret_value()}"}
        pair = f"{self.config.site_id}:{self.config.api_key.get_secret_value()}"
        return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    # Writing -----------------------------------------------------------------------

    def pack(self, rows: Iterable[Row]) -> Iterator[Part]:
        """Fill batches to the byte; those of each list on their own."""
        trays: dict[str, _Tray] = {}
        for row in rows:
            route = route_of(row)
            item = self._encode(row)
            if len(item) > OPERATION_BYTES:
                yield Part((row,), route, framed(route, [item]))
                continue
            if route not in trays:
                trays[route] = _Tray(route, self._limits)
            tray = trays[route]
            if tray.is_too_full_for(item):
                yield tray.emptied()
            tray.add(row, item)
        for tray in trays.values():
            if tray.rows:
                yield tray.emptied()

    def refuse(self, row: Row) -> str | None:
        """Keys and values that are longer than people may have."""
        if bytes_of(row.key) > KEY_BYTES:
            return f"the {self.sync.match.field} is longer than {KEY_BYTES} bytes"
        longest = 0
        for name, value in row.values.items():
            if isinstance(value, str):
                longest += len(value)
                if bytes_of(value) > VALUE_BYTES:
                    return (
                        f"{name} is longer than the {VALUE_BYTES} bytes that an "
                        "attribute may have; `truncate` cuts it"
                    )
        may_be_large = longest * LONGEST_IN_JSON + len(row.values) * 2 * NAME_BYTES
        is_surely_small = may_be_large < OPERATION_BYTES - 1_000
        if is_surely_small or len(self._encode(row)) <= OPERATION_BYTES:
            return None
        return f"all fields together are more than {OPERATION_BYTES} bytes"

    def request(self, part: Part) -> Request:
        """A batch of operations, or of people for a list."""
        of_list = f"/api/v1/{part.route}?id_type={self.sync.match.field}"
        return Request(
            "POST",
            "/api/v2/batch" if part.route == BATCH else of_list,
            part.content or framed(part.route, map(self._encode, part.rows)),
            JSON,
            units=len(part.rows),
        )

    def classify(self, part: Part, response: Response) -> Verdict:
        """Accepted are those that no error names."""
        if trouble := json_answers.trouble_of(response, TRACK_REFUSED):
            return trouble
        if response.status in (200, 207):
            return self._accepted(part, response)
        if response.status == 404 and part.route != BATCH:
            return all_rejected(part, "NO_SUCH_LIST", "there is no such manual segment")
        if response.status in (400, 413):
            if part.route != BATCH:
                return all_rejected(part, "LIST_REFUSED", reasons(response))
            if len(part.rows) > 1:
                return Verdict(advice=Advice.SPLIT)
            return all_rejected(part, "INVALID", reasons(response))
        raise ValueError(f"the status {response.status} is not documented")

    def _accepted(self, part: Part, response: Response) -> Verdict:
        errors = errors_of(response)
        if response.status == 207 and not errors:
            raise ValueError("an answer of partial success that names no errors")
        rejected: dict[int, Outcome] = {}
        for error in errors:
            index = error.get("batch_index")
            if not isinstance(index, int) or not 0 <= index < len(part.rows):
                # Some row is refused, and we can't know which.
                if len(part.rows) > 1:
                    return Verdict(advice=Advice.SPLIT)
                index = 0
            rejected[part.rows[index].seq] = outcome_of(error)
        return Verdict(
            {row.seq: rejected.get(row.seq, ACKNOWLEDGED) for row in part.rows}
        )

    def _encode(self, row: Row) -> bytes:
        """A row as the item of a batch or list."""
        if row.op in (Op.JOIN, Op.DROP):
            return orjson.dumps(row.key)
        return orjson.dumps(self._operation(row))

    def _operation(self, row: Row) -> dict[str, Any]:
        """A row as an operation of a batch."""
        operation: dict[str, Any] = {
            "type": "person",
            "identifiers": {self.sync.match.field: row.key},
        }
        if row.op is Op.DELETE:
            operation["action"] = self.options.erased
        elif row.op is Op.EVENT:
            operation |= event_of(row, self.sync)
        else:
            operation["action"] = "identify"
            # Updates are applied in this order, however late one arrives.
            operation["timestamp"] = self._timestamp
            operation["attributes"] = self._attributes(row)
        return operation

    def _attributes(self, row: Row) -> dict[str, Value]:
        attributes = dict(row.values)
        for name in self._moments:
            if (moment := attributes.get(name)) is not None:
                attributes[name] = seconds_of(str(moment))
        for name in self._identifiers:
            if attributes.get(name, "") is None:
                del attributes[name]
        if row.op is Op.LEAVE or self.sync.mode is Mode.UPDATE_ONLY:
            attributes["_update"] = True
        return attributes

    # Reading -----------------------------------------------------------------------

    def describe_requests(self) -> Sequence[Request]:
        """The region of the account; nobody's attributes, to prove the other key."""
        requests = [Request("GET", "/api/v1/accounts/region")]
        if self.config.app_key:
            requests.append(self.lookup(["intent_scoring"], []))
        return requests

    def refuses(self, response: Response) -> Verdict | None:
        """Either key is no good, or it is a passing failure."""
        also = f" {APP_REFUSED}" if self.config.app_key else ""
        return json_answers.trouble_of(response, f"{TRACK_REFUSED}{also}")

    def read_fields(
        self, responses: Sequence[Response]
    ) -> Mapping[str, RemoteField] | None:
        """None: people have any attributes.

        Raises:
            BadInputError: the account is in the other region.
        """
        region = region_of(responses[0])
        if region != self.region:
            raise BadInputError(
                f"The account of INTENT_CUSTOMER_IO_SITE_ID is in the region {region}, "
                f"and {self.region} was asked. Set `options: {{region: {region}}}` in "
                f"syncs/{self.sync.name}.yml."
            )
        return None

    def lookup(self, keys: Sequence[str], fields: Sequence[str]) -> Request:
        """Attributes by id or email, in the body."""
        del fields
        id_type = self.sync.match.field
        return Request(
            "POST",
            f"/v1/customers/attributes?id_type={id_type}",
            orjson.dumps({"ids": list(keys)}),
            JSON,
            lane="read",
            host=self.app_address,
        )

    def read_lookup(
        self, keys: Sequence[str], fields: Sequence[str], response: Response
    ) -> Mapping[str, RemoteRecord] | Verdict:
        """Those that are there; values come as text."""
        if trouble := json_answers.trouble_of(
            response, f"Customer.io refuses the key. {APP_REFUSED}"
        ):
            return trouble
        if response.status != 200:
            raise ValueError(f"the status {response.status} is not documented")
        ours = {self._as_key(key): key for key in keys}
        records = {}
        for attributes in people_of(response):
            theirs = self._as_key(str(attributes.get(self.sync.match.field)))
            if (key := ours.get(theirs)) is not None:
                values = {
                    name: from_remote(attributes.get(name), self.field_type(name))
                    for name in fields
                }
                records[key] = RemoteRecord(str(attributes.get("cio_id", "")), values)
        return records

    def _as_key(self, key: str) -> str:
        """Emails are the same in capitals."""
        return key.lower() if self.sync.match.field == "email" else key

    # Set-up ------------------------------------------------------------------------

    def setup(self) -> Sequence[str]:
        """Keys; attributes come into being when they are first written."""
        lines = [
            "Settings > Workspace settings: people are identified by "
            f"{self.sync.match.field}.",
            "Settings > API credentials > Track API key: set INTENT_CUSTOMER_IO_SITE_ID"
            " and INTENT_CUSTOMER_IO_API_KEY.",
            "To read back (reconcile, create_only): an App API key that may read "
            "people, as INTENT_CUSTOMER_IO_APP_KEY.",
            "Nothing is to be created for attributes. They will be: "
            + ", ".join(
                f"{name} ({kind_of(rule.type)})"
                for name, rule in self.sync.fields.items()
            )
            + ".",
        ]
        changes = self.sync.segment_changes
        if changes and changes.told_as == "events":
            lines.append(
                f"Campaigns can start by the event {changes.event}, whose attributes "
                "are from, to and at."
            )
        if changes and changes.told_as == "lists":
            lines.append(
                "Manual segments with these ids: "
                + ", ".join(f"{of} ({name})" for name, of in changes.lists.items())
                + "."
            )
        return lines


class _Tray:
    """A batch that is being filled."""

    def __init__(self, route: str, limits: Limits) -> None:
        self.route = route
        self.rows: list[Row] = []
        self._items: list[bytes] = []
        self._most = limits.rows if route == BATCH else min(limits.rows, LIST_ROWS)
        self._size = limits.size - len(framed(route, ()))
        self._left = self._size

    def is_too_full_for(self, item: bytes) -> bool:
        """There is no room for another item."""
        return len(item) > self._left or len(self.rows) >= self._most

    def add(self, row: Row, item: bytes) -> None:
        """Put an item in."""
        self.rows.append(row)
        self._items.append(item)
        self._left -= len(item) + 1  # and a comma

    def emptied(self) -> Part:
        """What is in it, as a part."""
        part = Part(self.rows, self.route, framed(self.route, self._items))
        self.rows, self._items, self._left = [], [], self._size
        return part


TRACK_REFUSED = (
    "Customer.io refuses the key. Check INTENT_CUSTOMER_IO_SITE_ID and "
    "INTENT_CUSTOMER_IO_API_KEY: are both of one workspace?"
)
APP_REFUSED = "Check INTENT_CUSTOMER_IO_APP_KEY: may it read people?"


BY_REQUEST = (Window(RATE, 1.0),)


def by_operation(rows: int) -> Sequence[Window]:
    """So many operations a second, and batches spread over it.

    Sent all at once, batches would hold each other up on their way, and arrive closer
    to the next ones than they were sent.
    """
    return (
        Window(RATE, 1.0, counts_rows=True),
        Window(rows, SPREAD * rows / RATE, counts_rows=True),
    )


def check_sync(sync: Sync, options: CustomerIoOptions) -> None:
    """Make sure that Customer.io has what a sync asks for.

    Raises:
        BadInputError: it has not.
    """
    lists = sync.segment_changes.lists.values() if sync.segment_changes else ()
    faults = {
        "object: Customer.io knows `person` only here": sync.object != "person",
        "match.field: people are found by `id` or `email`": sync.match.field
        not in ("id", "email"),
        f"fields: a person has {MOST_ATTRIBUTES} attributes at most": len(sync.fields)
        > MOST_ATTRIBUTES,
        f"fields: a name has {NAME_BYTES} bytes at most": any(
            bytes_of(name) > NAME_BYTES for name in sync.fields
        ),
        f"segment_changes.event: a name has {EVENT_NAME_BYTES} bytes at most": (
            sync.segment_changes is not None
            and bytes_of(sync.segment_changes.event) > EVENT_NAME_BYTES
        ),
        "segment_changes.lists: a manual segment is named by its id, a number": not all(
            of.isascii() and of.isdigit() for of in lists
        ),
        "options.erased: with `mode: mirror` people who leave are deleted the same way "
        "as erased ones, and suppressing would keep them out for ever; use `delete`": (
            sync.mode is Mode.MIRROR and options.erased == "suppress"
        ),
    }
    refuse_faults(sync, faults)


def route_of(row: Row) -> str:
    """The kind of request that a row goes by; of lists, the end of its path."""
    if row.op is Op.JOIN:
        return f"segments/{row.values['list']}/add_customers"
    if row.op is Op.DROP:
        return f"segments/{row.values['list']}/remove_customers"
    return BATCH


def framed(route: str, items: Iterable[bytes]) -> bytes:
    """The body that holds encoded items."""
    name = b"batch" if route == BATCH else b"ids"
    return b'{"%b":[%b]}' % (name, b",".join(items))


def event_of(row: Row, sync: Sync) -> dict[str, Any]:
    """A change of the segment as an event."""
    at = row.values.get("at")
    moment = None if at is None else seconds_of(str(at))
    event: dict[str, Any] = {
        "action": "event",
        "id": ulid(moment or 0, row.event_id or ""),
        "name": sync.segment_changes.event if sync.segment_changes else "",
        "attributes": {**row.values, "at": moment},
    }
    return event if moment is None else {**event, "timestamp": moment}


def ulid(seconds: int, event_id: str) -> str:
    """A ULID that is the same for the same event: its moment, and a hash of its id."""
    chance = hashlib.sha256(event_id.encode()).digest()[:10]
    number = (max(seconds, 0) * 1000 << 80) | int.from_bytes(chance)
    return "".join(
        ULID_LETTERS[number >> 5 * place & 31] for place in range(25, -1, -1)
    )


@lru_cache(maxsize=10_000)
def seconds_of(text: str) -> int:
    """A moment or date as seconds since 1970, which rules on time there need."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return math.floor(moment.timestamp())


def from_remote(value: Any, kind: FieldType) -> Value:
    """A value in our form; one that somebody else wrote otherwise stays as it is."""
    if value is None or (value == "" and kind is not FieldType.TEXT):
        return None
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    try:
        return READERS[kind](text)
    except (ValueError, KeyError, OverflowError, OSError):
        return text


def moment_of(text: str) -> datetime:
    """The moment that seconds since 1970 stand for."""
    return datetime.fromtimestamp(int(text), UTC)


def whole(text: str) -> int:
    """A whole number, which may be written as 3.0. Raises: ValueError."""
    if text.lstrip("-").isdigit():
        return int(text)
    if not (number := float(text)).is_integer():
        raise ValueError("a fraction")
    return int(number)


READERS: Mapping[FieldType, Callable[[str], Value]] = {
    FieldType.TEXT: str,
    FieldType.NUMBER: float,
    FieldType.INTEGER: whole,
    FieldType.BOOLEAN: lambda text: {"true": True, "false": False}[text.lower()],
    FieldType.DATETIME: lambda text: moment_of(text).strftime("%Y-%m-%dT%H:%M:%SZ"),
    FieldType.DATE: lambda text: moment_of(text).date().isoformat(),
}


def bytes_of(text: str) -> int:
    """The length of a text in bytes."""
    return len(text) if text.isascii() else len(text.encode())


def all_rejected(part: Part, code: str, message: str) -> Verdict:
    """The same for all rows of a part."""
    outcome = Outcome(State.REJECTED, code, message=message)
    return Verdict({row.seq: outcome for row in part.rows})


def errors_of(response: Response) -> Sequence[Mapping[str, Any]]:
    """The errors that an answer to a batch names.

    Raises:
        ValueError: it is no such answer.
    """
    answer = orjson.loads(response.content)
    if not isinstance(answer, dict):
        raise ValueError("an answer that is no object")
    errors = answer.get("errors", [])
    if not isinstance(errors, list) or not all(isinstance(one, dict) for one in errors):
        raise ValueError("errors that are no objects")
    return errors


def outcome_of(error: Mapping[str, Any]) -> Outcome:
    """Why an operation was refused."""
    return Outcome(
        State.REJECTED,
        str(error.get("reason") or "INVALID"),
        str(error.get("field") or ""),
        str(error.get("message") or ""),
    )


def reasons(response: Response) -> str:
    """What an answer of 400 says; either API has its own form."""
    try:
        answer = orjson.loads(response.content)
        errors = answer.get("errors") or answer["meta"]["errors"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "it is malformed"
    return "; ".join(
        " ".join(map(str, error.values())) if isinstance(error, dict) else str(error)
        for error in errors
    )


def region_of(response: Response) -> str:
    """The region that the Track API tells.

    Raises:
        ValueError: it tells none.
    """
    answer = orjson.loads(response.content)
    region = answer.get("region") if isinstance(answer, dict) else None
    if region not in ("us", "eu"):
        raise ValueError("an answer that names no region")
    return str(region)


def people_of(response: Response) -> Sequence[Mapping[str, Any]]:
    """The attributes of the people that the App API tells; `id` is among them.

    Raises:
        ValueError: it is no such answer.
    """
    try:
        people = [
            entry["customer"] for entry in orjson.loads(response.content)["customers"]
        ]
        return [{"id": person.get("id"), **person["attributes"]} for person in people]
    except (KeyError, TypeError, AttributeError):
        raise ValueError("an answer that names no people") from None


def kind_of(kind: FieldType) -> str:
    """What a type is over there."""
    is_moment = kind in (FieldType.DATETIME, FieldType.DATE)
    return "timestamp" if is_moment else str(kind)


ADAPTER = CustomerIo
