"""What can go wrong for a user, and the exit codes that scripts can use."""

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the `intent` command."""

    OK = 0
    FAILED = 1
    """A build, test or check ran and said no."""
    USAGE = 2
    """The command line is wrong (typer's own code)."""
    BAD_INPUT = 3
    """A file, rule sheet or mapping can't be used."""
    UNAVAILABLE = 4
    """A place can't be read or written: locked, missing, full."""
    REFUSED = 5
    """A destination refused the credentials."""
    DEFERRED = 6
    """Rows are left for the next run: the day's quota is used up, or the destination is
    down."""
    GUARD = 7
    """A guard stopped a sync or a publish before anything was sent or written."""
    GATE = 8
    """The gate of an evaluation: a score can't be relied on."""


BY_WEIGHT = (
    ExitCode.OK,
    ExitCode.DEFERRED,
    ExitCode.UNAVAILABLE,
    ExitCode.FAILED,
    ExitCode.GATE,
    ExitCode.GUARD,
    ExitCode.USAGE,
    ExitCode.BAD_INPUT,
    ExitCode.REFUSED,
)
"""From what mends itself to what only a person can mend."""


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The code that stands for several: the one that asks most of the user."""
    return max(codes, key=BY_WEIGHT.index, default=ExitCode.OK)


class IntentError(Exception):
    """A fault to be shown to the user as it stands, without a traceback.

    The message says what is wrong, where, and what to do.
    """

    exit_code = ExitCode.FAILED


class BadInputError(IntentError):
    """A file, rule sheet or mapping can't be used."""

    exit_code = ExitCode.BAD_INPUT


class UnavailableError(IntentError):
    """A place can't be read or written: locked, missing, full."""

    exit_code = ExitCode.UNAVAILABLE


class DeferredError(UnavailableError):
    """Nothing can be done now that the next run could not do: the quota is used up."""

    exit_code = ExitCode.DEFERRED


class LockedError(UnavailableError):
    """Another process has the ledger or the warehouse open."""


class RefusedError(IntentError):
    """A destination refused the credentials."""

    exit_code = ExitCode.REFUSED


class GuardError(IntentError):
    """A guard stopped a sync or a publish before anything was sent or written."""

    exit_code = ExitCode.GUARD


class GateError(IntentError):
    """The gate of an evaluation: a score can't be relied on."""

    exit_code = ExitCode.GATE


class StoppedError(IntentError):
    """A command was stopped before it had done its work."""

    exit_code = ExitCode.DEFERRED
