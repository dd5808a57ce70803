"""SALESmanago's API v2, as https://docs.salesmanago.com has it.

Each request is a POST whose body says who asks: client id, a key, the moment, and the
SHA-1 of key, client id and secret. Refusals have the status 200. What the documents
leave open is taken the strict way: a request is refused as a whole for one bad contact.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
from intent.sync.spec import FieldType, Sync

from standins.case import Case
from standins.kit import Answer, Call, Fields, RateWindow, Route, StandIn, Value, serve

CLIENT_ID = "client4711zz"
API_SECRET = "secret0815apisecret"
OWNER = "owner@shop.example"
RATE = 1_000
"""Requests a second. None is documented; tests are not to wait."""
MOST_CONTACTS = 1_000
LARGEST = 1_000_000
TOLERANCE = 600
"""Seconds that a request may be old, or early."""
DETAIL_KEYS = {"contact", "properties", "tags", "removeTags"}


class SalesmanagoStandIn(StandIn):
    """An account of SALESmanago."""

    def __init__(
        self, latency: float = 0.0, seed: int = 0, port: int = 0, rate: int = RATE
    ) -> None:
        super().__init__(latency, seed, port)
        self.clock: Callable[[], float] = time.time
        self.contacts: dict[str, dict[str, str]] = {}
        self.tags: dict[str, set[str]] = {}
        self.types: dict[str, FieldType] = {}
        """What details are to us; over there all are text."""
        self.signatures: set[str] = set()
        """What requests were signed with."""
        self.windows = [RateWindow("requests", rate, 1.0)]

    def routes(self) -> Sequence[Route]:
        return [
            ("POST", "/api/contact/batchupsert", self.upsert),
            ("POST", "/api/contact/delete", self.delete),
            ("POST", "/api/contact/list", self.tell),
            ("POST", "/api/contact/hasContact", self.has),
        ]

    def authorise(self, call: Call) -> Answer | None:
        return None if self.is_signed(call) else failed("Not authenticated")

    def is_signed(self, call: Call) -> bool:
        """The request is from somebody who has the secret, and is fresh."""
        asked = read(call)
        key, moment = asked.get("apiKey"), asked.get("requestTime")
        if self.is_revoked or not isinstance(key, str) or not isinstance(moment, int):
            return False
        self.signatures |= {key, str(asked.get("sha"))}
        proof = f"{key}{CLIENT_ID}{API_SECRET}".encode()
        sha = hashlib.sha1(proof, usedforsecurity=False).hexdigest()
        is_fresh = abs(self.clock() - moment / 1_000) <= TOLERANCE
        given = (asked.get("clientId"), asked.get("sha"), asked.get("owner"))
        return is_fresh and given == (CLIENT_ID, sha, OWNER)

    def keys(self, call: Call) -> Iterable[str]:
        asked = read(call)
        if call.path == "/api/contact/delete":
            return [str(asked.get("email")).lower()]
        details = asked.get("upsertDetails")
        return [email_of(each) for each in details] if isinstance(details, list) else []

    # What is answered ---------------------------------------------------------------

    def upsert(self, call: Call) -> Answer:
        if len(call.body) > LARGEST:
            return Answer(413, {})
        details = read(call).get("upsertDetails")
        if not isinstance(details, list) or not 1 <= len(details) <= MOST_CONTACTS:
            return failed("upsertDetails: 1 to 1000 are needed")
        for detail in details:
            if why := self.fault_of(detail):
                return failed(why)
        ids = {}
        for detail in details:
            email = email_of(detail)
            if not self.is_omitted(email):
                self.write(email, detail)
                ids[email] = id_of(email)
        shuffled = list(ids.items())
        self.random.shuffle(shuffled)
        return done(contactIds=dict(shuffled))

    def fault_of(self, detail: Any) -> str:
        """Why a contact is refused; '' if it is not."""
        if not isinstance(detail, dict) or not detail.keys() <= DETAIL_KEYS:
            return "upsertDetails: unknown field"
        email = email_of(detail)
        if email.count("@") != 1 or len(email) > 254:
            return "contact.email: is not valid"
        values = detail.get("properties", {})
        if not all(isinstance(value, str) for value in values.values()):
            return "properties: must be texts"
        if poison := self.poisons.get(email):
            return f"{poison.field or 'contact'}: {poison.reason}"
        return ""

    def write(self, email: str, detail: Mapping[str, Any]) -> None:
        self.creations[email] += email not in self.contacts
        contact = self.contacts.setdefault(email, {})
        for name, value in detail.get("properties", {}).items():
            if value == "":
                contact.pop(name, None)
            else:
                contact[name] = value
        for tag in detail.get("tags", ()):
            self.tags.setdefault(tag, set()).add(email)
        for tag in detail.get("removeTags", ()):
            self.tags.setdefault(tag, set()).discard(email)

    def delete(self, call: Call) -> Answer:
        email = str(read(call).get("email")).lower()
        if self.contacts.pop(email, None) is None:
            return failed("Contact does not exist")
        for members in self.tags.values():
            members.discard(email)
        return done()

    def tell(self, call: Call) -> Answer:
        emails = read(call).get("email")
        if not isinstance(emails, list):
            return failed("email: a list is needed")
        wanted = [str(email).lower() for email in emails]
        return done(
            contacts=[self.told(each) for each in wanted if each in self.contacts]
        )

    def told(self, email: str) -> dict[str, Any]:
        pairs = self.contacts[email].items()
        return {
            "id": id_of(email),
            "email": email,
            "deleted": False,
            "properties": [{"name": name, "value": value} for name, value in pairs],
        }

    def has(self, call: Call) -> Answer:
        email = str(read(call).get("email")).lower()
        is_there = email in self.contacts
        return done(result=is_there, contactId=id_of(email) if is_there else None)

    # What others do there ------------------------------------------------------------

    def prepare(self, sync: Sync) -> None:
        """Remember what details are to us; nothing need be made."""
        self.types = {name: rule.type for name, rule in sync.fields.items()}
        if sync.segment_changes:
            for tag in sync.segment_changes.lists.values():
                self.tags.setdefault(tag, set())

    def put(self, key: str, fields: Mapping[str, Value], kind: str = "") -> None:
        del kind
        with self._lock:
            contact = self.contacts.setdefault(key.lower(), {})
            for name, value in fields.items():
                text = value if isinstance(value, str) else orjson.dumps(value).decode()
                contact[name] = text

    def remove(self, key: str, kind: str = "") -> None:
        del kind
        with self._lock:
            self.contacts.pop(key.lower(), None)

    def records(self, kind: str = "") -> dict[str, Fields]:
        del kind
        with self._lock:
            return {
                email: {name: self.ours(name, value) for name, value in contact.items()}
                for email, contact in self.contacts.items()
            }

    def ours(self, name: str, value: str) -> Value:
        """A value as rows have it."""
        match self.types.get(name):
            case FieldType.NUMBER:
                return float(value)
            case FieldType.INTEGER:
                return int(value)
            case FieldType.BOOLEAN:
                return value == "true"
        return value

    def lists(self) -> dict[str, set[str]]:
        with self._lock:
            return {tag: set(members) for tag, members in self.tags.items()}


def read(call: Call) -> dict[str, Any]:
    """The object of a request; empty if it has none."""
    try:
        found = call.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def email_of(detail: Any) -> str:
    """Whom one of `upsertDetails` is about; addresses are the same in capitals."""
    contact = detail.get("contact") if isinstance(detail, dict) else None
    return str(contact.get("email")).lower() if isinstance(contact, dict) else ""


def id_of(email: str) -> str:
    """The id of a contact."""
    return hashlib.sha256(email.encode()).hexdigest()[:24]


def done(**values: Any) -> Answer:
    """The answer to what was done."""
    return Answer(200, {"success": True, "message": [], **values})


def failed(why: str) -> Answer:
    """The answer to what was not."""
    return Answer(200, {"success": False, "message": [why]})


def settings(url: str) -> Mapping[str, str]:
    return {
        "INTENT_SALESMANAGO_ENDPOINT": url,
        "INTENT_SALESMANAGO_CLIENT_ID": CLIENT_ID,
        "INTENT_SALESMANAGO_API_SECRET": API_SECRET,
        "INTENT_SALESMANAGO_OWNER": OWNER,
    }


CASES = (
    Case(
        "salesmanago",
        "salesmanago",
        SalesmanagoStandIn,
        settings,
        changes={"options": {"batch": 100, "requests_a_second": RATE}},
        lists={"hot": "HOT_INTENT", "warm": "WARM_INTENT"},
        omits=True,
        has_schema=False,
    ),
)

if __name__ == "__main__":
    serve(SalesmanagoStandIn)
