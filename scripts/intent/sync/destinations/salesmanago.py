"""SALESmanago: details and tags of contacts, found by email, by its API v2.

Written from https://docs.salesmanago.com as far as it is stored publicly, and from
public programs that use the API; docs/destinations/salesmanago.md tells them apart.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import orjson
from pydantic import Field, SecretStr
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
LARGEST = 1_000_000
"""Bytes of a request. None is documented."""
SIGNATURE_BYTES = 2_000
"""Of a request, that who we are takes at most."""
LOOKUP_ROWS = 100
CONCURRENT = 4
UPSERT, DELETE = "/api/contact/batchupsert", "/api/contact/delete"
LIST, HAS = "/api/contact/list", "/api/contact/hasContact"
NOBODY = "intent-check@example.com"
HEADERS = {
    "accept": "application/json, application/json",
    "content-type": "application/json;charset=UTF-8",
}
"""docs.salesmanago.com, Technical details."""
UNAUTHENTICATED = re.compile(
    r"(not |un)(authenticated|authori[sz]ed)|authentication|wrong (sha|api ?key)",
    re.IGNORECASE,
)
NOT_THERE = re.compile(r"not (exist|found)|no such|does ?n.t exist", re.IGNORECASE)
LONGEST_REFUSAL = 120
"""Characters: longer messages quote what was sent, and may say anything."""


class SalesmanagoSettings(Settings):
    """Where SALESmanago is, and what requests are signed with."""

    model_config = SettingsConfigDict(env_prefix="INTENT_SALESMANAGO_")

    endpoint: str
    """The server of the account, such as app3.salesmanago.com."""
    client_id: str
    """The client id of the account."""
    api_secret: SecretStr
    """The API secret of the account."""
    api_key: SecretStr | None = None
    """The API key, if the account has a certain one; any text will do otherwise, and a
    new one is made for each request."""
    owner: str
    """The address of a user of the account, to whom new contacts belong."""


class SalesmanagoOptions(Options):
    """What the account allows. The documents name no numbers: these are ours."""

    batch: int = Field(default=500, ge=1, le=1_000)
    """Contacts in a request, at most."""
    requests_a_second: float = Field(default=1.0, gt=0, le=1_000)


class Salesmanago(Adapter[SalesmanagoSettings]):
    """SALESmanago, for one sync."""

    name = "salesmanago"
    settings = SalesmanagoSettings
    hosts: ClassVar[Sequence[str]] = ("*.salesmanago.com", "*.salesmanago.pl")
    # An upsert creates whom it does not find, so that others are read first.
    native_modes = frozenset({Mode.UPSERT, Mode.MIRROR})
    native_leave = False
    lookup_rows = LOOKUP_ROWS

    def __init__(
        self, sync: Sync, settings: SalesmanagoSettings, planned_at: datetime
    ) -> None:
        """Make the adapter of one run.

        Raises:
            BadInputError: the sync asks for what SALESmanago has not.
        """
        super().__init__(sync, settings, planned_at)
        self.options = read_options(sync, SalesmanagoOptions)
        check_sync(sync)

    @property
    def address(self) -> str:
        """The server of the account."""
        endpoint = self.config.endpoint.rstrip("/")
        return endpoint if "://" in endpoint else f"https://{endpoint}"

    @property
    def limits(self) -> Limits:
        """What the options say."""
        rate = self.options.requests_a_second
        most = self.options.batch
        return Limits(
            rows=min(most, self.sync.rows_at_once or most),
            size=LARGEST,
            row_size=LARGEST - SIGNATURE_BYTES,
            windows={"write": (Window(max(1, round(rate)), max(1.0, 1 / rate)),)},
            concurrent=CONCURRENT,
        )

    def authorise(
        self, request: Request, token: str | None, now: datetime
    ) -> Mapping[str, str]:
        """Nothing in the headers: see `signed`."""
        del request, token, now
        return {}

    def signed(self, request: Request, now: datetime) -> bytes:
        """The body, and in it who we are: docs.salesmanago.com, Authorization data."""
        client, secret = self.config.client_id, self.config.api_secret
        moment = int(now.timestamp() * 1_000)
        key = self.config.api_key
        api_key = key.get_secret_value() if key else any_key(moment, secret)
        proof = f"{api_key}{client}{secret.get_secret_value()}"
        # The vendor's choice: it proves the secret, and is not what keeps it.
        sha = hashlib.sha1(proof.encode(), usedforsecurity=False).hexdigest()
        signature = {
            "clientId": client,
            "apiKey": api_key,
            "requestTime": moment,
            "sha": sha,
            "owner": self.config.owner,
        }
        return b"%b,%b" % (orjson.dumps(signature)[:-1], request.content[1:])

    # Writing -----------------------------------------------------------------------

    def pack(self, rows: Iterable[Row]) -> Iterator[Part]:
        """So many contacts, or bytes; deletions one by one."""
        gathered: list[Row] = []
        items: list[bytes] = []
        left = room = LARGEST - SIGNATURE_BYTES
        for row in rows:
            if row.op is Op.DELETE:
                yield Part((row,), DELETE, body(email=row.key))
                continue
            item = self._encode(row)
            if gathered and (len(gathered) >= self.limits.rows or len(item) > left):
                yield Part(gathered, UPSERT, framed(items))
                gathered, items, left = [], [], room
            gathered.append(row)
            items.append(item)
            left -= len(item) + 1  # and a comma
        if gathered:
            yield Part(gathered, UPSERT, framed(items))

    def refuse(self, row: Row) -> str | None:
        """Rows that are larger than a request."""
        if len(self._encode(row)) > LARGEST - SIGNATURE_BYTES - 100:
            return f"all details together are more than {LARGEST} bytes"
        return None

    def request(self, part: Part) -> Request:
        """Contacts with their details and tags, or one to be deleted."""
        content = part.content or (
            body(email=part.rows[0].key)
            if part.route == DELETE
            else framed(map(self._encode, part.rows))
        )
        return Request("POST", part.route, content, HEADERS, units=len(part.rows))

    def classify(self, part: Part, response: Response) -> Verdict:
        """Done are those whose ids are told; a refusal is about the whole request."""
        if trouble := trouble_of(response):
            return trouble
        if response.status == 413 and len(part.rows) > 1:
            return Verdict(advice=Advice.SPLIT)
        if response.status in (400, 413):
            return refused(part, [f"status {response.status}"])
        found = read_answer(response)
        if not found["success"]:
            return self._refused(part, messages(found))
        if part.route == DELETE:
            return Verdict({row.seq: ACKNOWLEDGED for row in part.rows})
        ids = found.get("contactIds")
        if not isinstance(ids, dict):
            raise ValueError("an answer that names no contacts")
        named = {str(email).lower() for email, contact_id in ids.items() if contact_id}
        return Verdict(
            {
                row.seq: ACKNOWLEDGED
                for row in part.rows
                if row.key.strip().lower() in named
            }
        )

    def _refused(self, part: Part, said: Sequence[str]) -> Verdict:
        """What a refusal means: one row may spoil the others."""
        if part.route == DELETE and NOT_THERE.search(" ".join(said)):
            return Verdict({row.seq: ACKNOWLEDGED for row in part.rows})
        if len(part.rows) > 1:
            return Verdict(advice=Advice.SPLIT)
        return refused(part, said)

    def _encode(self, row: Row) -> bytes:
        """A row as one of `upsertDetails`. Consents are never touched."""
        detail: dict[str, Any] = {"contact": {"email": row.key}}
        if row.op is Op.JOIN:
            detail["tags"] = [row.values["list"]]
        elif row.op is Op.DROP:
            detail["removeTags"] = [row.values["list"]]
        else:
            detail["properties"] = {
                name: spoken(value) for name, value in row.values.items()
            }
        return orjson.dumps(detail)

    # Reading -----------------------------------------------------------------------

    def describe_requests(self) -> Sequence[Request]:
        """Whether nobody is there, which proves the secret."""
        return [Request("POST", HAS, body(email=NOBODY), HEADERS)]

    def refuses(self, response: Response) -> Verdict | None:
        """The secret is no good, or it is a passing failure."""
        return trouble_of(response)

    def read_fields(
        self, responses: Sequence[Response]
    ) -> Mapping[str, RemoteField] | None:
        """None: contacts have any details.

        Raises:
            ValueError: nobody answers as SALESmanago does.
        """
        [response] = responses
        found = read_answer(response)
        if not found["success"]:
            raise ValueError("; ".join(messages(found)) or "it does not say why")
        return None

    def lookup(self, keys: Sequence[str], fields: Sequence[str]) -> Request:
        """Contacts by their addresses, in the body."""
        del fields
        return Request("POST", LIST, body(email=list(keys)), HEADERS)

    def read_lookup(
        self, keys: Sequence[str], fields: Sequence[str], response: Response
    ) -> Mapping[str, RemoteRecord] | Verdict:
        """Those that are there, and are not marked as removed."""
        if trouble := trouble_of(response):
            return trouble
        found = read_answer(response)
        contacts = found.get("contacts")
        if not found["success"] or not isinstance(contacts, list):
            raise ValueError("an answer that names no contacts")
        ours = {key.lower(): key for key in keys}
        records = {}
        for contact in contacts:
            key = ours.get(str(contact.get("email")).lower())
            is_there = contact.get("exists", True) and not contact.get("deleted")
            if key is not None and is_there:
                details = details_of(contact)
                # Contacts are written by their address only: no id is kept.
                records[key] = RemoteRecord(
                    "",
                    {
                        name: heard(details.get(name), self._type(name))
                        for name in fields
                    },
                )
        return records

    def _type(self, name: str) -> FieldType:
        rule = self.sync.fields.get(name)
        return rule.type if rule else FieldType.TEXT

    # Set-up ------------------------------------------------------------------------

    def setup(self) -> Sequence[str]:
        """The secret; details come into being when they are first written."""
        lines = [
            "Settings > Integration: the endpoint, client id and API secret go into "
            "INTENT_SALESMANAGO_ENDPOINT, _CLIENT_ID and _API_SECRET; _OWNER is the "
            "address of a user to whom new contacts belong",
            "Nothing is to be created for details. They will be: "
            + ", ".join(
                f"{name} ({rule.type} as text)"
                for name, rule in self.sync.fields.items()
            ),
        ]
        if self.sync.segment_changes:
            tags = self.sync.segment_changes.lists
            lines.append(
                "Nor for tags: "
                + ", ".join(f"{tag} ({segment})" for segment, tag in tags.items())
            )
        return lines


def check_sync(sync: Sync) -> None:
    """Make sure that SALESmanago has what a sync asks for.

    Raises:
        BadInputError: it has not.
    """
    faults: dict[tuple[str, ...], str] = {}
    if sync.object != "contact":
        faults["object",] = "SALESmanago knows `contact` only here"
    if sync.match.field != MATCH_FIELD:
        faults["match", "field"] = f"contacts are found by `{MATCH_FIELD}` only"
    if sync.segment_changes and sync.segment_changes.told_as == "events":
        faults["segment_changes",] = (
            "events of one's own are not told to SALESmanago. Use `as: lists`, whose "
            "lists are tags there: rules can start when a tag is given."
        )
    if faults:
        raise BadInputError(
            "\n".join(f"{at(sync, *path)}: {why}" for path, why in faults.items())
        )


def any_key(moment: int, secret: SecretStr) -> str:
    """A text of our own that requests are signed with, another one each time."""
    text = f"{moment}{secret.get_secret_value()}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def body(**values: Any) -> bytes:
    """A body, to be signed."""
    return orjson.dumps(values)


def framed(items: Iterable[bytes]) -> bytes:
    """The body that holds encoded rows."""
    return b'{"upsertDetails":[%b]}' % b",".join(items)


def trouble_of(response: Response) -> Verdict | None:
    """What answers mean that are not about contacts; refusals have the status 200."""
    if response.status in (401, 403) or is_unauthenticated(response):
        return Verdict(
            advice=Advice.REFUSED,
            message="SALESmanago refuses the signature. Check "
            "INTENT_SALESMANAGO_CLIENT_ID and INTENT_SALESMANAGO_API_SECRET, and "
            "whether the clock is right.",
        )
    if response.status in (408, 429) or response.status >= 500:
        return Verdict(advice=Advice.RESEND)
    return None


def is_unauthenticated(response: Response) -> bool:
    """The answer says, in few words, that it does not know us."""
    try:
        found = read_answer(response)
    except ValueError:
        return False
    said = messages(found)
    return (
        not found["success"]
        and len(said) == 1
        and len(said[0]) <= LONGEST_REFUSAL
        and UNAUTHENTICATED.search(said[0]) is not None
    )


def read_answer(response: Response) -> Mapping[str, Any]:
    """The object of an answer, which tells whether it was done.

    Raises:
        ValueError: it does not.
    """
    found = orjson.loads(response.content)
    if not isinstance(found, dict) or not isinstance(found.get("success"), bool):
        raise ValueError("an answer that does not tell whether it was done")
    return found


def messages(found: Mapping[str, Any]) -> Sequence[str]:
    """What an answer says in words."""
    said = found.get("message") or ()
    return [str(each) for each in said] if isinstance(said, list) else [str(said)]


def refused(part: Part, said: Sequence[str]) -> Verdict:
    """The rows of a part are refused."""
    outcome = Outcome(State.REJECTED, "REFUSED", "", "; ".join(said))
    return Verdict({row.seq: outcome for row in part.rows})


def spoken(value: Value) -> str:
    """A value as a detail, which is text; an empty one unsets it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def details_of(contact: Mapping[str, Any]) -> Mapping[str, Any]:
    """The details of a contact, which are told as pairs, or as an object."""
    found = contact.get("properties") or {}
    if isinstance(found, dict):
        return found
    return {str(each["name"]): each.get("value") for each in found}


def heard(value: Any, kind: FieldType) -> Value:
    """A value in our form; one that somebody else wrote otherwise stays as it is."""
    if value in (None, ""):
        return None
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    try:
        match kind:
            case FieldType.NUMBER:
                return float(text)
            case FieldType.INTEGER:
                return int(text)
            case FieldType.BOOLEAN:
                return {"true": True, "false": False}[text.lower()]
            case _:
                return text
    except (ValueError, KeyError):
        return text


ADAPTER = Salesmanago
