"""A receiver of signed webhooks, as Standard Webhooks 1.0.0 asks for.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
from intent.sync.spec import Sync

from standins.case import Case, Told, Trait
from standins.kit import Answer, Call, Fields, Route, StandIn, Value, serve

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, ok").decode()
PATH = "/hooks/intent"
TOLERANCE = 300
"""Seconds that a request may be old, or early."""


class WebhookStandIn(StandIn):
    """A shop's own program that takes contacts."""

    def __init__(
        self,
        latency: float = 0.0,
        seed: int = 0,
        port: int = 0,
        secret: str = SECRET,
        refuses_alone: bool = True,
    ) -> None:
        """Make it.

        Args:
            latency: seconds between the work and the answer.
            seed: of all that is random.
            port: where.
            secret: what requests must be signed with.
            refuses_alone: True: a row that it refuses is named in an answer of 200;
                False: it refuses the whole request.
        """
        super().__init__(latency, seed, port)
        self.secret = secret
        self.refuses_alone = refuses_alone
        self.most_rows = 1_000
        self.clock: Callable[[], float] = time.time
        self.held: dict[str, Fields] = {}
        self.told: list[dict[str, Any]] = []
        self.members: dict[str, set[str]] = {}
        self.repeated = 0
        """Requests that came again, and were taken for what they are by their id."""
        self.repeated_rows = 0
        self.checks = 0
        """Requests without rows."""
        self._written: dict[str, str] = {}
        self._seen: dict[str, Answer] = {}
        self._seen_rows: set[str] = set()

    def routes(self) -> Sequence[Route]:
        return [("POST", PATH, self.take)]

    def authorise(self, call: Call) -> Answer | None:
        if self.is_revoked or not self.is_signed(call):
            return Answer(401, {"error": "the signature is not valid"})
        return None

    def is_signed(self, call: Call) -> bool:
        """The request is from somebody who has the secret, and is fresh."""
        message, stamp = (
            call.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp")
        )
        if not message or not stamp.isdigit():
            return False
        if abs(self.clock() - int(stamp)) > TOLERANCE:
            return False
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        signed = f"{message}.{stamp}.".encode() + call.body
        mac = hmac.new(key, signed, hashlib.sha256).digest()
        wanted = "v1," + base64.b64encode(mac).decode()
        given = call.headers.get("webhook-signature", "").split(" ")
        return any(hmac.compare_digest(wanted, one) for one in given)

    def take(self, call: Call) -> Answer:
        message = call.headers["webhook-id"]
        if call.headers.get("idempotency-key") != message:
            return Answer(400, {"error": "Idempotency-Key and webhook-id differ"})
        if message in self._seen:
            self.repeated += 1
            return self._seen[message]
        rows = rows_of(call)
        if rows is None:
            return Answer(400, {"error": "the body is not understood"})
        if len(rows) > self.most_rows:
            return Answer(413, {"error": "too many rows"})
        bad = [row for row in rows if row["key"] in self.poisons]
        if bad and not self.refuses_alone:
            return Answer(422, {"error": "a row is not valid"})
        self.checks += not rows
        for row in rows:
            if row not in bad:
                self.apply(row)
        answer = Answer(200, {"rejected": [self.rejection(row) for row in bad]})
        self._seen[message] = answer
        return answer

    def rejection(self, row: dict[str, Any]) -> dict[str, str]:
        poison = self.poisons[row["key"]]
        return {
            "event_id": row["event_id"],
            "code": "NOT_VALID",
            "field": poison.field,
            "message": f"{poison.field or 'the row'} {poison.reason}",
        }

    def apply(self, row: dict[str, Any]) -> None:
        """Do what a row asks for, once, and not if something newer was done."""
        if row["event_id"] in self._seen_rows:
            self.repeated_rows += 1
            return
        self._seen_rows.add(row["event_id"])
        key, values = row["key"], row["values"]
        match row["op"]:
            case "event":
                self.told.append(row)
            case "join":
                self.members.setdefault(values["list"], set()).add(key)
            case "drop":
                self.members.setdefault(values["list"], set()).discard(key)
            case op:
                self.write(op, key, values, row["timestamp"])

    def write(self, op: str, key: str, values: Fields, at: str) -> None:
        if at < self._written.get(key, ""):
            return
        self._written[key] = at
        if op == "delete":
            self.held.pop(key, None)
        elif op in ("create", "update") or key in self.held:
            self.creations[key] += key not in self.held
            self.held.setdefault(key, {}).update(values)

    def prepare(self, sync: Sync) -> None:
        """Make the lists of a sync."""
        if sync.segment_changes:
            for name in sync.segment_changes.lists.values():
                self.members.setdefault(name, set())

    def put(self, key: str, fields: Mapping[str, Value], kind: str = "") -> None:
        del kind
        with self._lock:
            self.held.setdefault(key, {}).update(fields)

    def remove(self, key: str, kind: str = "") -> None:
        del kind
        with self._lock:
            self.held.pop(key, None)

    def keys(self, call: Call) -> Iterable[str]:
        return [row["key"] for row in rows_of(call) or ()]

    def records(self, kind: str = "") -> dict[str, Fields]:
        del kind
        with self._lock:
            return {
                key: {
                    name: value for name, value in values.items() if value is not None
                }
                for key, values in self.held.items()
            }

    def events(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self.told)

    def lists(self) -> dict[str, set[str]]:
        with self._lock:
            return {name: set(members) for name, members in self.members.items()}


def rows_of(call: Call) -> list[dict[str, Any]] | None:
    """The rows of a request; None if it is not understood."""
    kind = call.headers.get("content-type", "")
    try:
        if kind == "application/x-ndjson":
            return [orjson.loads(line) for line in call.body.splitlines()]
        content = orjson.loads(call.body)
        is_known = content["type"] in ("contact_intent.changed", "contact_intent.check")
        rows = content["data"]["rows"]
        return rows if is_known and isinstance(rows, list) else None
    except (ValueError, KeyError, TypeError):
        return None


def settings(url: str) -> Mapping[str, str]:
    return {"INTENT_WEBHOOK_URL": f"{url}{PATH}", "INTENT_WEBHOOK_SECRET": SECRET}


def read_event(event: Mapping[str, Any]) -> Told:
    values = event["values"]
    return event["key"], event["event_id"], values["from"], values["to"]


UNREAD = "it is not asked what it has"
CASES = (
    Case(
        "webhook",
        "webhook",
        WebhookStandIn,
        settings,
        writes="/hooks/",
        lists={"hot": "hot ones", "warm": "warm ones"},
        event=read_event,
        lacks={
            Trait.FIXED_PATHS: "the address is the user's own, and may be wrong",
            Trait.SPELLINGS: "records are found by our id",
            Trait.UPDATE_ONLY: UNREAD,
            Trait.CREATE_ONLY: UNREAD,
            Trait.READ_BACK: UNREAD,
            Trait.SCHEMA: "the receiver takes what comes",
            Trait.QUOTA: "its documentation knows of no requests a day",
            Trait.TOKENS: "its key does not expire",
            Trait.ONE_AT_A_TIME: "rows are dated: the newest holds",
            Trait.JOBS: "what it takes is done when it answers",
        },
    ),
)

if __name__ == "__main__":
    serve(WebhookStandIn)
