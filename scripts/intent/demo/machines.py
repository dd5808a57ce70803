"""Robots in the shop: some say what they are, some look like any browser."""

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import DAY, Columns, concat, take
from intent.demo.dirt import Dirt
from intent.demo.play import NO_EVENT_DETAIL
from intent.demo.web import BROWSERS, Web
from intent.demo.world import World

BOT_SHARE = 0.045
"""Events of robots per event of people, at least one run."""
VIEWS_PER_RUN = 120
BOT_PAUSE = (300, 1500)  # ms
BOTS_WITH_ACCOUNT = 0.03
"""Runs that come through a customer's login: price watchers and the like."""
BOT_AGENTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " HeadlessChrome/138.0.0.0 Safari/537.36",
    "python-requests/2.32.4",
)

BURST_SHARE = 0.015
"""Events of scrapers with a browser's user agent per event of people."""
VIEWS_PER_BURST = (30, 90)
BURST_PAUSE = (200, 900)  # ms
BURSTS_WITH_ACCOUNT = 0.33


def robots(rng: np.random.Generator, world: World) -> Columns:
    """All runs of robots, with the columns of the world's web events and `dirt`."""
    events = len(world.web["at"])
    bots = max(1, round(events * BOT_SHARE / (VIEWS_PER_RUN + 1)))
    bursts = max(1, round(events * BURST_SHARE / np.mean(VIEWS_PER_BURST)))
    agents = len(BROWSERS) + rng.integers(0, len(BOT_AGENTS), bots)
    runs = {
        "views": np.concatenate(
            [rng.poisson(VIEWS_PER_RUN, bots), rng.integers(*VIEWS_PER_BURST, bursts)]
        ),
        "agent": np.concatenate([agents, rng.integers(0, len(BROWSERS), bursts)]),
        "dirt": np.repeat([Dirt.BOT, Dirt.BURST], [bots, bursts]),
        "with_account": np.repeat(
            [BOTS_WITH_ACCOUNT, BURSTS_WITH_ACCOUNT], [bots, bursts]
        ),
    }
    return _play(rng, world, runs)


def with_robots(world: World, robots_: Columns) -> Columns:
    """The world's web events and those of robots, with their dirt so far."""
    people = {**world.web, "dirt": np.zeros(len(world.web["at"]), np.int32)}
    return concat([people, {name: robots_[name] for name in people}])


def _play(rng: np.random.Generator, world: World, runs: Columns) -> Columns:
    """The events of runs."""
    calendar = world.calendar
    count = len(runs["views"])
    run = np.repeat(np.arange(count), runs["views"] + 1)
    n = len(run)
    opening = np.concatenate([[True], run[1:] != run[:-1]])
    is_burst = runs["dirt"][run] == Dirt.BURST
    pause = np.where(
        is_burst, rng.integers(*BURST_PAUSE, n), rng.integers(*BOT_PAUSE, n)
    )
    clock = np.cumsum(pause)
    start = calendar.start + rng.integers(0, calendar.days * DAY, count)
    at = start[run] + clock - clock[opening][run]
    number = _accounts(rng, world, runs["with_account"])[run]
    product = rng.integers(0, len(world.catalogue.prices), n)
    nothing = np.full(n, NO_EVENT_DETAIL)
    events = {
        **dict.fromkeys(world.web, nothing),
        "kind": np.where(opening, Web.SESSION_STARTED, Web.PRODUCT_VIEWED),
        "session": world.sessions + run,
        "at": at,
        "number": number,
        "cookie": len(world.cookie_owner) + run,
        "lent": np.zeros(n, bool),
        "agent": runs["agent"][run],
        "country": np.zeros(n, np.int8),
        "referrer": np.zeros(n, np.int8),
        "product": np.where(opening, NO_EVENT_DETAIL, product),
        "quantity": np.full(n, np.nan),
        "value": np.full(n, np.nan),
        "dwell": np.full(n, np.nan),
        "with_account": number >= 0,
    }
    typed = {name: events[name].astype(world.web[name].dtype) for name in world.web}
    typed["dirt"] = runs["dirt"][run].astype(np.int32)
    return take(typed, at < calendar.end)


def _accounts(
    rng: np.random.Generator, world: World, share: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The contact through whose account each run comes, or -1."""
    traits = world.contacts
    members = np.flatnonzero(traits["old_account"] & (traits["staff"] == 0))
    if not len(members):
        return np.full(len(share), -1)
    through = rng.random(len(share)) < share
    return np.where(through, rng.choice(members, len(share)), -1)
