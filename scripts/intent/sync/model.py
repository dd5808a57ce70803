"""What is sent, what is answered, and what comes of it.

A *row* is one thing to be told to a destination about one match key. Rows are packed
into *parts*, a part is one request or one asynchronous *job*, and each row ends with
one *outcome*.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

Value = str | int | float | bool | None
"""As JSON has it. A moment is text such as `2026-07-01T08:00:00Z`, a date
`2026-07-01`."""


class Op(StrEnum):
    """What a row asks for."""

    CREATE = "create"
    """Write the fields of a record that was never acknowledged by the destination."""
    UPDATE = "update"
    """Write the fields of a record that was."""
    LEAVE = "leave"
    """Unset the fields of a record that is no longer to be sent; never create it."""
    DELETE = "delete"
    """Delete the record: of an erased contact, then `values` is empty; or one that a
    mirror has no more, then `values` unsets its fields, as in LEAVE."""
    DROP = "drop"
    """Take the record from the list that `values["list"]` names."""
    JOIN = "join"
    """Put the record on the list that `values["list"]` names."""
    EVENT = "event"
    """Tell that the segment changed: `values` has `from`, `to` and `at`."""


WRITES = (Op.CREATE, Op.UPDATE)
RECORD_OPS = (Op.CREATE, Op.UPDATE, Op.LEAVE, Op.DELETE)
PHASES = {
    **dict.fromkeys(RECORD_OPS, 1),
    Op.DROP: 2,
    Op.JOIN: 3,
    Op.EVENT: 3,
}
"""A row is sent when the rows of its key in earlier phases are acknowledged."""
MOVED_PHASE = 4
"""The one of LEAVE and DELETE where the contact has another key now: by then we know
whether that is the same record over there."""


class State(StrEnum):
    """How a row ended."""

    ACKNOWLEDGED = "acknowledged"
    """The destination said that it has it."""
    REJECTED = "rejected"
    """The destination, or our own check before, refused it for a reason."""
    DEFERRED = "deferred"
    """Not sent yet: the quota is used up, the destination is down, or we were stopped.
    The next run plans it anew."""
    SKIPPED = "skipped"
    """Nothing was to be done: no such record in `update_only`, or one in
    `create_only`, or a refused row whose time to try again has not come."""
    IN_DOUBT = "in doubt"
    """It was sent and nothing was answered. The next run settles it first."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to be told about one match key."""

    seq: int
    op: Op
    key: str
    """The match key, as the destination knows the record."""
    values: Mapping[str, Value]
    """Field of the destination -> value; None unsets it. Fields to be kept as they are
    are left out. The match field is not among them."""
    event_id: str | None = None
    """Of an EVENT, the same however often it is sent."""
    remote_id: str | None = None
    """The destination's own id of the record, where it told us."""
    changed: frozenset[str] | None = None
    """Of an UPDATE, the fields that the destination may have otherwise; None: any."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one row ended, for now."""

    state: State
    code: str = ""
    """A short name of the reason, the destination's own where it has one."""
    field: str = ""
    """The destination's field that is at fault, if it says so."""
    message: str = ""
    """The destination's words. The ledger keeps them without the row's values."""
    remote_id: str | None = None


ACKNOWLEDGED = Outcome(State.ACKNOWLEDGED)


class Advice(StrEnum):
    """What the runner is to do with the rows of a part that have no outcome."""

    RESEND = "resend"
    """Send them again, after `wait` seconds, or after a pause that grows each time."""
    SPLIT = "split"
    """One of them spoils the others: send each half on its own, down to the one."""
    REAUTHORISE = "reauthorise"
    """Get a new token, once for all workers, and send them again."""
    STOP = "stop"
    """The quota of the day is used up: defer these and all that follow."""
    REFUSED = "refused"
    """The credentials are no good: stop, and tell the user."""
    IN_DOUBT = "in doubt"
    """They may have been applied, and may not."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means."""

    outcomes: Mapping[int, Outcome] = field(default_factory=dict)
    """By `Row.seq`. Rows that the answer does not mention must not be here: they are
    unknown, and are treated as `advice` says."""
    advice: Advice = Advice.RESEND
    wait: float | None = None
    """Seconds to wait before sending again, where the destination says so."""
    message: str = ""
    """For STOP and REFUSED: what to tell the user."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request, without its authorisation."""

    method: str
    path: str
    """From the destination's address on, with the query. No personal data in it, unless
    the destination takes it nowhere else: it is neither logged nor kept by us."""
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    units: int = 1
    """How much of the rate windows that count rows it takes; windows that count
    requests take 1."""
    lane: str = "write"
    """The rate windows that it falls under: `Limits.windows` by lane."""
    host: str = ""
    """Another address than the usual one, such as a token's; '' is the usual one."""
    authorised: bool = True
    """False for requests that carry no token, such as the one for a token."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, whole."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that go together in one request or job."""

    rows: Sequence[Row]
    route: str = ""
    """An adapter's own name for the kind of request, such as `upsert` or `delete`."""
    content: bytes = b""
    """The body, where packing had to make it anyway to know its size. A part that is
    made anew from the ledger, after a crash in the middle of a job, has none: it is
    to be made again from the rows."""
    name: str = ""
    """The runner's name for it, the same after a crash: run and number."""


@dataclass(frozen=True, slots=True)
class Job:
    """Where an asynchronous job of the destination stands; the ledger keeps it."""

    step: str = "start"
    """The step that is to be done next; `done` is the last."""
    vendor_id: str = ""
    """The destination's id of the job, once it has one."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else the adapter needs to carry on after a crash; no secrets."""

    def at(self, step: str, **changes: Any) -> "Job":
        """The job at another step."""
        return replace(self, step=step, **changes)


@dataclass(frozen=True, slots=True)
class Move:
    """What an answer within a job means: where the job stands, which rows ended."""

    job: Job
    verdict: Verdict = field(default_factory=Verdict)
    """Outcomes so far. When the job is `done`, rows without one are treated as the
    advice says; before, only REAUTHORISE, STOP and REFUSED are looked at, and RESEND
    with a job that did not move asks for the same step again."""
    wait: float = 0.0
    """Seconds before the next step, such as between two looks at a job's state."""


@dataclass(frozen=True, slots=True)
class Window:
    """A limit: so many in so many seconds, in any such span of time."""

    count: int
    seconds: float
    counts_rows: bool = False
    """True: it counts `Request.units`; False: requests."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a destination allows. The adapter names the source beside each number."""

    rows: int
    """Most rows in one part."""
    size: int
    """Most bytes in the body of one part."""
    windows: Mapping[str, Sequence[Window]] = field(default_factory=dict)
    """By lane of requests."""
    concurrent: int = 8
    """Requests in flight at once."""
    jobs_at_once: int = 2
    requests_a_day: int | None = None
    settle_seconds: float | None = None
    """Where a request that timed out must not simply be sent again, as the destination
    would create the record twice: how long to wait before looking it up. None: it can
    be sent again at once."""
    row_size: int | None = None
    """Most bytes of one row."""


@dataclass(frozen=True, slots=True)
class RemoteField:
    """A field that the destination has."""

    name: str
    kinds: frozenset[str] | None = None
    """The types of ours (`spec.FieldType`) that it takes; None: any."""
    options: frozenset[str] | None = None
    """The values of an enumeration."""
    max_length: int | None = None
    is_writable: bool = True
    is_unique: bool = False
    """It can be the match field."""


@dataclass(frozen=True, slots=True)
class RemoteRecord:
    """A record as the destination has it."""

    remote_id: str
    values: Mapping[str, Value]
    """In our form, as `Row.values`; only the fields that were asked for."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of the day's requests is used, as the destination says."""

    used: int
    limit: int
