"""Braze, as its API documentation has it: https://www.braze.com/docs/api/home.

What is accepted is applied a little later. Attributes are charged for, each time they
are sent; the same event twice is two events.
"""

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from intent.sync.spec import Sync
from sync_shop import load_sync

from standins.case import Case, Told
from standins.kit import Answer, Call, Fields, RateWindow, Route, StandIn, Value, serve

API_KEY = "11ae5b4b-2445-4440-a04f-bf537764c9ad"
TRACK, DELETE, EXPORT = "/users/track", "/users/delete", "/users/export/ids"
MOST_OBJECTS = 75
MOST_IDS = 50
LARGEST_BODY = 4_000_000
LONGEST_TEXT = 255
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
DIRECTIVES = {"external_id", "_update_existing_only"}
MARK = "intent_told"
"""Not what a sync maps, and so not part of records here."""


@dataclass
class User:
    """A user."""

    braze_id: str
    attributes: Fields = field(default_factory=dict)


class BrazeStandIn(StandIn):
    """A workspace of Braze."""

    def __init__(self, latency: float = 0.0, seed: int = 0, port: int = 0) -> None:
        super().__init__(latency, seed, port)
        self.windows = [
            RateWindow("track", 3_000, 3.0, units=calls_of(TRACK)),
            RateWindow("track, by the minute", 50_000, 60.0, units=calls_of(TRACK)),
            RateWindow("delete", 20_000, 60.0, units=calls_of(DELETE)),
            RateWindow("export", 250, 60.0, units=calls_of(EXPORT)),
        ]
        self.settles_after = 0.02
        """Seconds until what was accepted is seen."""
        self.names_errors = True
        """Errors have the index of the object."""
        self.is_queueing = False
        """As during maintenance: requests are queued, and answered with 202."""
        self.data_points = 0
        """What is charged for: attributes and events that were sent."""
        self.users: dict[str, User] = {}
        self.told: list[dict[str, Any]] = []
        self._accepted: list[tuple[float, str, dict[str, Any]]] = []
        self._parsed: tuple[bytes, Any] = (b"", None)

    def routes(self) -> Sequence[Route]:
        return [
            ("POST", TRACK, self.track),
            ("POST", DELETE, self.delete),
            ("POST", EXPORT, self.export),
        ]

    def authorise(self, call: Call) -> Answer | None:
        wanted = f"Bearer {API_KEY}"
        if not self.is_revoked and call.headers.get("authorization") == wanted:
            return None
        return Answer(401, {"message": "Invalid API Key"})

    def too_many(self, call: Call, window: str, seconds: float) -> Answer:
        del call, window
        body = {"message": "Rate limit exceeded"}
        return Answer(429, body, {"X-Ratelimit-Retry-After": str(int(seconds))})

    def no_such_path(self, call: Call) -> Answer:
        del call
        return Answer(404, b"<html>Not Found</html>", {"Content-Type": "text/html"})

    def parsed(self, body: bytes) -> Any:
        """The content of a body, which is asked for several times in a row."""
        if self._parsed[0] is not body:
            try:
                self._parsed = (body, orjson.loads(body))
            except ValueError:
                self._parsed = (body, None)
        return self._parsed[1]

    def keys(self, call: Call) -> Iterable[str]:
        content = self.parsed(call.body)
        if not isinstance(content, dict) or call.path == EXPORT:
            return ()
        return list(keys_in(content))

    # Writing ------------------------------------------------------------------------

    def track(self, call: Call) -> Answer:
        if len(call.body) > LARGEST_BODY:
            return Answer(413, {"message": "Request Entity Too Large"})
        content = self.parsed(call.body)
        if not isinstance(content, dict) or not content.keys() & {
            "attributes",
            "events",
        }:
            return fatal("Bad Request")
        objects = [
            (name, index, one)
            for name in ("attributes", "events")
            for index, one in enumerate(content.get(name, ()))
        ]
        if len(objects) > MOST_OBJECTS:
            return fatal("Max Input Length Exceeded")
        errors = []
        done = {"attributes": 0, "events": 0}
        now = time.monotonic()
        for name, index, one in objects:
            if self._omitted and self.is_omitted(str(one.get("external_id"))):
                continue
            if why := self.fault_in(name, one):
                place = {"input_array": name, "index": index}
                errors.append({"type": why, **(place if self.names_errors else {})})
            else:
                done[name] += 1
                if name == "events" or self.charges(one):
                    self._accepted.append((now + self.settles_after, name, one))
        self.random.shuffle(errors)
        if self.is_queueing:
            return Answer(202, {"message": "queued"})
        told: dict[str, Any] = {"message": "success"}
        told |= {f"{name}_processed": done[name] for name in done if name in content}
        return Answer(201, {**told, "errors": errors} if errors else told)

    def charges(self, one: Mapping[str, Any]) -> bool:
        """Count what an object is charged for."""
        self.data_points += len(one.keys() - DIRECTIVES)
        return True

    def fault_in(self, name: str, one: Any) -> str | None:
        """Why an object is refused."""
        if not isinstance(one, dict) or not isinstance(one.get("external_id"), str):
            return "'external_id' or 'braze_id' or 'user_alias' is required"
        if poison := self.poisons.get(one["external_id"]):
            return f"{poison.field or 'the user'} {poison.reason}"
        if name == "events":
            self.data_points += 1
            if not one.get("name") or not MOMENT.fullmatch(str(one.get("time"))):
                return "'name' and 'time' are required"
            if None in one.get("properties", {}).values():
                return "a property is null"
        return None

    def delete(self, call: Call) -> Answer:
        content = self.parsed(call.body)
        ids = content.get("external_ids") if isinstance(content, dict) else None
        if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_IDS:
            return fatal("The max number of ids per request was exceeded")
        now = time.monotonic() + self.settles_after
        self._accepted += [(now, "delete", {"external_id": each}) for each in ids]
        known = sum(each in self.users for each in ids)
        return Answer(201, {"deleted": known, "message": "success"})

    def go_on(self, until: float | None = None) -> None:
        """Apply what was accepted, and whose time has come."""
        now = time.monotonic() if until is None else until
        due = [one for one in self._accepted if one[0] <= now]
        self._accepted = [one for one in self._accepted if one[0] > now]
        for _, name, one in due:
            self.apply(name, one)

    def apply(self, name: str, one: Mapping[str, Any]) -> None:
        key = one["external_id"]
        if name == "delete":
            self.users.pop(key, None)
            return
        if one.get("_update_existing_only") and key not in self.users:
            return
        user = self.user(key)
        if name == "events":
            properties = one.get("properties", {})
            self.told.append(
                {"key": key, "at": one["time"], "name": one["name"], **properties}
            )
            return
        for field_name, value in one.items():
            if field_name in DIRECTIVES:
                continue
            if value is None:
                user.attributes.pop(field_name, None)
            elif not isinstance(value, str) or len(value) <= LONGEST_TEXT:
                user.attributes[field_name] = value

    def user(self, key: str) -> User:
        """A user, who comes into being if need be."""
        if key not in self.users:
            self.creations[key] += 1
            self.users[key] = User(f"{self.random.getrandbits(96):024x}")
        return self.users[key]

    # Reading ------------------------------------------------------------------------

    def export(self, call: Call) -> Answer:
        content = self.parsed(call.body)
        ids = content.get("external_ids") if isinstance(content, dict) else None
        if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_IDS:
            return fatal("The max number of ids per request was exceeded")
        self.go_on()
        found = [key for key in dict.fromkeys(ids) if key in self.users]
        self.random.shuffle(found)
        users = [self.told_user(key) for key in found]
        unknown = [key for key in ids if key not in self.users]
        return Answer(
            200, {"message": "success", "users": users, "invalid_user_ids": unknown}
        )

    def told_user(self, key: str) -> dict[str, Any]:
        user = self.users[key]
        attributes = {
            name: value.replace("Z", ".000Z")
            if isinstance(value, str) and MOMENT.fullmatch(value)
            else value
            for name, value in user.attributes.items()
        }
        told = {"external_id": key, "braze_id": user.braze_id}
        return {**told, "custom_attributes": attributes} if attributes else told

    # What tests look at -------------------------------------------------------------

    def records(self, kind: str = "") -> dict[str, Fields]:
        del kind
        with self._lock:
            self.go_on(float("inf"))
            return {
                key: {n: of for n, of in user.attributes.items() if n != MARK}
                for key, user in self.users.items()
            }

    def events(self) -> list[dict[str, Any]]:
        with self._lock:
            self.go_on(float("inf"))
            return list(self.told)

    def prepare(self, sync: Sync) -> None:
        del sync

    def put(self, key: str, fields: Mapping[str, Value], kind: str = "") -> None:
        del kind
        with self._lock:
            self.go_on(float("inf"))
            if key not in self.users:
                self.users[key] = User(f"{self.random.getrandbits(96):024x}")
            self.users[key].attributes.update(fields)

    def remove(self, key: str, kind: str = "") -> None:
        del kind
        with self._lock:
            self.go_on(float("inf"))
            self.users.pop(key, None)


def calls_of(path: str) -> Any:
    """Units of a rate window for the calls of a path."""
    return lambda call: int(call.path == path)


def fatal(message: str) -> Answer:
    """The answer to a request that is refused as a whole."""
    return Answer(400, {"message": message, "errors": []})


def keys_in(content: Mapping[str, Any]) -> Iterator[str]:
    """Who a request writes to; a check of the key writes to nobody."""
    if isinstance(ids := content.get("external_ids"), list):
        yield from map(str, ids)
    for name in ("attributes", "events"):
        for one in content.get(name) or ():
            if isinstance(one, dict) and one.keys() - DIRECTIVES:
                yield str(one.get("external_id"))


def settings(url: str) -> Mapping[str, str]:
    return {"INTENT_BRAZE_API_KEY": API_KEY, "INTENT_BRAZE_URL": url}


def read_event(event: Mapping[str, Any]) -> Told:
    """Braze knows no ids of events: what they say tells them apart."""
    before, after = event.get("from"), event.get("to")
    told = f"{event['key']} {event['at']} {before} {after}"
    return event["key"], told, before, after


def all_fields() -> dict[str, Any]:
    """The fields of the sync that ships, and those that tests look at besides."""
    fields = {
        name: rule.model_dump(exclude_defaults=True)
        for name, rule in load_sync("braze").fields.items()
    }
    number = {"type": "number", "decimals": 2}
    return {
        **fields,
        "intent_score_change_7d": {"column": "score_change_7d", **number},
        "intent_last_activity_at": {"column": "last_activity_at", "type": "datetime"},
        "intent_as_of": {"column": "as_of", "type": "datetime"},
    }


CASES = (
    Case(
        "braze",
        "braze",
        BrazeStandIn,
        settings,
        changes={
            "options": {"read_back": True, "settle_seconds": 0.05},
            "fields": all_fields(),
        },
        event=read_event,
        has_schema=False,
        omits=True,
    ),
)

if __name__ == "__main__":
    serve(BrazeStandIn)
