"""What the commands of a sync come to, for people and machines."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from intent.errors import ExitCode


@dataclass(frozen=True)
class Sample:
    """A row that would be sent, with its personal data masked."""

    op: str
    key: str
    changed: Sequence[str]
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What a run would do."""

    sync: str
    destination: str
    object: str
    mode: str
    as_of: datetime | None
    source_rows: int
    """Contacts that may be sent, before rows are compared."""
    without_key: int
    """Contacts besides that have no match key, such as an email."""
    unchanged: int
    by_op: Mapping[str, int]
    """Rows to be sent by `model.Op`; those refused or held back are not among them."""
    refused: Mapping[str, int]
    """Rows that our own checks refuse, by reason."""
    held_back: int
    """Rows that were refused before and whose time to try again has not come."""
    requests: int
    requests_a_day: int | None
    requests_used: int
    """Of the day's quota, as far as known."""
    minutes: float
    """At the rate that the destination allows."""
    guards: Sequence[str] = ()
    """What would stop the run, in words, each begun by the guard's name."""
    unfinished: str = ""
    """The run before that died or was stopped, in words."""
    sample: Sequence[Sample] = ()

    @property
    def planned(self) -> int:
        """Rows that a run would account for."""
        return sum(self.by_op.values()) + sum(self.refused.values()) + self.held_back

    def as_json(self) -> dict[str, Any]:
        """The plan as plain data."""
        return {**asdict(self), "planned": self.planned}


@dataclass(frozen=True)
class RunResult:
    """What a run came to. planned = the five states together, always."""

    run_id: str
    sync: str
    destination: str
    state: str
    """As in the ledger's `runs`: done, stopped."""
    finished_at: datetime | None = None
    planned: int = 0
    acknowledged: int = 0
    rejected: int = 0
    deferred: int = 0
    skipped: int = 0
    in_doubt: int = 0
    unchanged: int = 0
    without_key: int = 0
    """Contacts besides that have no match key."""
    requests: int = 0
    seconds: float = 0.0
    reason: str = ""
    """Why it was stopped, in words."""
    rejections: Mapping[str, int] = field(default_factory=dict)
    """Rejected rows by code."""
    skips: Mapping[str, int] = field(default_factory=dict)
    """Skipped rows by code."""

    @property
    def exit_code(self) -> ExitCode:
        """0 if all was acknowledged or skipped, else what is to be told to scripts."""
        if self.deferred or self.in_doubt:
            return ExitCode.DEFERRED
        return ExitCode.FAILED if self.rejected else ExitCode.OK

    def as_json(self) -> dict[str, Any]:
        """The result as plain data."""
        return {**asdict(self), "exit_code": int(self.exit_code)}


@dataclass(frozen=True)
class SettingState:
    """A setting of a destination, and if it is set; never its value."""

    variable: str
    description: str
    is_required: bool
    is_secret: bool
    found: str
    """Where it is set: environment, file, keyring; '' if nowhere."""


@dataclass(frozen=True)
class SetUp:
    """What is to be done before the first run of a sync."""

    sync: str
    destination: str
    object: str
    steps: Sequence[str]
    """What an admin must do over there, a line each."""
    settings: Sequence[SettingState]

    @property
    def is_set(self) -> bool:
        """True if all settings that are required are set."""
        return all(each.found for each in self.settings if each.is_required)

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Finding:
    """One thing that a check found."""

    what: str
    """credentials, object, match field, or the name of a field."""
    ok: bool
    message: str
    line: int | None = None
    """Of the sync's file."""


@dataclass(frozen=True)
class Rejection:
    """A row that a destination refused, without personal data."""

    sync: str
    row_id: str | None
    op: str
    code: str
    field: str | None
    message: str | None
    tries: int
    first_at: datetime
    next_try_at: datetime


@dataclass(frozen=True)
class Drift:
    """How a destination differs from what it acknowledged."""

    sync: str
    compared: int
    same: int
    missing: int
    """Records that are not there any more."""
    by_field: Mapping[str, int]
    """Records whose field has another value than it acknowledged."""
    row_ids: Sequence[str]
    """Some of the rows concerned."""

    def as_json(self) -> dict[str, Any]:
        """The drift as plain data."""
        return asdict(self)
