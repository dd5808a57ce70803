"""Oracle Eloqua: contacts by the Bulk API 2.0.

Sources: https://docs.oracle.com/en/cloud/saas/marketing/eloqua-develop and
.../eloqua-rest-api, by the name of the page. What no page says, and what no live
account has confirmed, is listed in docs/destinations/eloqua.md.
"""

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from intent.errors import BadInputError
from intent.sync.adapter import Adapter
from intent.sync.destinations import _eloqua_answers as answers
from intent.sync.destinations import _eloqua_import as imports
from intent.sync.load import at
from intent.sync.local_checks import is_email
from intent.sync.model import (
    ACKNOWLEDGED,
    Job,
    Limits,
    Move,
    Op,
    Part,
    RemoteField,
    RemoteRecord,
    Request,
    Response,
    Row,
    Value,
    Verdict,
    Window,
)
from intent.sync.options import Options, read_options
from intent.sync.secrets import Settings
from intent.sync.spec import FieldType, Mode, Sync

SYNCS = Window(2_000, 3_600.0)  # "Import: 2000 per hour" (Bulk API Limits)
FIELDS_PAGE = 1_000
CONTACTS = "/api/REST/2.0/data/contacts"
CONTACT = "/api/REST/2.0/data/contact"
EMAIL = "C_EmailAddress"
NAME = re.compile(r"\A[A-Za-z][A-Za-z0-9_]*\Z")
TEXT_LENGTH = 100
"""Characters in a text field, as an admin creates it by default."""

KINDS = {
    "string": frozenset({FieldType.TEXT, FieldType.DATETIME}),
    "emailAddress": frozenset({FieldType.TEXT}),
    "phone": frozenset({FieldType.TEXT}),
    "number": frozenset({FieldType.NUMBER, FieldType.INTEGER}),
    "numeric": frozenset({FieldType.NUMBER, FieldType.INTEGER}),
    "date": frozenset({FieldType.DATE, FieldType.DATETIME}),
    "dateTime": frozenset({FieldType.DATE, FieldType.DATETIME}),
    "bool": frozenset({FieldType.BOOLEAN}),
}
"""dataType of a field -> the types of ours that it takes."""
FIELD_TYPES = {
    FieldType.TEXT: "Text",
    FieldType.NUMBER: "Numeric",
    FieldType.INTEGER: "Numeric",
    FieldType.BOOLEAN: "Text",
    FieldType.DATETIME: "Date/Time",
    FieldType.DATE: "Date/Time",
}
"""What an admin creates for a type of ours."""


class EloquaSettings(Settings):
    """Where the instance is, and the user that speaks for us."""

    model_config = SettingsConfigDict(env_prefix="INTENT_ELOQUA_")

    url: str = Field(min_length=1)
    """The instance's address, such as `https://secure.p03.eloqua.com`: what
    https://login.eloqua.com/id calls base."""
    company: str = Field(min_length=1)
    """The company's name, as at the login."""
    user: str = Field(min_length=1)
    """The user's name."""
    password: SecretStr
    """The user's password."""


class EloquaOptions(Options):
    """What `options` of a sync may say; docs/destinations/eloqua.md tells of each."""

    poll_seconds: float = Field(default=10.0, gt=0)
    counts_all: bool = True


class Eloqua(Adapter[EloquaSettings]):
    """Contacts of an Eloqua instance."""

    name = "eloqua"
    settings = EloquaSettings
    hosts = ("*.eloqua.com",)
    native_modes = frozenset(Mode)
    native_leave = True  # an import that creates nobody
    needs_remote_id = frozenset({Op.DELETE})
    lookup_rows = 1
    """Contacts are found by one email a call."""

    def __init__(
        self, sync: Sync, settings: EloquaSettings, planned_at: datetime
    ) -> None:
        """Make the adapter of one run of a sync.

        Raises:
            BadInputError: the sync asks for what Eloqua does not have.
        """
        super().__init__(sync, settings, planned_at)
        self.options = _options(sync)
        self._numbers: dict[str, str] = {}
        """The fields' numbers, by which the REST API calls them; once described."""

    @property
    def address(self) -> str:
        """The instance."""
        return self.config.url.rstrip("/")

    @property
    def limits(self) -> Limits:
        """What the instance allows. All who use its API share it.

        Nothing has to be looked up before it is sent again: what was staged and never
        synced does nothing, and a contact has one email.
        """
        return Limits(
            rows=min(imports.ROWS, self.sync.rows_at_once or imports.ROWS),
            size=imports.FILES * imports.FILE_SIZE,
            row_size=imports.FILE_SIZE,
            windows={"sync": (SYNCS,)},
            concurrent=4,
            jobs_at_once=1,  # of half a million rows; Eloqua syncs one after the other
        )

    def authorise(
        self, request: Request, token: str | None, now: datetime
    ) -> Mapping[str, str]:
        """Basic authentication (Authenticate using HTTP Basic Authentication)."""
        del request, token, now
        config = self.config
        words = f"{config.company}\\{config.user}:{config.password.get_secret_value()}"
        return {"authorization": f"Basic {base64.b64encode(words.encode()).decode()}"}

    # Writing -----------------------------------------------------------------------

    def pack(self, rows: Iterable[Row]) -> Iterator[Part]:
        """Put rows together into imports; each that is deleted is a part of its own."""
        return imports.pack(rows, self.sync)

    def refuse(self, row: Row) -> str | None:
        """Why Eloqua would refuse a row."""
        if not is_email(row.key):
            return "its match key is no email"
        told = imports.line(row, self.sync)
        if b"\0" in told:
            return "a text has the character NUL"
        if len(told) > imports.FILE_SIZE // 2:
            return "it is larger than a file that Eloqua takes"
        return None

    def is_job(self, part: Part) -> bool:
        """All but deletions."""
        return part.route != "delete"

    def requests_of(self, part: Part) -> int:
        """Define, sync, one look and the logs, besides the files."""
        if part.route == "delete":
            return 1
        return 4 + len(imports.files_of(part, self.sync))

    def request(self, part: Part) -> Request:
        """The request that deletes a contact, or defines an import."""
        if part.route == "delete":
            return Request("DELETE", f"{CONTACT}/{part.rows[0].remote_id}")
        return imports.definition(part, self.sync)

    def classify(self, part: Part, response: Response) -> Verdict:
        """What the answer to a deletion means; who is not there is deleted."""
        if verdict := answers.judge(response):
            return verdict
        is_done = answers.is_fine(response) or response.status in {404, 410}
        outcome = ACKNOWLEDGED if is_done else answers.rejection(response)
        return Verdict({row.seq: outcome for row in part.rows})

    def step(self, part: Part, job: Job) -> Request:
        """The request of an import's next step."""
        if job.step == "start":
            return self.request(part)
        return imports.step(part, job, self.sync)

    def doubt(self, job: Job) -> Job:
        """Where to carry on if the step may have been done unnoticed."""
        return imports.doubt(job)

    def advance(self, part: Part, job: Job, response: Response) -> Move:
        """What the answer to a step means."""
        about = imports.Import(
            part, self.sync, self.options.poll_seconds, self.options.counts_all
        )
        return imports.advance(about, job, response)

    # Reading -----------------------------------------------------------------------

    def describe_requests(self) -> Sequence[Request]:
        """The fields of contacts."""
        query = urlencode({"limit": FIELDS_PAGE})
        return [Request("GET", f"{imports.BULK}/contacts/fields?{query}")]

    def refuses(self, response: Response) -> Verdict | None:
        """What an answer means that describes nothing."""
        return answers.judge(response)

    def read_fields(self, responses: Sequence[Response]) -> Mapping[str, RemoteField]:
        """The fields by their internal names.

        Raises:
            ValueError: the answer is no description.
        """
        described = answers.items(responses[0])
        self._numbers = {
            str(each["internalName"]): str(each["uri"]).rpartition("/")[2]
            for each in described
        }
        return {str(each["internalName"]): _field(each) for each in described}

    def lookup(self, keys: Sequence[str], fields: Sequence[str]) -> Request:
        """The contact with an email, which can only be asked for in the address."""
        del fields
        told = keys[0].replace("'", "''")
        query = {"search": f"emailAddress='{told}'", "depth": "complete", "count": 2}
        return Request("GET", f"{CONTACTS}?{urlencode(query)}", lane="read")

    def read_lookup(
        self, keys: Sequence[str], fields: Sequence[str], response: Response
    ) -> Mapping[str, RemoteRecord] | Verdict:
        """The contact that there is."""
        if verdict := answers.judge(response):
            return verdict
        for contact in answers.items(response):
            if str(contact.get("emailAddress", "")).casefold() != keys[0].casefold():
                continue
            values = {
                str(one["id"]): one.get("value")
                for one in contact.get("fieldValues", [])
            }
            told = {
                name: from_eloqua(
                    values.get(self._numbers[name]), self.sync.fields[name].type
                )
                for name in fields
            }
            return {keys[0]: RemoteRecord(str(contact["id"]), told)}
        return {}

    # Set-up ------------------------------------------------------------------------

    def setup(self) -> Sequence[str]:
        """What an admin must create, and which rights the user needs."""
        lines = [
            "Settings > Users and Security: a user of its own in the security groups "
            "API Users and Advanced Users - Marketing; company, user and password are "
            "INTENT_ELOQUA_COMPANY, INTENT_ELOQUA_USER and INTENT_ELOQUA_PASSWORD",
            "The `base` that https://login.eloqua.com/id answers to that user is "
            "INTENT_ELOQUA_URL",
        ]
        lines += [
            "Settings > Fields & Views > Contact Fields: a field whose internal name "
            f"is {name} (look at it, as Eloqua derives it from the display name), type "
            f"{FIELD_TYPES[rule.type]}, update type Always"
            for name, rule in self.sync.fields.items()
        ]
        if self.sync.segment_changes:
            lines.append(
                "The lists are shared lists of contacts; their numbers are those at "
                "/api/bulk/2.0/contacts/lists"
            )
        return lines


def _options(sync: Sync) -> EloquaOptions:
    """The options of a sync, checked with what depends on them."""
    options = read_options(sync, EloquaOptions)
    if sync.object != "contact":
        raise BadInputError(
            f"{at(sync, 'object')}: Eloqua's {sync.object} is none of what is written "
            "here; set it to contact."
        )
    if sync.match.field != EMAIL:
        raise BadInputError(
            f"{at(sync, 'match')}: contacts are found by {EMAIL}; set field to it."
        )
    if len(sync.fields) >= imports.MOST_FIELDS:
        raise BadInputError(
            f"{at(sync, 'fields')}: an import of Eloqua's takes {imports.MOST_FIELDS} "
            "fields, the match field among them. Split the sync in two."
        )
    for name in sync.fields:
        if not NAME.match(name):
            raise BadInputError(
                f"{at(sync, 'fields', name)}: this is no internal name of a field, "
                "such as C_Intent_Score1."
            )
    changes = sync.segment_changes
    if changes and changes.told_as == "events":
        raise BadInputError(
            f"{at(sync, 'segment_changes')}: Eloqua takes no events from here. Use "
            "`as: lists`, and start campaigns by the lists."
        )
    if changes and not all(map(str.isdecimal, changes.lists.values())):
        raise BadInputError(
            f"{at(sync, 'segment_changes', 'lists')}: Eloqua's lists have numbers."
        )
    return options


def _field(described: Mapping[str, Any]) -> RemoteField:
    """A field, as it is described."""
    kind = str(described.get("dataType"))
    return RemoteField(
        name=str(described["internalName"]),
        kinds=KINDS.get(kind),
        is_writable=not described.get("hasReadOnlyConstraint", False),
        is_unique=bool(described.get("hasUniquenessConstraint", False)),
    )


def from_eloqua(value: Any, kind: FieldType) -> Value:
    """What the REST API answered, in our form.

    Raises:
        ValueError: it is no value of this type.
    """
    return None if value is None or value == "" else READERS[kind](value)


def _moment(value: Any) -> datetime:
    """A moment: seconds since 1970, as the REST API has them, or a text."""
    text = str(value)
    if text.lstrip("-").isdecimal():
        return datetime.fromtimestamp(int(text), UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is None else moment.astimezone(UTC)


def _whole(value: Any) -> Value:
    number = float(value)
    return int(number) if number.is_integer() else number


READERS: Mapping[FieldType, Callable[[Any], Value]] = {
    FieldType.TEXT: str,
    FieldType.NUMBER: float,
    FieldType.INTEGER: _whole,
    FieldType.BOOLEAN: lambda value: str(value).lower() == "true",
    FieldType.DATE: lambda value: f"{_moment(value):%Y-%m-%d}",
    FieldType.DATETIME: lambda value: f"{_moment(value):%Y-%m-%dT%H:%M:%SZ}",
}

ADAPTER = Eloqua
