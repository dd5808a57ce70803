"""What time it is: the one place that runs ask, so that tests can move it."""

from collections.abc import Callable
from datetime import UTC, datetime


def system_clock() -> datetime:
    """The moment by the system's clock."""
    return datetime.now(UTC)


read_clock: Callable[[], datetime] = system_clock


def now() -> datetime:
    """The moment, in UTC."""
    return read_clock()


def utc_now() -> datetime:
    """The moment, as the ledger has it: UTC, without a zone."""
    return now().replace(tzinfo=None)
