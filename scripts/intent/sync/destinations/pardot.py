"""Account Engagement (Pardot): prospects by the Import API, version 5.

Sources: https://developer.salesforce.com/docs/marketing/pardot/guide, by the name of
the page. What no page says, and what no live account has confirmed, is listed in
docs/destinations/pardot.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from intent.errors import BadInputError
from intent.sync.adapter import Adapter
from intent.sync.destinations import _pardot_answers as answers
from intent.sync.destinations import _pardot_import as imports
from intent.sync.destinations import _salesforce_auth as salesforce
from intent.sync.load import at
from intent.sync.model import (
    ACKNOWLEDGED,
    Advice,
    Job,
    Limits,
    Move,
    Op,
    Outcome,
    Part,
    RemoteField,
    RemoteRecord,
    Request,
    Response,
    Row,
    Value,
    Verdict,
)
from intent.sync.options import Options, read_options
from intent.sync.secrets import Settings
from intent.sync.spec import FieldType, Mode, Sync

PRODUCTION, DEMO = "https://pi.pardot.com", "https://pi.demo.pardot.com"
"""Authentication: sandboxes and developer orgs are at the other domain."""
AT_ONCE = 5  # "max 5 concurrent API requests" (Error Codes, 66)
A_DAY = 25_000  # the smallest edition's (Account, maximumDailyApiCalls)
LOOK_UP_PAGE = 200
"""Prospects with one email, where the business unit allows several."""
FIELDS_PAGE = 1_000
FORM = {"content-type": "application/x-www-form-urlencoded"}
PROSPECTS = "/api/v5/objects/prospects"
CUSTOM_FIELDS = "/api/v5/objects/custom-fields"
CUSTOM = "__c"
"""How names of custom fields end in version 5."""

TEXTS = frozenset({FieldType.TEXT, FieldType.DATETIME})
NUMBERS = frozenset({FieldType.NUMBER, FieldType.INTEGER})
KINDS = {
    **dict.fromkeys(("text", "textarea", "hidden"), TEXTS),
    **dict.fromkeys(("dropdown", "radio button", "multi-select"), TEXTS),
    "number": NUMBERS,
    "date": frozenset({FieldType.DATE}),
    "checkbox": frozenset({FieldType.BOOLEAN, FieldType.TEXT}),
}
"""Types of custom fields -> the types of ours that each takes."""
STANDARD = {
    **dict.fromkeys(("comments", "company", "department", "industry"), TEXTS),
    **dict.fromkeys(("jobTitle", "source", "website"), TEXTS),
    "score": frozenset({FieldType.INTEGER}),
}
"""Fields of every prospect that may be written (Prospect); they are not described."""
FIELD_TYPES = {
    FieldType.TEXT: "Text",
    FieldType.NUMBER: "Number",
    FieldType.INTEGER: "Number",
    FieldType.BOOLEAN: "Checkbox",
    FieldType.DATETIME: "Text",
    FieldType.DATE: "Date",
}
"""What an admin creates for a type of ours. There is none for moments."""


class PardotSettings(Settings):
    """Which business unit, and by which app of Salesforce."""

    model_config = SettingsConfigDict(env_prefix="INTENT_PARDOT_")

    domain: str = Field(min_length=1)
    """The Salesforce org's My Domain, such as `acme` or
    `acme--test.sandbox.my.salesforce.com`."""
    client_id: str = Field(min_length=1)
    """The consumer key of the app, which has the scope `pardot_api`."""
    client_secret: SecretStr
    """Its consumer secret."""
    business_unit_id: str = Field(min_length=1)
    """The id of the business unit, 18 characters that begin with 0Uv."""
    url: str = ""
    """Another address than Account Engagement's: https://pi.demo.pardot.com for
    developer orgs."""

    @property
    def host(self) -> str:
        """The host of the org, which gives tokens."""
        name = self.domain.removeprefix("https://").rstrip("/")
        return name if "." in name else f"{name}.{salesforce.MY_DOMAIN}"


class PardotOptions(Options):
    """What `options` of a sync may say; docs/destinations/pardot.md tells of each."""

    calls_a_day: int = Field(default=A_DAY, ge=1)
    calls_at_once: int = Field(default=AT_ONCE - 1, ge=1, le=AT_ONCE)
    poll_seconds: float = Field(default=60.0, gt=0)
    restore_deleted: bool = False
    counts_all: bool = True


class Pardot(Adapter[PardotSettings]):
    """Prospects of a business unit."""

    name = "pardot"
    settings = PardotSettings
    hosts = ("pi.pardot.com", "pi.demo.pardot.com", "*.my.salesforce.com")
    native_modes = frozenset({Mode.UPSERT, Mode.MIRROR, Mode.UPDATE_ONLY})
    native_leave = True  # an import that creates nobody
    needs_remote_id = frozenset({Op.DELETE})
    lookup_rows = 1
    """Prospects are found by one email a call (Prospect, Query)."""

    def __init__(
        self, sync: Sync, settings: PardotSettings, planned_at: datetime
    ) -> None:
        """Make the adapter of one run of a sync.

        Raises:
            BadInputError: the sync asks for what Account Engagement does not have.
        """
        super().__init__(sync, settings, planned_at)
        self.options = _options(sync)

    @property
    def address(self) -> str:
        """Where the business unit is."""
        is_sandbox = ".sandbox." in self.config.host
        usual = DEMO if is_sandbox else PRODUCTION
        return self.config.url.rstrip("/") or usual

    @property
    def limits(self) -> Limits:
        """What is allowed. All who use the business unit's API share it.

        Nothing has to be looked up before it is sent again: an import is found by its
        id, and one that was never made ready does nothing.
        """
        return Limits(
            rows=min(imports.ROWS, self.sync.rows_at_once or imports.ROWS),
            size=imports.BATCHES * imports.BATCH_SIZE,
            row_size=imports.BATCH_SIZE,
            concurrent=self.options.calls_at_once,
            jobs_at_once=1,  # of up to a million rows; the others would only wait
            requests_a_day=self.options.calls_a_day,
        )

    # Authorisation -----------------------------------------------------------------

    def token_request(self) -> Request:
        """Client credentials, at the org's own domain (Authentication)."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.config.client_id,
            "client_secret": self.config.client_secret.get_secret_value(),
        }
        return Request(
            "POST",
            "/services/oauth2/token",
            content=urlencode(form).encode(),
            headers=FORM,
            lane="token",
            host=self.config.url.rstrip("/") if self.is_local else self.config.host,
            authorised=False,
        )

    @property
    def is_local(self) -> bool:
        """The address is that of a stand-in, which gives tokens as well."""
        return self.config.url.startswith("http://")

    def read_token(self, response: Response) -> str | None:
        """The token in an answer; None: the credentials were refused."""
        return salesforce.read_token(response)

    def authorise(
        self, request: Request, token: str | None, now: datetime
    ) -> Mapping[str, str]:
        """The token, and the business unit that is meant."""
        del request, now
        return {
            "authorization": f"Bearer {token}",
            "pardot-business-unit-id": self.config.business_unit_id,
        }

    # Writing -----------------------------------------------------------------------

    def pack(self, rows: Iterable[Row]) -> Iterator[Part]:
        """Put rows together into imports; each that is deleted is a part of its own."""
        return imports.pack(rows, self.sync, self._route)

    def _route(self, row: Row) -> str:
        if row.op is Op.DELETE:
            return "delete"
        return imports.ROUTES.get(row.op, "upsert")

    def refuse(self, row: Row) -> str | None:
        """Why Account Engagement would refuse a row."""
        told = imports.line(row)
        if b"\0" in told:
            return "a text has the character NUL"
        if len(told) > imports.BATCH_SIZE // 2:
            return "it is larger than a file that Account Engagement takes"
        return None

    def is_job(self, part: Part) -> bool:
        """All are: deletions, as one email may be that of several prospects."""
        del part
        return True

    def requests_of(self, part: Part) -> int:
        """Create, ready and one look, besides the files; or one for each prospect."""
        if part.route == "delete":
            return len(ids_of(part.rows[0]))
        return 3 + len(imports.files_of(part))

    def request(self, part: Part) -> Request:
        """The request that begins a part's job."""
        if part.route == "delete":
            return _deletion(part.rows[0], Job())
        creates = self.sync.mode is not Mode.UPDATE_ONLY
        return imports.creation(part.route, creates, self.options.restore_deleted)

    def classify(self, part: Part, response: Response) -> Verdict:
        """Nothing is sent by one request alone."""
        raise NotImplementedError

    def step(self, part: Part, job: Job) -> Request:
        """The request of a job's next step."""
        if job.step == "start":
            return self.request(part)
        if part.route == "delete":
            return _deletion(part.rows[0], job)
        return imports.step(part, job)

    def doubt(self, job: Job) -> Job:
        """Where to carry on if the step may have been done unnoticed."""
        return imports.doubt(job)

    def advance(self, part: Part, job: Job, response: Response) -> Move:
        """What the answer to a step means."""
        if part.route == "delete":
            return _deleted(part.rows[0], job, response)
        about = imports.Import(part, self.options.poll_seconds, self.options.counts_all)
        return imports.advance(about, job, response)

    # Reading -----------------------------------------------------------------------

    def describe_requests(self) -> Sequence[Request]:
        """The custom fields; those of every prospect are not described."""
        query = {"fields": "fieldId,type", "limit": FIELDS_PAGE}
        return [Request("GET", f"{CUSTOM_FIELDS}?{urlencode(query)}")]

    def refuses(self, response: Response) -> Verdict | None:
        """What an answer means that describes nothing."""
        verdict = answers.judge(response)
        if verdict is None and not answers.is_fine(response):
            raise ValueError("not a description: it is refused")
        return verdict

    def read_fields(self, responses: Sequence[Response]) -> Mapping[str, RemoteField]:
        """The fields by the names that files have them by.

        Raises:
            ValueError: the answer is no description.
        """
        described = _values(responses[0])
        found = [_field(each) for each in described]
        found += [RemoteField(name, kinds) for name, kinds in STANDARD.items()]
        found.append(RemoteField("email", is_unique=True))
        return {each.name: each for each in found}

    def lookup(self, keys: Sequence[str], fields: Sequence[str]) -> Request:
        """The prospects with an email, which can only be asked for in the address."""
        names = ["id", "lastActivityAt", *fields]
        query = {"email": keys[0], "fields": ",".join(names), "limit": LOOK_UP_PAGE}
        return Request("GET", f"{PROSPECTS}?{urlencode(query)}", lane="read")

    def read_lookup(
        self, keys: Sequence[str], fields: Sequence[str], response: Response
    ) -> Mapping[str, RemoteRecord] | Verdict:
        """The prospect that there is.

        Of several with one email the record is the one with the latest activity, which
        an import updates, and its id is all of theirs, so that all are deleted.
        """
        if verdict := answers.judge(response):
            return verdict
        if not answers.is_fine(response):
            return Verdict(
                advice=Advice.REFUSED,
                message="Account Engagement can't be asked for these fields. Check "
                "them with `intent sync check`.",
            )
        found = sorted(
            _values(response),
            key=lambda one: (str(one.get("lastActivityAt") or ""), -int(one["id"])),
            reverse=True,
        )
        if not found:
            return {}
        values = {
            name: from_pardot(found[0].get(name), self.sync.fields[name].type)
            for name in fields
        }
        ids = ",".join(str(one["id"]) for one in found)
        return {keys[0]: RemoteRecord(ids, values)}

    # Set-up ------------------------------------------------------------------------

    def setup(self) -> Sequence[str]:
        """What an admin must create, and which rights the user needs."""
        lines = [
            "Salesforce Setup > External Client App Manager: an app with OAuth and "
            "the scope `pardot_api`. Enable the Client Credentials Flow and choose the "
            "user that it runs as; its consumer key and secret are "
            "INTENT_PARDOT_CLIENT_ID and INTENT_PARDOT_CLIENT_SECRET",
            "Salesforce Setup > Business Unit Setup: the id of the business unit, "
            "which begins with 0Uv, is INTENT_PARDOT_BUSINESS_UNIT_ID",
            "Account Engagement Settings > User Management: give that user a role with "
            "Prospects > Import, View, Create and Configure Fields, and Delete for "
            "erased people",
        ]
        lines += [
            "Account Engagement Settings > Object and Field Configuration > Prospect "
            f"Fields: a custom field with the API name {_bare(name)} (here {name}), "
            f"type {FIELD_TYPES[rule.type]}"
            for name, rule in self.sync.fields.items()
            if name not in STANDARD
        ]
        if self.sync.segment_changes:
            lines.append(
                "Role of the user: Marketing > Segmentation > Lists > View, to put "
                "prospects on lists; the lists are static ones"
            )
        return lines


def _options(sync: Sync) -> PardotOptions:
    """The options of a sync, checked with what depends on them."""
    options = read_options(sync, PardotOptions)
    if sync.object != "prospect":
        raise BadInputError(
            f"{at(sync, 'object')}: Account Engagement has no {sync.object}; set it to "
            "prospect."
        )
    if sync.match.field != "email":
        raise BadInputError(
            f"{at(sync, 'match')}: prospects are found by email here; set field to it."
        )
    changes = sync.segment_changes
    if changes and changes.told_as == "events":
        raise BadInputError(
            f"{at(sync, 'segment_changes')}: Account Engagement takes no events from "
            "here. Use `as: lists`, and start programs by the lists."
        )
    if changes and not all(map(str.isdecimal, changes.lists.values())):
        raise BadInputError(
            f"{at(sync, 'segment_changes', 'lists')}: lists have numbers, as in the "
            "list's address."
        )
    return options


def ids_of(row: Row) -> Sequence[str]:
    """The prospects with a row's email; one unknown when a plan counts requests."""
    return (row.remote_id or "").split(",")


def _deletion(row: Row, job: Job) -> Request:
    """The request that deletes the next prospect: to the recycle bin."""
    return Request("DELETE", f"{PROSPECTS}/{ids_of(row)[int(job.detail.get('at', 0))]}")


def _deleted(row: Row, job: Job, response: Response) -> Move:
    """What the answer to a deletion means; who is not there is deleted."""
    if verdict := answers.judge(response):
        return Move(job, verdict, verdict.wait or 0.0)
    if not answers.is_fine(response) and response.status != 404:
        wrong: Outcome = answers.rejection(response)
        return Move(job.at("done"), Verdict({row.seq: wrong}))
    number = int(job.detail.get("at", 0)) + 1
    if number < len(ids_of(row)):
        return Move(job.at("delete", detail={"at": number}))
    return Move(job.at("done"), Verdict({row.seq: ACKNOWLEDGED}))


def _values(response: Response) -> list[dict[str, Any]]:
    """The records of a query.

    Raises:
        ValueError: it is none.
    """
    found = answers.read(response).get("values")
    if not isinstance(found, list):
        raise ValueError("not the answer to a query: it has no values")
    return found


def _bare(name: str) -> str:
    return name.removesuffix(CUSTOM)


def _field(described: Mapping[str, Any]) -> RemoteField:
    """A custom field, as it is described."""
    name, kind = _bare(str(described["fieldId"])), str(described["type"]).lower()
    return RemoteField(f"{name}{CUSTOM}", KINDS.get(kind))


def from_pardot(value: Any, kind: FieldType) -> Value:
    """What Account Engagement answered, in our form.

    Raises:
        ValueError: it is no value of this type.
    """
    if value is None or value == "":
        return None
    match kind:
        case FieldType.NUMBER:
            return float(value)
        case FieldType.INTEGER:
            number = float(value)
            return int(number) if number.is_integer() else number
        case FieldType.BOOLEAN:
            return value if isinstance(value, bool) else str(value).lower() == "true"
        case FieldType.DATE:
            return str(value)[:10]
        case _:
            return str(value)


ADAPTER = Pardot
