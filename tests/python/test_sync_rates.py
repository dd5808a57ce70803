"""Rate limits: never one request too many, and hardly one too few."""

import asyncio
import random
import selectors
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intent.sync.model import Window
from intent.sync.rates import SLACK, RateLimiter, Ticket


class _Skipping(selectors.DefaultSelector):
    """Lets the time of its loop jump instead of waiting."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("everybody waits for ever")
        if not ready and timeout:
            self.loop.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time."""

    def __init__(self) -> None:
        selector = _Skipping()
        self.now = 1000.0
        super().__init__(selector)
        selector.loop = self

    def time(self) -> float:
        return self.now


def simulate(main: Callable[[VirtualLoop], Awaitable[None]]) -> None:
    loop = VirtualLoop()
    try:
        loop.run_until_complete(asyncio.wait_for(main(loop), 1e6))
    finally:
        loop.close()


def most_in_any_span(arrivals: Sequence[tuple[float, int]], window: Window) -> int:
    """What a server sees at most in any span, both of whose ends count."""
    ordered = sorted(arrivals)
    times = [at for at, _ in ordered]
    sums = [0]
    for _, units in ordered:
        sums.append(sums[-1] + (units if window.counts_rows else 1))
    return max(
        sums[bisect_right(times, at + window.seconds)] - sums[index]
        for index, at in enumerate(times)
    )


async def flood(
    loop: VirtualLoop,
    limiter: RateLimiter,
    units: Sequence[int],
    travel: Callable[[], tuple[float, float]],
    workers: int,
) -> list[tuple[float, int]]:
    """Send requests as fast as allowed; the moments at which they arrive."""
    arrivals: list[tuple[float, int]] = []
    waiting = list(reversed(units))

    async def work() -> None:
        while waiting:
            mine = waiting.pop()
            ticket = await limiter.acquire(mine)
            there, back = travel()
            arrivals.append((loop.time() + there, mine))
            await asyncio.sleep(there + back)
            ticket.answered()

    await asyncio.gather(*(work() for _ in range(workers)))
    return arrivals


WINDOWS = st.lists(
    st.builds(
        Window,
        count=st.integers(1, 60),
        seconds=st.sampled_from([1.0, 3.0, 10.0, 20.0, 60.0]),
        counts_rows=st.booleans(),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=60, deadline=None)
@given(
    windows=WINDOWS,
    requests=st.integers(1, 300),
    most_units=st.integers(1, 20),
    workers=st.integers(1, 40),
    base=st.floats(0, 0.5),
    slowest_back=st.floats(0, 5),
    seed=st.integers(0, 2**32),
)
def test_a_strict_server_never_sees_too_many(
    windows: list[Window],
    requests: int,
    most_units: int,
    workers: int,
    base: float,
    slowest_back: float,
    seed: int,
) -> None:
    chance = random.Random(seed)  # noqa: S311 # the same every time
    jitter = min(window.seconds for window in windows) * SLACK
    most_units = min([most_units, *(w.count for w in windows if w.counts_rows)])
    units = [chance.randint(1, most_units) for _ in range(requests)]

    def travel() -> tuple[float, float]:
        return base + chance.random() * jitter, chance.random() * slowest_back

    async def main(loop: VirtualLoop) -> None:
        limiter = RateLimiter(windows, clock=loop.time)
        arrivals = await flood(loop, limiter, units, travel, workers)
        assert len(arrivals) == requests
        for window in windows:
            assert most_in_any_span(arrivals, window) <= window.count

    simulate(main)


@pytest.mark.parametrize(
    "window", [Window(1000, 1.0), Window(190, 10.0), Window(100, 20.0)]
)
@pytest.mark.parametrize("slowest", [0.05, 1.0])
def test_it_is_nearly_as_fast_as_allowed(window: Window, slowest: float) -> None:
    chance = random.Random(1)  # noqa: S311 # the same every time

    def travel() -> tuple[float, float]:
        return 0.0, slowest * (1 if slowest < 1 else chance.random())

    async def main(loop: VirtualLoop) -> None:
        started = loop.time()
        limiter = RateLimiter([window], clock=loop.time)
        units = [1] * (window.count * 40)
        sent = await flood(loop, limiter, units, travel, workers=window.count * 2)
        # The 40th window's worth begins when 39 windows are over.
        took = max(at for at, _ in sent) - started
        assert (0.97 if slowest < 1 else 0.95) < window.seconds * 39 / took <= 1

    simulate(main)


def test_those_who_came_first_go_first() -> None:
    async def main(loop: VirtualLoop) -> None:
        limiter = RateLimiter([Window(5, 1.0, counts_rows=True)], clock=loop.time)
        order: list[int] = []

        async def send(number: int, units: int) -> None:
            await limiter.acquire(units)
            order.append(number)

        sizes = [5, 5, 1, 4, 2, 5, 1]
        await asyncio.gather(*(send(*each) for each in enumerate(sizes)))
        assert order == list(range(len(sizes)))

    simulate(main)


def test_one_that_gives_up_takes_no_place_and_holds_nobody_up() -> None:
    async def main(loop: VirtualLoop) -> None:
        limiter = RateLimiter([Window(1, 10.0)], clock=loop.time)
        started = loop.time()
        (await limiter.acquire()).answered()
        waiting = [asyncio.ensure_future(limiter.acquire()) for _ in range(5)]
        await asyncio.sleep(1)
        for each in waiting[:4]:
            each.cancel()
        await waiting[4]
        assert 10 < loop.time() - started < 10.5

    simulate(main)


def test_a_request_larger_than_the_window_has_it_to_itself() -> None:
    async def main(loop: VirtualLoop) -> None:
        limiter = RateLimiter([Window(10, 1.0, counts_rows=True)], clock=loop.time)
        started = loop.time()
        for units in (1, 25, 1):
            (await limiter.acquire(units)).answered()
        assert 2 < loop.time() - started < 2.1

    simulate(main)


def test_requests_of_a_process_before_count() -> None:
    async def main(loop: VirtualLoop) -> None:
        window = Window(3, 10.0)
        seed = [(2.0, 1), (9.0, 1), (600.0, 1), (0.5, 1)]
        limiter = RateLimiter([window], seed, clock=loop.time)
        started = loop.time()
        waits = []
        for _ in range(3):
            (await limiter.acquire()).answered()
            waits.append(loop.time() - started)
        # Each may have arrived as late as the slack allows.
        assert waits == pytest.approx([1.5, 8.5, 10.0], abs=0.01)

    simulate(main)


def test_nobody_sends_in_a_pause() -> None:
    async def main(loop: VirtualLoop) -> None:
        limiter = RateLimiter([Window(100, 1.0)], clock=loop.time)
        started = loop.time()
        early = asyncio.ensure_future(limiter.acquire())
        await asyncio.sleep(0)
        assert early.done()
        await limiter.pause(30.0)
        await limiter.pause(5.0)
        assert loop.time() == started
        await asyncio.gather(*(limiter.acquire() for _ in range(50)))
        assert loop.time() - started == pytest.approx(30.0)

    simulate(main)


def test_a_pause_holds_for_those_who_wait_already() -> None:
    async def main(loop: VirtualLoop) -> None:
        limiter = RateLimiter([Window(1, 1.0)], clock=loop.time)
        started = loop.time()
        (await limiter.acquire()).answered()
        waiting = asyncio.ensure_future(limiter.acquire())
        await asyncio.sleep(0.5)
        await limiter.pause(10.0)
        await waiting
        assert loop.time() - started == pytest.approx(10.5)

    simulate(main)


def test_without_windows_nobody_waits() -> None:
    async def main(loop: VirtualLoop) -> None:
        limiter = RateLimiter([], clock=loop.time)
        started = loop.time()
        tickets: list[Ticket] = [await limiter.acquire(10**6) for _ in range(1000)]
        for ticket in tickets:
            ticket.answered()
        assert loop.time() == started

    simulate(main)


def test_places_that_are_free_again_are_forgotten() -> None:
    async def main(loop: VirtualLoop) -> None:
        limiter = RateLimiter([Window(10, 1.0)], clock=loop.time)
        for _ in range(1000):
            (await limiter.acquire()).answered()
        assert len(limiter._logs[0].places) <= 10

    simulate(main)
