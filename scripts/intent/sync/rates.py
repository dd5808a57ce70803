"""Keeps to a destination's rate limits exactly, and as close to them as can be.

A limit is so many requests, or rows, in any span of so many seconds, as the server
counts them: when they arrive. We only know that a request arrives after it was sent and
before it was answered. So a request sent at `s` and answered at `r` holds its place
until `min(r, s + slack) + seconds`: the slack, a small share of the window, bounds what
slow answers cost. A server that counts strictly never sees too many, as long as the
time that requests take to get there differs by less than the slack.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from intent.sync.model import Window

SLACK = 0.03
"""Of a short window: what is left is 97 % of the documented rate at worst."""
LONG_SLACK, LONG_SECONDS = 0.05, 5.0
"""In long windows answers cost next to nothing, so that they may come later before they
are thought lost, as those of a busy machine do."""
MARGIN = 0.0001
"""Seconds; a server may count both ends of a span."""


@dataclass(slots=True)
class _Place:
    """What one request takes of one window."""

    cost: int
    sent: float
    free_at: float


@dataclass(slots=True)
class _Log:
    """The places that are taken in one window, in the order in which they were.

    A place is only given back when those before it are: this loses nothing beyond the
    slack, and the first place tells how long to wait.
    """

    window: Window
    places: deque[_Place] = field(default_factory=deque)
    taken: int = 0

    def cost(self, units: int) -> int:
        """What a request takes; one that is larger than the window takes all of it."""
        wanted = units if self.window.counts_rows else 1
        return min(wanted, self.window.count)

    def take(self, units: int, sent: float) -> _Place:
        """Take a place for a request that is sent now, or was before."""
        seconds = self.window.seconds
        slack = LONG_SLACK if seconds >= LONG_SECONDS else SLACK
        latest = sent + seconds * (1 + slack) + MARGIN
        place = _Place(self.cost(units), sent, latest)
        self.places.append(place)
        self.taken += place.cost
        return place

    def answered(self, place: _Place, now: float) -> None:
        """Give a place back sooner, as we know now when its request arrived."""
        place.free_at = min(place.free_at, now + self.window.seconds + MARGIN)

    def delay(self, units: int, now: float) -> float:
        """How long to wait before looking again; 0 if there is a place.

        A place may yet be given back sooner than it seems now, but not sooner than
        `seconds` after it was sent.
        """
        while self.places and self.places[0].free_at <= now:
            self.taken -= self.places.popleft().cost
        if self.taken + self.cost(units) <= self.window.count:
            return 0.0
        first = self.places[0]
        earliest = first.sent + self.window.seconds
        return (earliest if earliest > now else first.free_at) - now


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to send one request now."""

    _places: Sequence[tuple[_Log, _Place]]
    _clock: Callable[[], float]

    def answered(self) -> None:
        """Tell that the request was answered, or failed."""
        now = self._clock()
        for log, place in self._places:
            log.answered(place, now)


class RateLimiter:
    """Lets requests through one after the other, in the order in which they came."""

    def __init__(
        self,
        windows: Iterable[Window],
        seed: Iterable[tuple[float, int]] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a limiter for a lane of requests.

        Args:
            windows: all of them hold at once.
            seed: requests that were sent by a process before: the seconds since, and
                their units.
            clock: seconds that never go back.
        """
        self._clock = clock
        self._logs = [_Log(window) for window in windows]
        self._turn = asyncio.Lock()
        now = clock()
        self._not_before = now
        for age, units in sorted(seed, reverse=True):
            for log in self._logs:
                log.take(units, now - max(age, 0.0))

    async def acquire(self, units: int = 1) -> Ticket:
        """Wait until a request may be sent; it must be sent at once."""
        async with self._turn:
            while (delay := self._delay(units)) > 0:
                await asyncio.sleep(delay)
            now = self._clock()
            return Ticket(
                [(log, log.take(units, now)) for log in self._logs], self._clock
            )

    async def pause(self, seconds: float) -> None:
        """Let nobody send before so many seconds are over; does not wait itself."""
        self._not_before = max(self._not_before, self._clock() + seconds)

    def _delay(self, units: int) -> float:
        now = self._clock()
        delays = [log.delay(units, now) for log in self._logs]
        return max([self._not_before - now, *delays])
