"""Customer.io, as the OpenAPI documents of its Track and App APIs have it.

https://docs.customer.io/integrations/api/track/ and .../app/. Where they leave a thing
open, the stricter reading is taken: operations are counted a second, not requests, and
what is longer than allowed is refused.
"""

import base64
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from intent.sync.spec import FieldType, Sync

from standins.case import Case, Told, Trait
from standins.kit import Answer, Call, Fields, RateWindow, Route, StandIn, Value, serve

SITE_ID = "site-4711"
API_KEY = "track-key-0815"
APP_KEY = "app-key-4242"

LARGEST_BATCH = 500_000 - 1
LARGEST_OPERATION = 32_000
LONGEST_ID = LONGEST_NAME = 150
LONGEST_VALUE = 1_000
LONGEST_EVENT_NAME = 100
MOST_ATTRIBUTES = 300
OPERATIONS_A_SECOND = REQUESTS_A_SECOND = 1_000
APP_REQUESTS_A_SECOND = 10
MOST_IN_A_LIST_CALL = 1_000
MOST_LOOKED_UP = 100
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")

FORMS: dict[FieldType | None, str] = {
    FieldType.DATETIME: "%Y-%m-%dT%H:%M:%SZ",
    FieldType.DATE: "%Y-%m-%d",
}

Operation = dict[str, Any]
Error = dict[str, Any]


@dataclass
class Person:
    """A person; each attribute knows when it was last updated."""

    cio_id: str
    attributes: Fields = field(default_factory=dict)
    updated: dict[str, int] = field(default_factory=dict)


class CustomerIoStandIn(StandIn):
    """A workspace of Customer.io that identifies people by id."""

    def __init__(
        self,
        latency: float = 0.0,
        seed: int = 0,
        port: int = 0,
        rate_counts: Literal["operations", "requests"] = "operations",
        region: str = "us",
    ) -> None:
        super().__init__(latency, seed, port)
        self.region = region
        self.people: dict[str, Person] = {}
        self.suppressed: set[str] = set()
        self.segments: dict[str, set[str]] = {}
        self.told: list[dict[str, Any]] = []
        self.repeated_events = 0
        """Events that came again, and were taken for what they are by their id."""
        self.types: dict[str, FieldType] = {}
        """What attributes are to us; over there a moment is a number as others are."""
        self.is_holding = False
        """What is accepted waits until `release`."""
        self._held: list[Operation] = []
        self._event_ids: set[str] = set()
        self._parsed: tuple[bytes, Any] = (b"", None)
        self.windows = [
            RateWindow("app", APP_REQUESTS_A_SECOND, 1.0, units=is_app),
            RateWindow("track", OPERATIONS_A_SECOND, 1.0, units=self.operations)
            if rate_counts == "operations"
            else RateWindow("track", REQUESTS_A_SECOND, 1.0, units=is_track),
        ]

    def routes(self) -> Sequence[Route]:
        segment = r"/api/v1/segments/(?P<segment>\d+)"
        return [
            ("POST", "/api/v2/batch", self.batch),
            ("GET", "/api/v1/accounts/region", self.tell_region),
            ("POST", f"{segment}/add_customers", self.add_to_segment),
            ("POST", f"{segment}/remove_customers", self.remove_from_segment),
            ("POST", "/v1/customers/attributes", self.tell_attributes),
        ]

    def authorise(self, call: Call) -> Answer | None:
        pair = base64.b64encode(f"{SITE_ID}:{API_KEY}".encode()).decode()
        wanted = f"Bearer {APP_KEY}" if is_app(call) else f"Basic {pair}"
        if not self.is_revoked and call.headers.get("authorization") == wanted:
            return None
        return Answer(401, {"meta": {"error": "unauthorized"}})

    # The Track API ------------------------------------------------------------------

    def tell_region(self, call: Call) -> Answer:
        del call
        suffix = "-eu" if self.region == "eu" else ""
        url = f"https://track{suffix}.customer.io"
        return Answer(200, {"url": url, "region": self.region, "environment_id": 1})

    def batch(self, call: Call) -> Answer:
        if len(call.body) > LARGEST_BATCH:
            return refused("batch", "the request is 500kb or larger")
        content = self.parsed(call.body)
        operations = content.get("batch") if isinstance(content, dict) else None
        if not isinstance(operations, list) or not operations:
            return refused("batch", "a list of operations is needed")
        errors: list[Error] = []
        for index, operation in enumerate(operations):
            error = fault_in(operation) or self.poisoned(operation)
            if error:
                errors.append({"batch_index": index, **error})
            elif self.is_holding:
                self._held.append(operation)
            else:
                self.apply(operation)
        self.random.shuffle(errors)
        return Answer(207, {"errors": errors}) if errors else Answer(200, {})

    def poisoned(self, operation: Operation) -> Error | None:
        poison = self.poisons.get(key_of(operation))
        if poison is None:
            return None
        words = f"{poison.field or 'the operation'} {poison.reason}"
        return {"reason": "invalid", "field": poison.field, "message": words}

    def release(self, shuffled: bool = False) -> None:
        """Apply what was accepted and waited, in its order or in any."""
        with self._lock:
            self.is_holding = False
            if shuffled:
                self.random.shuffle(self._held)
            for operation in self._held:
                self.apply(operation)
            self._held.clear()

    def apply(self, operation: Operation) -> None:
        """Do what an operation that was accepted asks for."""
        key = key_of(operation)
        if key in self.suppressed:
            return
        match operation["action"]:
            case "identify":
                self.identify(key, operation)
            case "delete" | "suppress":
                person = self.people.pop(key, None)
                for members in self.segments.values():
                    members.discard(key)
                if operation["action"] == "suppress":
                    email = person.attributes.get("email") if person else None
                    self.suppressed |= {key} | ({str(email)} if email else set())
            case "event":
                self.person(key)  # whoever does something comes into being
                event_id = operation.get("id")
                if event_id in self._event_ids:
                    self.repeated_events += 1
                    return
                self._event_ids |= {event_id} if event_id else set()
                self.told.append({"key": key, **operation})

    def identify(self, key: str, operation: Operation) -> None:
        attributes = dict(operation.get("attributes", {}))
        if attributes.pop("_update", False) and key not in self.people:
            return
        email = attributes.get("email")
        if email in self.suppressed:
            return
        person = self.person(key)
        at = operation.get("timestamp", int(time.time()))
        if "email" in operation["identifiers"]:
            attributes["email"] = key
        for name, value in attributes.items():
            if at < person.updated.get(name, at):
                continue
            person.updated[name] = at
            if value is None:
                person.attributes.pop(name, None)
            else:
                person.attributes[name] = value

    def person(self, key: str) -> Person:
        """A person, who comes into being if need be."""
        if key not in self.people:
            self.creations[key] += 1
            number = sum(self.creations.values())
            self.people[key] = Person(f"{number:08x}")
        return self.people[key]

    def add_to_segment(self, call: Call) -> Answer:
        return self.change_segment(call, is_added=True)

    def remove_from_segment(self, call: Call) -> Answer:
        return self.change_segment(call, is_added=False)

    def change_segment(self, call: Call, is_added: bool) -> Answer:
        members = self.segments.get(call.found["segment"])
        content = self.parsed(call.body)
        keys = content.get("ids") if isinstance(content, dict) else None
        if members is None or not isinstance(keys, list) or not is_id_type_known(call):
            return Answer(400, {"meta": {"errors": ["no such manual segment"]}})
        if not 1 <= len(keys) <= MOST_IN_A_LIST_CALL:
            return Answer(400, {"meta": {"errors": ["1 to 1000 ids are needed"]}})
        for key in keys:
            if is_added:
                self.person(key)
                members.add(key)
            else:
                members.discard(key)
        return Answer(200, {})

    # The App API --------------------------------------------------------------------

    def tell_attributes(self, call: Call) -> Answer:
        content = self.parsed(call.body)
        keys = content.get("ids") if isinstance(content, dict) else None
        if not isinstance(keys, list) or not 1 <= len(keys) <= MOST_LOOKED_UP:
            return Answer(400, {"meta": {"errors": ["1 to 100 ids are needed"]}})
        if not is_id_type_known(call):
            return Answer(400, {"meta": {"errors": ["no such id_type"]}})
        found = [key for key in dict.fromkeys(keys) if key in self.people]
        self.random.shuffle(found)
        return Answer(200, {"customers": [self.told_person(key) for key in found]})

    def told_person(self, key: str) -> dict[str, Any]:
        person = self.people[key]
        attributes = {name: as_text(value) for name, value in person.attributes.items()}
        return {
            "customer": {
                "id": key,
                "attributes": {"id": key, "cio_id": person.cio_id, **attributes},
                "timestamps": dict(person.updated),
                "unsubscribed": False,
                "devices": [],
            }
        }

    # What tests look at -------------------------------------------------------------

    def keys(self, call: Call) -> Iterable[str]:
        if call.path == "/api/v2/batch":
            return list(keys_in(self.parsed(call.body)))
        return ()

    def operations(self, call: Call) -> int:
        """How many operations or members a call of the Track API holds."""
        if is_app(call):
            return 0
        content = self.parsed(call.body)
        if not isinstance(content, dict):
            return 1
        held = content.get("batch", content.get("ids"))
        return len(held) if isinstance(held, list) else 1

    def parsed(self, body: bytes) -> Any:
        """The content of a body, which is asked for several times in a row."""
        if self._parsed[0] is not body:
            try:
                self._parsed = (body, orjson.loads(body))
            except ValueError:
                self._parsed = (body, None)
        return self._parsed[1]

    def records(self, kind: str = "") -> dict[str, Fields]:
        del kind
        with self._lock:
            return {
                key: {
                    name: in_our_form(self.types.get(name), value)
                    for name, value in person.attributes.items()
                }
                for key, person in self.people.items()
            }

    # What others do there ------------------------------------------------------------

    def prepare(self, sync: Sync) -> None:
        """Make the manual segments of a sync; attributes need not be made."""
        self.types = {name: rule.type for name, rule in sync.fields.items()}
        if sync.segment_changes:
            for segment in sync.segment_changes.lists.values():
                self.segments.setdefault(segment, set())

    def put(self, key: str, fields: Mapping[str, Value], kind: str = "") -> None:
        del kind
        with self._lock:
            if key not in self.people:
                self.people[key] = Person(f"{len(self.people):08x}")
            for name, value in fields.items():
                self.people[key].attributes[name] = in_their_form(
                    self.types.get(name), value
                )

    def remove(self, key: str, kind: str = "") -> None:
        del kind
        with self._lock:
            self.people.pop(key, None)

    def events(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self.told)

    def lists(self) -> dict[str, set[str]]:
        with self._lock:
            return {name: set(members) for name, members in self.segments.items()}


def is_app(call: Call) -> int:
    """1 for calls of the App API."""
    return int(call.path.startswith("/v1/"))


def is_track(call: Call) -> int:
    """1 for calls of the Track API."""
    return 1 - is_app(call)


def is_id_type_known(call: Call) -> bool:
    """People are named in a way that the workspace knows."""
    return call.query.get("id_type", "id") in ("id", "email", "cio_id")


def refused(where: str, why: str) -> Answer:
    """The answer to a request that is refused as a whole."""
    return Answer(
        400, {"errors": [{"reason": "invalid", "field": where, "message": why}]}
    )


def key_of(operation: Operation) -> str:
    """Who is meant."""
    [key] = operation["identifiers"].values()
    return str(key)


def keys_in(content: Any) -> Iterator[str]:
    """Who a batch is about, as far as it can be read."""
    operations = content.get("batch") if isinstance(content, dict) else None
    for operation in operations if isinstance(operations, list) else ():
        identifiers = (
            operation.get("identifiers") if isinstance(operation, dict) else None
        )
        if isinstance(identifiers, dict):
            yield from map(str, identifiers.values())


def fault_in(operation: Any) -> Error | None:
    """Why an operation is refused, if it is."""
    for where, why in faults_in(operation):
        return {"reason": "invalid", "field": where, "message": f"{where} {why}"}
    return None


def faults_in(operation: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with an operation."""
    if not isinstance(operation, dict) or operation.get("type") != "person":
        yield "type", "must be person here"
        return
    identifiers = operation.get("identifiers")
    if not isinstance(identifiers, dict) or len(identifiers) != 1:
        yield "identifiers", "must be one"
        return
    [(kind, key)] = identifiers.items()
    if kind not in ("id", "email", "cio_id") or not isinstance(key, str) or not key:
        yield f"identifiers.{kind}", "must be a text"
    elif len(key.encode()) > LONGEST_ID:
        yield f"identifiers.{kind}", "is too long"
    attributes = operation.get("attributes", {})
    if not isinstance(attributes, dict) or len(attributes) > MOST_ATTRIBUTES:
        yield "attributes", "must be an object of 300 at most"
        return
    for name, value in attributes.items():
        if is_longer(name, LONGEST_NAME):
            yield "attributes", "has a name that is too long"
        if not isinstance(value, str | int | float | bool | None):
            yield f"attributes.{name}", "must be a plain value"
        elif isinstance(value, str) and is_longer(value, LONGEST_VALUE):
            yield f"attributes.{name}", "is too long"
    yield from faults_of_action(operation)
    texts = sum(len(value) for value in attributes.values() if isinstance(value, str))
    may_be_large = (
        texts * 6 + len(attributes) * 2 * LONGEST_NAME > LARGEST_OPERATION / 2
    )
    if may_be_large and len(orjson.dumps(operation)) > LARGEST_OPERATION:
        yield "operation", "is larger than 32kb"


def is_longer(text: str, most: int) -> bool:
    """A text has more than so many bytes."""
    return len(text) * 4 > most and len(text.encode()) > most


def faults_of_action(operation: Operation) -> Iterator[tuple[str, str]]:
    """What is wrong with that which an operation does."""
    if not isinstance(operation.get("timestamp", 0), int):
        yield "timestamp", "must be a whole number"
    match operation.get("action"):
        case "identify" | "delete" | "suppress":
            pass
        case "event":
            name = operation.get("name")
            if not isinstance(name, str) or not name:
                yield "name", "is needed"
            elif len(name.encode()) > LONGEST_EVENT_NAME:
                yield "name", "is too long"
            if "id" in operation and not ULID.fullmatch(str(operation["id"])):
                yield "id", "must be a ULID"
        case _:
            yield "action", "is unknown"


def as_text(value: Value) -> str:
    """A value as the App API tells it."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def in_our_form(kind: FieldType | None, value: Value) -> Value:
    """A value as rows have it."""
    if kind not in FORMS or not isinstance(value, int):
        return value
    return f"{datetime.fromtimestamp(value, UTC):{FORMS[kind]}}"


def in_their_form(kind: FieldType | None, value: Value) -> Value:
    """A value as it is over there."""
    if kind not in FORMS or not isinstance(value, str):
        return value
    moment = datetime.strptime(value, FORMS[kind]).replace(tzinfo=UTC)
    return int(moment.timestamp())


def settings(url: str) -> Mapping[str, str]:
    return {
        "INTENT_CUSTOMER_IO_SITE_ID": SITE_ID,
        "INTENT_CUSTOMER_IO_API_KEY": API_KEY,
        "INTENT_CUSTOMER_IO_APP_KEY": APP_KEY,
        "INTENT_CUSTOMER_IO_URL": url,
        "INTENT_CUSTOMER_IO_APP_URL": url,
    }


def read_event(event: Mapping[str, Any]) -> Told:
    attributes = event["attributes"]
    return event["key"], event["id"], attributes.get("from"), attributes.get("to")


CASES = (
    Case(
        "customer_io",
        "customer_io",
        CustomerIoStandIn,
        settings,
        writes="/api/v2/batch",
        unheard="/api/v2/batch|/segments/",
        lists_at="/segments/",
        echo=lambda words: {"errors": [{"reason": "x", "field": "", "message": words}]},
        lists={"hot": "11", "warm": "12"},
        event=read_event,
        lacks={
            Trait.SPELLINGS: "records are found by our id",
            Trait.READ_BACK: "what it takes, it never tells",
            Trait.SCHEMA: "attributes are there once they are written",
            Trait.QUOTA: "its documentation knows of no requests a day",
            Trait.TOKENS: "its key does not expire",
            Trait.CLOCK: "requests are not dated",
            Trait.ONE_AT_A_TIME: "writes are dated: the newest holds",
            Trait.JOBS: "what it takes is done when it answers",
        },
    ),
)

if __name__ == "__main__":
    serve(CustomerIoStandIn)
