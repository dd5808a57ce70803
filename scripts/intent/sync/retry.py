"""When to send again, and when to stop: decisions only, nobody waits here."""

import random
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_PAUSE = 1.0
"""Seconds before sending again, at most; most faults of a server are over by then."""
LONGEST_PAUSE = 60.0
"""Seconds: longer pauses save nothing, as a server that is down for longer opens the
breaker."""
LONGEST_WAIT = 300.0
"""Seconds that a destination may make us wait. If it wants more, the rows are left for
the next run: better than a process that sleeps for an hour."""
TRIES = 6
"""How often a part is sent before its rows are left for the next run: with the pauses
between them, up to half a minute of trouble with this one part."""
FAILURES_IN_A_ROW = 20
"""Failures of the server, without one success between them by any worker, after which
it is taken to be down. More than there are workers, so that one dropped connection for
each of them is not enough."""

WAIT_HEADERS = ("retry-after", "x-ratelimit-retry-after")
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]+)?")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """How many seconds an answer asks us to wait; None if it does not say.

    Args:
        headers: of the answer, their names in lower case.
        now: UTC; the header may hold a date.
    """
    waits = [
        wait
        for name in WAIT_HEADERS
        if (wait := _wait(headers.get(name, "").strip(), now)) is not None
    ]
    return max(waits, default=None)


def _wait(text: str, now: datetime) -> float | None:
    """Seconds, or a date as HTTP writes it; None if it is neither."""
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)


def backoff(attempt: int, chance: Callable[[], float] = random.random) -> float:
    """How many seconds to wait after a failure, if the destination does not say.

    The pauses double, and each is a random share of that, so that workers that failed
    together don't come back together.

    Args:
        attempt: how many failed in a row, from 1.
        chance: gives numbers from 0 to 1.
    """
    doublings = min(max(attempt, 1) - 1, 30)
    return min(FIRST_PAUSE * 2.0**doublings, LONGEST_PAUSE) * chance()


class Breaker:
    """Tells when a destination is down, so that nobody knocks at it any more.

    Failures are those of the server: not reached, or a status of 500 and above. An
    answer of any other kind shows that it works.
    """

    def __init__(self, failures: int = FAILURES_IN_A_ROW) -> None:
        """Make one for all workers together, which opens after so many failures."""
        self._allowed = failures
        self._failures = 0

    def failed(self) -> None:
        """Note that the server failed."""
        self._failures += 1

    def succeeded(self) -> None:
        """Note that the server works."""
        if not self.is_open:
            self._failures = 0

    @property
    def is_open(self) -> bool:
        """The destination is down: send nothing more in this run."""
        return self._failures >= self._allowed
