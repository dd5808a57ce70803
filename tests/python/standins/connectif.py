"""Connectif, as https://api-docs.connectif.cloud/connectif-api has it.

Contacts are patched and read by their address; a patch creates whom it does not find.
What the documents leave open is taken the strict way: fields that nobody created and
values of another type are refused, and the rate is a strict window.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import orjson
from intent.sync.spec import FieldType, Mode, Sync

from standins.case import Case
from standins.kit import Answer, Call, Fields, RateWindow, Route, StandIn, Value, serve

API_KEY = "key4711id0815:keysecret4242zz"
RATE = 1_000
"""Requests a second. None is documented; tests are not to wait."""
LONGEST_TEXT = 500
KINDS = {
    FieldType.TEXT: "text",
    FieldType.NUMBER: "decimal",
    FieldType.INTEGER: "integer",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATETIME: "date",
    FieldType.DATE: "date",
}
FORMS = {FieldType.DATETIME: "%Y-%m-%dT%H:%M:%SZ", FieldType.DATE: "%Y-%m-%d"}


class ConnectifStandIn(StandIn):
    """An account of Connectif."""

    def __init__(
        self, latency: float = 0.0, seed: int = 0, port: int = 0, rate: int = RATE
    ) -> None:
        super().__init__(latency, seed, port)
        self.contacts: dict[str, Fields] = {}
        self.schema: dict[str, dict[str, Any]] = {}
        self.types: dict[str, FieldType] = {}
        """What fields are to us; a date over there is either a date or a moment."""
        self.windows = [RateWindow("requests", rate, 1.0)]

    def routes(self) -> Sequence[Route]:
        contact = r"/contacts/(?P<email>[^/]+)"
        return [
            ("GET", "/contact-fields/", self.tell_fields),
            ("PATCH", contact, self.patch),
            ("GET", contact, self.tell),
            ("DELETE", contact, self.delete),
        ]

    def authorise(self, call: Call) -> Answer | None:
        if self.is_revoked or call.headers.get("authorization") != f"apiKey {API_KEY}":
            return Answer(401)
        return None

    def too_many(self, call: Call, window: str, seconds: float) -> Answer:
        del call, window
        at = str(int(time.time() + seconds) + 1)
        return Answer(429, None, {"X-RateLimit-Reset": at})

    def headers(self) -> Mapping[str, str]:
        window = self.windows[0]
        return {
            "X-RateLimit-Limit": str(window.count),
            "X-RateLimit-Remaining": str(window.left),
        }

    def keys(self, call: Call) -> Iterable[str]:
        is_contact = call.path.startswith("/contacts/")
        return [email_of(call.path)] if is_contact and call.method != "GET" else []

    # What is answered ---------------------------------------------------------------

    def tell_fields(self, call: Call) -> Answer:
        del call
        return Answer(200, list(self.schema.values()))

    def patch(self, call: Call) -> Answer:
        email = email_of(call.path)
        if email.count("@") != 1:
            return refused("email must be a valid email")
        try:
            values = call.json()
        except ValueError:
            return refused("the body is no JSON")
        if not isinstance(values, dict):
            return refused("the body is no object")
        faults = [
            {"field": name, "message": f"{name} {why}"}
            for name, value in values.items()
            if (why := self.fault_of(name, value))
        ]
        if poison := self.poisons.get(email):
            words = f"{poison.field or 'the contact'} {poison.reason}"
            faults.append({"field": poison.field, "message": words})
        if faults:
            return refused("the contact is not valid", faults)
        self.creations[email] += email not in self.contacts
        contact = self.contacts.setdefault(email, {})
        for name, value in values.items():
            if value is None:
                contact.pop(name, None)
            else:
                contact[name] = stored(value, self.schema[name]["type"])
        return Answer(200, {"_email": email, **contact})

    def fault_of(self, name: str, value: Any) -> str:
        """Why a value is refused; '' if it is not."""
        if name not in self.schema:
            return "is no field of contacts"
        if value is None:
            return ""
        field = self.schema[name]
        is_text = isinstance(value, str)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if field["type"] == "text" and is_text and len(value) > field["maxLength"]:
            return "is too long"
        fits = {
            "text": is_text,
            "decimal": is_number,
            "integer": is_number and float(value).is_integer(),
            "boolean": isinstance(value, bool),
            "date": is_text and is_moment(value),
        }
        return "" if fits[field["type"]] else f"must be of the type {field['type']}"

    def tell(self, call: Call) -> Answer:
        email = email_of(call.path)
        if email not in self.contacts:
            return not_found()
        return Answer(200, {"_email": email, **self.contacts[email]})

    def delete(self, call: Call) -> Answer:
        email = email_of(call.path)
        if self.contacts.pop(email, None) is None:
            return not_found()
        return Answer(204)

    # What others do there ------------------------------------------------------------

    def prepare(self, sync: Sync) -> None:
        """Create the fields of a sync."""
        for name, rule in sync.fields.items():
            self.types[name] = rule.type
            self.schema[name] = {
                "id": name,
                "name": name,
                "type": KINDS[rule.type],
                **({"maxLength": LONGEST_TEXT} if rule.type is FieldType.TEXT else {}),
            }

    def drop_field(self, name: str) -> None:
        with self._lock:
            del self.schema[name]

    def put(self, key: str, fields: Mapping[str, Value], kind: str = "") -> None:
        del kind
        with self._lock:
            contact = self.contacts.setdefault(key.lower(), {})
            for name, value in fields.items():
                contact[name] = stored(value, self.schema[name]["type"])

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

    def ours(self, name: str, value: Value) -> Value:
        """A value as rows have it."""
        form = FORMS.get(self.types[name])
        if form is None or not isinstance(value, str):
            return value
        return datetime.fromisoformat(value).strftime(form)


def email_of(path: str) -> str:
    """Whom a path is about; addresses are the same in capitals."""
    return unquote(path.removeprefix("/contacts/")).lower()


def is_moment(text: str) -> bool:
    """The text is a moment by ISO 8601."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def stored(value: Value, kind: str) -> Value:
    """A value as it is kept: moments by the thousandth of a second."""
    if kind != "date" or not isinstance(value, str):
        return value
    moment = datetime.fromisoformat(value).astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


def refused(why: str, faults: Sequence[Mapping[str, Any]] = ()) -> Answer:
    """The answer to what is not valid."""
    body: dict[str, Any] = {"status": 400, "title": "Bad Request", "detail": why}
    return Answer(400, {**body, "validationErrors": faults} if faults else body)


def not_found() -> Answer:
    """The answer about somebody who is not there."""
    body = {"status": 404, "title": "Not Found", "detail": "contact not found"}
    return Answer(404, orjson.dumps(body))


def settings(url: str) -> Mapping[str, str]:
    return {"INTENT_CONNECTIF_API_KEY": API_KEY, "INTENT_CONNECTIF_URL": url}


CASES = (
    Case(
        "connectif",
        "connectif",
        ConnectifStandIn,
        settings,
        changes={"options": {"requests_a_second": RATE}},
        modes=frozenset(Mode),
        names_in_path=True,
    ),
)

if __name__ == "__main__":
    serve(ConnectifStandIn)
