"""Connectif: contacts by email, one in each request.

Written from its API's documentation, https://api-docs.connectif.cloud/connectif-api;
docs/destinations/connectif.md says which facts are not in it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.parse import quote

import orjson
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from intent.errors import BadInputError
from intent.sync.adapter import Adapter
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

MATCH_FIELD = "email"
LONGEST_EMAIL = 254
LONGEST_ID = 150
FIELD_ID = re.compile(r"[A-Za-z][A-Za-z0-9_\-\[\]]*")
"""Of a field of one's own: reference/contact-fields/create-contact-field."""
RESERVED_ID = "id"
LARGEST = 1_000_000
"""Bytes. None is documented; a contact has few thousands."""
CONCURRENT = 16

TEXT = frozenset({FieldType.TEXT})
DATE = frozenset({FieldType.DATE, FieldType.DATETIME})
KINDS: Mapping[str, frozenset[FieldType]] = {
    "text": TEXT,
    "email": TEXT,
    "radio": TEXT,
    "phone": TEXT,
    "boolean": frozenset({FieldType.BOOLEAN}),
    "decimal": frozenset({FieldType.NUMBER, FieldType.INTEGER}),
    "integer": frozenset({FieldType.INTEGER}),
    "date": DATE,
    "checkbox": frozenset(),  # a list, which rows have not
}
"""The types of fields, and which of ours they take: resources/contactpatch."""
TYPES: Mapping[FieldType, str] = {
    FieldType.TEXT: "text",
    FieldType.NUMBER: "decimal",
    FieldType.INTEGER: "integer",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATETIME: "date",
    FieldType.DATE: "date",
}
BUILT_IN: Mapping[str, RemoteField] = {
    name: RemoteField(name, kinds, options)
    for name, kinds, options in (
        ("_name", TEXT, None),
        ("_surname", TEXT, None),
        ("_birthdate", DATE, None),
        ("_mobilePhone", TEXT, None),
        ("_points", frozenset({FieldType.INTEGER}), None),
        ("_emailStatus", TEXT, frozenset({"active", "bounced", "paused", "banned"})),
        ("_mobilePhoneStatus", TEXT, frozenset({"active", "bounced", "paused"})),
    )
}
"""Fields that each account has, and that a sync may write: resources/contactpatch.
Subscriptions are left to those who ask for consent."""


class ConnectifSettings(Settings):
    """Where Connectif is, and its secret."""

    model_config = SettingsConfigDict(env_prefix="INTENT_CONNECTIF_")

    api_key: SecretStr
    """The API key as it is copied there: its id, a colon, its secret."""
    url: str = "https://api.connectif.cloud"
    """Another address, for tests."""

    @field_validator("api_key")
    @classmethod
    def _is_pair(cls, value: SecretStr) -> SecretStr:
        key_id, _, secret = value.get_secret_value().partition(":")
        if not (key_id and secret):
            raise ValueError(
                "this is no id and secret with a colon between, as Connectif copies "
                "them to the clipboard"
            )
        return value


class ConnectifOptions(Options):
    """What the account allows."""

    requests_a_second: float = Field(default=10.0, gt=0, le=1_000)
    """The documents name no number: this one is ours, and careful."""


class Connectif(Adapter[ConnectifSettings]):
    """Connectif, for one sync."""

    name = "connectif"
    settings = ConnectifSettings
    hosts: ClassVar[Sequence[str]] = ("api.connectif.cloud",)
    # A patch creates whom it does not find, so that others are read first.
    native_modes = frozenset({Mode.UPSERT, Mode.MIRROR})
    native_leave = False
    lookup_rows = 1

    def __init__(
        self, sync: Sync, settings: ConnectifSettings, planned_at: datetime
    ) -> None:
        """Make the adapter of one run.

        Raises:
            BadInputError: the sync asks for what Connectif has not.
        """
        super().__init__(sync, settings, planned_at)
        self.options = read_options(sync, ConnectifOptions)
        check_sync(sync)

    @property
    def address(self) -> str:
        """Where the API is."""
        return self.config.url.rstrip("/")

    @property
    def limits(self) -> Limits:
        """One contact in a request, and as many requests as the options say."""
        rate = self.options.requests_a_second
        return Limits(
            rows=1,
            size=LARGEST,
            windows={"write": (Window(max(1, round(rate)), max(1.0, 1 / rate)),)},
            concurrent=CONCURRENT,
        )

    def authorise(
        self, request: Request, token: str | None, now: datetime
    ) -> Mapping[str, str]:
        """The API key: guides/authentication."""
        del request, token, now
        return {"authorization": f"apiKey {self.config.api_key.get_secret_value()}"}

    # Writing -----------------------------------------------------------------------

    def pack(self, rows: Iterable[Row]) -> Iterator[Part]:
        """A part for each row."""
        for row in rows:
            yield Part((row,), "DELETE" if row.op is Op.DELETE else "PATCH")

    def refuse(self, row: Row) -> str | None:
        """Keys that are no addresses: they would be another path."""
        name, found, host = row.key.rpartition("@")
        is_email = name and found and host and row.key.isprintable()
        if not is_email or len(row.key) > LONGEST_EMAIL:
            return f"the {MATCH_FIELD} is no address of mail"
        return None

    def request(self, part: Part) -> Request:
        """The change of one contact, or its deletion."""
        [row] = part.rows
        if part.route == "DELETE":
            return Request("DELETE", path_of(row.key))
        values = {name: self._spoken(name, value) for name, value in row.values.items()}
        return Request(
            "PATCH",
            path_of(row.key),
            orjson.dumps(values),
            {"content-type": "application/json"},
        )

    def classify(self, part: Part, response: Response) -> Verdict:
        """Done, refused for a reason, or to be sent again."""
        [row] = part.rows
        if trouble := trouble_of(response):
            return trouble
        if 200 <= response.status < 300:
            if response.content:
                read_object(response)
            return Verdict({row.seq: ACKNOWLEDGED})
        if response.status == 404 and part.route == "DELETE":
            read_object(response)
            return Verdict({row.seq: ACKNOWLEDGED})
        if 400 <= response.status < 500:
            return Verdict({row.seq: refusal_of(response)})
        raise ValueError(f"the status {response.status} is not documented")

    def _spoken(self, name: str, value: Value) -> Value:
        """A value as Connectif takes it: dates with their time of day."""
        is_date = self._type(name) is FieldType.DATE
        return f"{value}T00:00:00Z" if is_date and value is not None else value

    def _type(self, name: str) -> FieldType:
        rule = self.sync.fields.get(name)
        return rule.type if rule else FieldType.TEXT

    # Reading -----------------------------------------------------------------------

    def describe_requests(self) -> Sequence[Request]:
        """The fields of contacts."""
        return [Request("GET", "/contact-fields/")]

    def refuses(self, response: Response) -> Verdict | None:
        """The key is no good, lacks a right, or it is a passing failure."""
        return trouble_of(response)

    def read_fields(
        self, responses: Sequence[Response]
    ) -> Mapping[str, RemoteField] | None:
        """The account's own fields and those of each account.

        None if the list is not there: that it can be read is not documented.
        """
        [response] = responses
        if response.status == 404:
            return None
        found = orjson.loads(response.content)
        if isinstance(found, dict):
            found = next((each for each in found.values() if isinstance(each, list)), 0)
        # Each account has fields, so that an empty list is no description either.
        if response.status != 200 or not isinstance(found, list) or not found:
            raise ValueError("no list of fields")
        fields = [remote_field(each) for each in found]
        match = RemoteField(MATCH_FIELD, TEXT, is_unique=True)
        own = {field.name: field for field in fields}
        return {**BUILT_IN, **own, MATCH_FIELD: match}

    def lookup(self, keys: Sequence[str], fields: Sequence[str]) -> Request:
        """The request that reads one contact."""
        del fields
        [key] = keys
        return Request("GET", path_of(key))

    def read_lookup(
        self, keys: Sequence[str], fields: Sequence[str], response: Response
    ) -> Mapping[str, RemoteRecord] | Verdict:
        """The contact, if it is there."""
        if trouble := trouble_of(response):
            return trouble
        [key] = keys
        found = read_object(response)
        if response.status == 404:
            return {}
        if response.status != 200:
            raise ValueError(f"the status {response.status} is not documented")
        values = {name: heard(found.get(name), self._type(name)) for name in fields}
        # Contacts are found by their address only, so that there is no id to keep.
        return {key: RemoteRecord("", values)}

    # Set-up ------------------------------------------------------------------------

    def setup(self) -> Sequence[str]:
        """The key and the fields."""
        return [
            "API keys > Create new API key, with the scopes to read and write contacts "
            "and to read contact fields; copied, it goes into INTENT_CONNECTIF_API_KEY",
            *(
                f"Contacts > Contact fields: {name}, of the type {kind_of(rule.type)}"
                for name, rule in self.sync.fields.items()
                if name not in BUILT_IN
            ),
            "Workflows can start from a change of the field with the segment",
        ]


def path_of(email: str) -> str:
    """Where a contact is: reference/contacts/patch-contact. There is no way to name it
    in the body instead."""
    return f"/contacts/{quote(email, safe='@')}"


def kind_of(kind: FieldType) -> str:
    """What a type is called over there."""
    return TYPES[kind]


def remote_field(field: Mapping[str, Any]) -> RemoteField:
    """A field as the list of fields has it.

    Raises:
        LookupError, TypeError: it is none.
    """
    options = [option["id"] for option in field.get("options") or ()]
    longest = field.get("maxLength")
    return RemoteField(
        str(field["id"]),
        frozenset(map(str, KINDS.get(str(field.get("type")), TEXT))),
        frozenset(map(str, options)) or None,
        int(longest) if longest else None,
    )


def check_sync(sync: Sync) -> None:
    """Make sure that Connectif has what a sync asks for.

    Raises:
        BadInputError: it has not.
    """
    faults: dict[tuple[str, ...], str] = {}
    if sync.object != "contact":
        faults["object",] = "Connectif knows `contact` only here"
    if sync.match.field != MATCH_FIELD:
        faults["match", "field"] = f"contacts are found by `{MATCH_FIELD}` only"
    if sync.segment_changes:
        faults["segment_changes",] = (
            "neither lists nor events are told to Connectif. Leave it out, and let a "
            "workflow start from a change of the field with the segment."
        )
    for name in sync.fields:
        if name in BUILT_IN:
            continue
        if name.startswith("_"):
            faults["fields", name] = (
                f"none of Connectif's fields that a sync may write: "
                f"{', '.join(BUILT_IN)}"
            )
        elif not FIELD_ID.fullmatch(name) or name == RESERVED_ID:
            faults["fields", name] = (
                "the id of a field begins with a letter, has letters, digits, -, _ and "
                "brackets, and is not `id`"
            )
        elif len(name) > LONGEST_ID:
            faults["fields", name] = f"an id has {LONGEST_ID} characters at most"
    if faults:
        raise BadInputError(
            "\n".join(f"{at(sync, *path)}: {why}" for path, why in faults.items())
        )


def trouble_of(response: Response) -> Verdict | None:
    """What answers mean that are not about a contact: the tables of status codes."""
    if response.status in (401, 403):
        return Verdict(
            advice=Advice.REFUSED,
            message="Connectif refuses the key, or it lacks a scope. Check "
            "INTENT_CONNECTIF_API_KEY, and what the key may do.",
        )
    if response.status in (408, 429) or response.status >= 500:
        return Verdict(wait=wait_of(response) if response.status == 429 else None)
    return None


def wait_of(response: Response) -> float | None:
    """Seconds until the window of the rate ends, by the server's own clock."""
    reset, date = (response.headers.get(name, "") for name in (RESET, "date"))
    if not (reset.isascii() and reset.isdigit() and date):
        return None
    try:
        now = parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
    return max(0.0, int(reset) - now)


RESET = "x-ratelimit-reset"
"""Seconds since 1970."""


def read_object(response: Response) -> Mapping[str, Any]:
    """The object of an answer.

    Raises:
        ValueError: it has none.
    """
    found = orjson.loads(response.content)
    if not isinstance(found, dict):
        raise ValueError("an answer that is no object")
    return found


def refusal_of(response: Response) -> Outcome:
    """Why a contact was refused: `HttpError` of guides/custom-error-codes."""
    found = read_object(response)
    faults = found.get("validationErrors")
    faults = faults if isinstance(faults, list) else []
    words = [found.get("detail") or found.get("title"), *map(in_words, faults)]
    fields = [each.get("field") for each in faults if isinstance(each, dict)]
    return Outcome(
        State.REJECTED,
        str(found.get("code") or f"HTTP_{response.status}"),
        next((str(field) for field in fields if field), ""),
        "; ".join(str(each) for each in words if each),
    )


def in_words(fault: object) -> str:
    """A fault of a value, whose form is not documented."""
    if isinstance(fault, dict):
        return " ".join(str(each) for each in fault.values())
    return str(fault)


def heard(value: Any, kind: FieldType) -> Value:
    """A value in our form; one that somebody else wrote otherwise stays as it is."""
    if value is None or isinstance(value, bool):
        return value
    if kind in (FieldType.DATE, FieldType.DATETIME) and isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return value
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        form = "%Y-%m-%d" if kind is FieldType.DATE else "%Y-%m-%dT%H:%M:%SZ"
        return moment.strftime(form)
    if isinstance(value, str | int | float):
        return value
    return orjson.dumps(value).decode()


ADAPTER = Connectif
