"""Salesforce: contacts, leads, accounts and opportunities, few or many at once.

Up to 2,000 rows go by sObject Collections, 200 in a request; more by Bulk API 2.0, as
Salesforce recommends. With `mode: update_only` records are found by any field (also
several by one key, which are all written) and updated by their id; otherwise they are
upserted by an external id.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import Field

from intent.errors import BadInputError
from intent.sync.adapter import Adapter
from intent.sync.destinations import _salesforce_answers as answers
from intent.sync.destinations import _salesforce_auth as auth
from intent.sync.destinations import _salesforce_bulk as bulk
from intent.sync.destinations import _salesforce_members as members
from intent.sync.destinations import _salesforce_pack as packing
from intent.sync.destinations import _salesforce_query as query
from intent.sync.destinations import _salesforce_schema as schema
from intent.sync.destinations._salesforce_auth import SalesforceSettings
from intent.sync.destinations._salesforce_setup import setup_lines
from intent.sync.load import at
from intent.sync.model import (
    RECORD_OPS,
    Job,
    Limits,
    Move,
    Op,
    Outcome,
    Part,
    Quota,
    RemoteField,
    RemoteRecord,
    Request,
    Response,
    Row,
    State,
    Verdict,
)
from intent.sync.options import Options, read_options
from intent.sync.spec import Mode, Sync

API_VERSION = "67.0"
"""Summer '26. Salesforce keeps a version for at least three years."""
NAME = re.compile(r"\A[A-Za-z][A-Za-z0-9_]*\Z")
CELL = 32_000
"""Limits and Allocations Quick Reference, Bulk API: characters in a field."""
RECORD = 400_000
"""Likewise: characters in a record."""


class SalesforceOptions(Options):
    """What a sync may choose."""

    api_version: str = Field(default=API_VERSION, pattern=r"^[1-9][0-9]\.0$")
    """The version of Salesforce's API."""
    bulk_above: int = Field(default=packing.BULK_ABOVE, ge=packing.COLLECTION_ROWS)
    """More rows than these go by Bulk API 2.0."""
    poll_seconds: float = Field(default=bulk.FIRST_POLL, gt=0)
    """How long to wait before the first look at a job; then longer each time."""
    score_scale: float | None = Field(default=None, gt=0)
    """The scale of the rule sheet, for the formula that `intent sync setup` shows."""


class Salesforce(Adapter[SalesforceSettings]):
    """Salesforce, for one object of one org."""

    name: ClassVar[str] = "salesforce"
    settings: ClassVar[type[SalesforceSettings]] = SalesforceSettings
    hosts: ClassVar[Sequence[str]] = ("*.my.salesforce.com",)
    native_modes = frozenset((Mode.UPSERT, Mode.MIRROR))
    job_requests = 6  # make, upload, start, look, successes, failures
    native_leave = True  # it is an update by id
    needs_remote_id = frozenset((Op.LEAVE, Op.DELETE, Op.JOIN, Op.DROP))
    lookup_rows = query.KEYS * query.QUERIES

    def __init__(
        self, sync: Sync, settings: SalesforceSettings, planned_at: datetime
    ) -> None:
        """Make the adapter of one run of a sync.

        Raises:
            BadInputError: the sync asks for what Salesforce does not do.
        """
        super().__init__(sync, settings, planned_at)
        check_sync(sync)
        if sync.mode is Mode.UPDATE_ONLY:
            # Ids are not kept from run to run: records are merged, come and go.
            self.needs_remote_id = frozenset((*RECORD_OPS, Op.JOIN, Op.DROP))
        if sync.object == "Opportunity":
            # An account has more or fewer open ones from day to day.
            self.lookup_rows = query.KEYS
        self.options = read_options(sync, SalesforceOptions)
        self.base = f"/services/data/v{self.options.api_version}"
        self.sizes = packing.Sizes.wished(sync.rows_at_once, self.options.bulk_above)

    @property
    def address(self) -> str:
        """The org's address."""
        return self.config.address

    @property
    def limits(self) -> Limits:
        """What is allowed: there is no rate, but a day's sum of requests.

        Salesforce tells of it with each answer, since it depends on the licences. It
        bears 25 requests at once that last 20 seconds or longer; more than a few
        writers in one object wait for each other's locks.
        """
        return Limits(
            rows=self.sizes.bulk_rows,
            size=self.sizes.bulk_size,
            concurrent=4,
            jobs_at_once=2,
        )

    # Authorisation -----------------------------------------------------------------

    def token_request(self) -> Request:
        """The request for a token. An assertion needs the time: it is read here."""
        return auth.token_request(self.config, datetime.now(UTC))

    def read_token(self, response: Response) -> str | None:
        """The token in an answer; None if the credentials were refused."""
        return auth.read_token(response)

    def authorise(
        self, request: Request, token: str | None, now: datetime
    ) -> Mapping[str, str]:
        """The token as a header."""
        del request, now
        return {"authorization": f"Bearer {token}"}

    # Writing -----------------------------------------------------------------------

    def pack(self, rows: Iterable[Row]) -> Iterator[Part]:
        """Put rows together into requests, or into files if they are many."""
        return packing.pack(rows, self.sync, self.sizes)

    def refuse(self, row: Row) -> str | None:
        """Why Salesforce would refuse a row."""
        texts = [value for value in row.values.values() if isinstance(value, str)]
        if any(len(text) > CELL for text in texts):
            return f"a field has more than {CELL:,} characters: set truncate"
        if sum(map(len, texts)) > RECORD:
            return f"the record has more than {RECORD:,} characters"
        return None

    def request(self, part: Part) -> Request:
        """The request that sends a part."""
        path = f"{self.base}/composite/sobjects"
        targets = packing.targets(part)
        match part.route:
            case "delete":
                ids = ",".join(record_id for _, record_id in targets)
                return Request("DELETE", f"{path}?ids={ids}&allOrNone=false")
            case "drop":
                return members.drop(self.base, targets)
            case "upsert":
                path = f"{path}/{self.sync.object}/{self.sync.match.field}"
        headers = {
            "content-type": "application/json",
            # Else each write of a lead gives it to whom the org's rules say.
            "sforce-auto-assign": "FALSE",
        }
        method = "POST" if part.route == "join" else "PATCH"
        content = packing.content_of(part, self.sync)
        return Request(method, path, content, headers, units=len(targets))

    def classify(self, part: Part, response: Response) -> Verdict:
        """What the answer means for each row: results come in the records' order."""
        if refused := answers.judge(response, part.rows):
            return refused
        body = answers.read(response)
        results = members.drop_results(body) if part.route == "drop" else body
        targets = packing.targets(part)
        if not isinstance(results, list):
            raise ValueError("results that are no list")
        if len(results) != len(targets):
            return Verdict()  # whose they are can't be told; all can be sent again
        ends: dict[int, list[Outcome | None]] = {}
        outcome: Outcome | None
        for (row, record_id), result in zip(targets, results, strict=True):
            told = result.get("id")
            by_id = part.route in ("update", "delete")
            if by_id and told not in (None, record_id):
                raise ValueError("results in another order than the records")
            if result["success"] is True:
                new_id = told if part.route == "upsert" else None
                outcome = Outcome(State.ACKNOWLEDGED, remote_id=new_id)
            else:
                outcome = answers.failure(row, result["errors"], by_id)
            ends.setdefault(row.seq, []).append(outcome)
        return Verdict(
            {
                seq: outcome
                for seq, outcomes in ends.items()
                if (outcome := answers.row_outcome(outcomes))
            }
        )

    def is_job(self, part: Part) -> bool:
        """A file is sent as a job."""
        return part.route.startswith(packing.BULK)

    def step(self, part: Part, job: Job) -> Request:
        """The request of a job's next step."""
        is_upload = job.step == "upload"
        content = packing.content_of(part, self.sync) if is_upload else b""
        return bulk.request(self._load(part), job, content)

    def advance(self, part: Part, job: Job, response: Response) -> Move:
        """What the answer to a step means."""
        return bulk.advance(self._load(part), job, response)

    def doubt(self, job: Job) -> Job:
        """Where to carry on with a job whose step may have been done unnoticed."""
        return bulk.doubt(job)

    def _load(self, part: Part) -> bulk.Load:
        return bulk.Load(
            base=self.base,
            object=self.sync.object,
            operation=part.route.removeprefix(packing.BULK),
            key_column=packing.key_column(part.route, self.sync),
            rows=part.rows,
            poll_seconds=float(self.sync.options.get("poll_seconds", bulk.FIRST_POLL)),
        )

    # Reading -----------------------------------------------------------------------

    def describe_requests(self) -> Sequence[Request]:
        """The request that describes the object."""
        return [Request("GET", f"{self.base}/sobjects/{self.sync.object}/describe")]

    def refuses(self, response: Response) -> Verdict | None:
        """What an answer means that does not describe the object."""
        is_told = response.status == 404  # there is no such object
        return None if is_told else answers.judge(response, ())

    def read_fields(self, responses: Sequence[Response]) -> Mapping[str, RemoteField]:
        """The fields by name; none if there is no such object."""
        return schema.read_fields(responses[0], self.sync)

    def lookup(self, keys: Sequence[str], fields: Sequence[str]) -> Request:
        """The request that reads records by match key."""
        return query.look_up(self.base, self.sync, keys, fields)

    def read_lookup(
        self, keys: Sequence[str], fields: Sequence[str], response: Response
    ) -> Mapping[str, RemoteRecord] | Verdict:
        """The records that there are, by our keys."""
        return query.read(self.sync, keys, fields, response)

    def quota(self, response: Response) -> Quota | None:
        """The day's requests, as told with each answer."""
        return answers.quota(response)

    # Set-up ------------------------------------------------------------------------

    def setup(self) -> Sequence[str]:
        """What an admin must do there first."""
        return setup_lines(self.sync, self.options.score_scale)


def check_sync(sync: Sync) -> None:
    """Make sure that a sync asks for nothing that can't be done here.

    Raises:
        BadInputError: it does.
    """
    paths = (
        ("object",),
        ("match", "field"),
        *(("fields", each) for each in sync.fields),
    )
    names = (sync.object, sync.match.field, *sync.fields)
    for path, name in zip(paths, names, strict=True):
        if not NAME.match(name):
            raise BadInputError(
                f"{at(sync, *path)}: {name} is no name of an object or field in "
                "Salesforce. It is the API name, such as Intent_Score__c."
            )
    if sync.mode is not Mode.UPDATE_ONLY and not sync.match.field.endswith("__c"):
        raise BadInputError(
            f"{at(sync, 'match')}: Salesforce creates records by an external id, and "
            f"{sync.match.field} is none. Set mode: update_only, or match a custom "
            "field that is an external id."
        )
    members.check(sync)


ADAPTER = Salesforce
