"""What a destination is to the runner.

An adapter is a set of pure functions: it makes requests and reads answers, and never
touches the network, a clock or the ledger. It is made for one sync. The runner does the
rest, the same for all: rates, retries, splitting, tokens, jobs, commits.

A new destination is one adapter here, one stand-in server in `tests/python/standins`,
and one file in `syncs`; the conformance tests run all three.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, TypeVar

from intent.sync.agree import agrees
from intent.sync.model import (
    WRITES,
    Advice,
    Job,
    Limits,
    Move,
    Op,
    Part,
    Quota,
    RemoteField,
    RemoteRecord,
    Request,
    Response,
    Row,
    Verdict,
)
from intent.sync.secrets import Settings
from intent.sync.spec import Mode, Sync

SettingsT = TypeVar("SettingsT", bound=Settings)


class Adapter(ABC, Generic[SettingsT]):
    """One destination, for one sync.

    Raises of all functions that read answers: ValueError (json's is one) if the answer
    is none that the destination ever gives, such as an error page of a proxy with the
    status 200. The runner treats that as a failure of the server.
    """

    name: ClassVar[str]
    """As in the YAML of a sync: `destination: hubspot`."""
    settings: ClassVar[type[Settings]]
    """Where it is and its secrets, from the environment (`intent.sync.secrets`)."""
    hosts: ClassVar[Sequence[str]]
    """The hosts that may be spoken to, such as `api.hubapi.com` or
    `*.my.salesforce.com`. Besides, only loopback addresses are allowed, for tests."""
    channel: ClassVar[Literal["http", "files"]] = "http"
    """How it is spoken to: by HTTP, or by files put at `address`."""
    job_requests: ClassVar[int] = 1
    """As many requests as a job takes, if all goes well; for plans."""
    # These may depend on the sync: the class or the instance sets them.
    native_modes: frozenset[Mode]
    """Modes that the destination itself knows. For the others the runner reads the
    record first and skips what the mode does not allow."""
    native_leave: bool
    """True: a LEAVE can be sent as it is, and a record that is not there is not created
    by it. False: the runner reads the record first."""
    needs_remote_id: frozenset[Op] = frozenset()
    """Ops for which `Row.remote_id` must be known; the runner reads it if it is not."""
    once: frozenset[Op] = frozenset()
    """Ops, besides writes, that must not be sent twice: those in doubt are looked up
    first, as writes are where `Limits.settle_seconds` says so. See `has_done`."""

    def __init__(self, sync: Sync, settings: SettingsT, planned_at: datetime) -> None:
        """Make the adapter of one run of a sync, whose rows were planned at (UTC)."""
        self.sync = sync
        self.config = settings
        self.planned_at = planned_at

    @property
    @abstractmethod
    def address(self) -> str:
        """The address that paths are appended to, such as `https://api.hubapi.com`."""

    @property
    @abstractmethod
    def limits(self) -> Limits:
        """What the destination allows, for this sync."""

    # Authorisation -----------------------------------------------------------------

    def token_request(self) -> Request | None:
        """The request for a token; None if the secret itself authorises."""
        return None

    def read_token(self, response: Response) -> str | None:
        """The token in an answer; None if the credentials were refused."""
        raise NotImplementedError

    @abstractmethod
    def authorise(
        self, request: Request, token: str | None, now: datetime
    ) -> Mapping[str, str]:
        """The headers that authorise a request, which is sent now (UTC)."""

    def signed(self, request: Request, now: datetime) -> bytes:
        """The body of a request that is sent now (UTC).

        The default is as it was made. For those who are authorised in the body: so
        their secrets are in nothing that is kept or told.
        """
        del now
        return request.content

    # Writing -----------------------------------------------------------------------

    @abstractmethod
    def pack(self, rows: Iterable[Row]) -> Iterator[Part]:
        """Put rows together into parts, each as full as the destination allows.

        Takes the rows as they come, and yields a part as soon as it is full. All rows
        have the same phase. A row that alone is too large is a part of its own, whose
        `request` the runner never sends: see `refuse`.
        """

    def refuse(self, row: Row) -> str | None:
        """Why the destination would refuse this row, in words; None if it would not.

        For what only the adapter knows, such as the size of a row. Types, lengths,
        options and empty keys are checked for all destinations by the runner.
        """
        del row
        return None

    @abstractmethod
    def request(self, part: Part) -> Request:
        """The request that sends a part."""

    @abstractmethod
    def classify(self, part: Part, response: Response) -> Verdict:
        """What the answer to `request(part)` means for each of its rows."""

    def is_job(self, part: Part) -> bool:
        """True: the part is sent by the steps of a job, not by one request."""
        del part
        return False

    def requests_of(self, part: Part) -> int:
        """As many requests as a part takes, if all goes well; for plans."""
        return self.job_requests if self.is_job(part) else 1

    def step(self, part: Part, job: Job) -> Request:
        """The request of a job's next step.

        A step may be asked for twice: after a crash the runner can't know whether the
        request was answered.
        """
        raise NotImplementedError

    def doubt(self, job: Job) -> Job:
        """Where to carry on with a job whose step may have been done unnoticed.

        Asked after a crash, and when the answer to a step did not come. The default is
        to ask for the same step again.
        """
        return job

    def advance(self, part: Part, job: Job, response: Response) -> Move:
        """What the answer to `step(part, job)` means."""
        raise NotImplementedError

    # Reading -----------------------------------------------------------------------

    @abstractmethod
    def describe_requests(self) -> Sequence[Request]:
        """The requests that tell which fields there are; they also prove the token."""

    def refuses(self, response: Response) -> Verdict | None:
        """What an answer means that does not describe anything; None if it does.

        The default goes by the status.
        """
        if response.status == 401:
            return Verdict(advice=Advice.REAUTHORISE)
        if response.status == 403:
            return Verdict(
                advice=Advice.REFUSED,
                message=f"{self.name} refuses the credentials, or they lack a right "
                f"(403). See `intent sync setup {self.sync.name}`.",
            )
        is_passing = response.status == 429 or response.status >= 500
        return Verdict(advice=Advice.RESEND) if is_passing else None

    @abstractmethod
    def read_fields(
        self, responses: Sequence[Response]
    ) -> Mapping[str, RemoteField] | None:
        """The fields by name. None: the destination has no schema, and takes any.

        Raises:
            ValueError: an answer is no description.
        """

    lookup_rows: int = 0
    """Most keys in one look-up. 0: records can't be read back, as the destination has
    no way to, or none with the settings that were given."""

    def lookup(self, keys: Sequence[str], fields: Sequence[str]) -> Request:
        """The request that reads records by match key."""
        raise NotImplementedError

    def read_lookup(
        self, keys: Sequence[str], fields: Sequence[str], response: Response
    ) -> Mapping[str, RemoteRecord] | Verdict:
        """The records that there are, by our keys; or what else the answer means."""
        raise NotImplementedError

    def has_done(self, row: Row, record: RemoteRecord) -> bool:
        """A record shows that a row in doubt was done."""
        return agrees(row.values, record.values)

    def quota(self, response: Response) -> Quota | None:
        """What the headers of an answer say about the quota of the day."""
        del response
        return None

    # Set-up ------------------------------------------------------------------------

    @abstractmethod
    def setup(self) -> Sequence[str]:
        """What an admin must do there first, a line each: fields to create, rights."""


def needs_look_up(adapter: Adapter[Any], row: Row) -> bool:
    """The record of a row must be read before the row is sent."""
    if row.op in adapter.needs_remote_id and row.remote_id is None:
        return True
    if row.op is Op.LEAVE:
        return not adapter.native_leave and row.remote_id is None
    mode = adapter.sync.mode
    if row.op in WRITES and mode not in adapter.native_modes:
        return mode is Mode.CREATE_ONLY or row.remote_id is None
    return False
