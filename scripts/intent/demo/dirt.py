"""How tools record the world: with delays, repetitions, gaps and machines.

Each row bears at most one kind of dirt, besides an untidy email, so that what was
planted can be counted and found again.
"""

from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Columns,
    Stream,
    concat,
    random_stream,
    take,
)
from intent.demo.mail import MAIL_NAMES, Machine
from intent.demo.visits import BROWSERS, EMAIL_EVENTS, NO_EVENT_DETAIL, WEB_NAMES, Web
from intent.demo.world import World


class Dirt(IntFlag):
    """Kinds of dirt; a row's `dirt` is the sum of its kinds."""

    DUPLICATE = 1
    """The same event id delivered again, later, possibly in another file."""
    LATE = 2
    """Received days after it happened."""
    FUTURE = 4
    """Happened more than 5 minutes after it was received: a wrong clock."""
    BOT = 8
    """Robots that look at many products within minutes."""
    MAIL_PRIVACY_OPEN = 16
    """Opened by a privacy proxy, not by the person."""
    LINK_SCANNER = 32
    """Opened and clicked by a company's mail scanner."""
    MISSING_IDENTIFIER = 64
    """Nothing says who it was."""
    UNKNOWN_NAME = 128
    """An event name that nobody listed."""
    NEGATIVE_QUANTITY = 256
    """Fewer than no pieces."""
    MISSING_TIME = 512
    """No time of the event."""
    UNTIDY_EMAIL = 1024
    """An email in capitals or between blanks."""
    SUPERSEDED = 2048
    """An older version of a record of which a newer one was written too."""


@dataclass(frozen=True)
class Shares:
    """Shares of a table's rows that bear each kind of dirt."""

    late: float = 0.010
    future: float = 0.002
    missing_identifier: float = 0.002
    unknown_name: float = 0.003
    missing_time: float = 0.001
    duplicate: float = 0.010
    untidy_email: float = 0.030
    """Of the rows that carry an email."""
    negative_quantity: float = 0.005
    """Of the rows that carry a quantity."""


WEB_SHARES = Shares()
IDENTIFY_SHARES = Shares(unknown_name=0, missing_identifier=0)
EMAIL_SHARES = Shares(late=0.005)

BOT_SHARE = 0.05
"""Events of robots per event of people, at least one burst."""
VIEWS_PER_BURST = 120
BOTS_WITH_ACCOUNT = 0.03
"""Bursts that come through a customer's login: price watchers and the like."""
BOT_AGENTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " HeadlessChrome/138.0.0.0 Safari/537.36",
    "python-requests/2.32.4",
)
UNKNOWN_WEB_NAMES = ("Video Watched", "product_viewed", "Experiment Viewed")
UNKNOWN_EMAIL_NAMES = ("Forwarded Email", "Dropped Email")

LATE_AFTER = (DAY, 10 * DAY)
FUTURE_BY = (10 * MINUTE, 36 * HOUR)
AGAIN_AFTER = (MINUTE, 3 * DAY)


def record_web(world: World, seed: int) -> Columns:
    """The rows of web/events: the world's events and robots, as recorded."""
    rng = random_stream(seed, Stream.DIRT_WEB)
    events = dict(world.web)
    events["dirt"] = np.zeros(len(events["at"]), np.int16)
    bots = _bots(random_stream(seed, Stream.BOTS), world)
    events = concat([events, {name: bots[name] for name in events}])
    tells = np.isin(events["kind"], EMAIL_EVENTS)
    events["shows_email"] = tells & (events["number"] >= 0)
    delay = rng.integers(200, 5 * SECOND, len(events["at"]))
    names = (len(WEB_NAMES), len(UNKNOWN_WEB_NAMES))
    return _plant(rng, world, events, delay, (WEB_SHARES, names))


def record_identifies(world: World, seed: int) -> Columns:
    """The rows of web/identifies."""
    rng = random_stream(seed, Stream.DIRT_IDENTIFIES)
    rows = dict(world.identifies)
    n = len(rows["at"])
    rows["dirt"] = np.zeros(n, np.int16)
    rows["shows_email"] = np.ones(n, bool)
    delay = rng.integers(200, 5 * SECOND, n)
    return _plant(rng, world, rows, delay, (IDENTIFY_SHARES, (0, 1)))


def record_email(world: World, seed: int) -> Columns:
    """The rows of email/events; times are whole seconds."""
    rng = random_stream(seed, Stream.DIRT_EMAIL)
    rows = dict(world.mail)
    kinds = np.zeros(len(Machine), np.int16)
    kinds[Machine.PROXY] = kinds[Machine.BARE_PROXY] = Dirt.MAIL_PRIVACY_OPEN
    kinds[Machine.SCANNER] = Dirt.LINK_SCANNER
    rows["dirt"] = kinds[rows["machine"]]
    rows["shows_email"] = np.ones(len(rows["at"]), bool)
    delay = rng.integers(1, 30, len(rows["at"])) * SECOND
    names = (len(MAIL_NAMES), len(UNKNOWN_EMAIL_NAMES))
    return _plant(rng, world, rows, delay, (EMAIL_SHARES, names))


def _plant(
    rng: np.random.Generator,
    world: World,
    rows: Columns,
    delay: NDArray[np.int64],
    what: tuple[Shares, tuple[int, int]],
) -> Columns:
    """The rows with `id` and `received`, dirt planted, in order of arrival.

    `what` holds the shares, the number of known names and that of unknown ones.
    Rows that would arrive after the end are not there yet.
    """
    shares, (known, unknown) = what
    n = len(rows["at"])
    end = world.calendar.end
    rows["id"] = np.arange(n)
    received = rows["at"] + delay
    clean = rows["dirt"] == 0
    dirt = rows["dirt"]
    edges = np.cumsum(
        [
            shares.late,
            shares.future,
            shares.missing_identifier,
            shares.unknown_name,
            shares.missing_time,
        ]
    )
    kinds = np.array(
        [
            Dirt.LATE,
            Dirt.FUTURE,
            Dirt.MISSING_IDENTIFIER,
            Dirt.UNKNOWN_NAME,
            Dirt.MISSING_TIME,
            0,
        ],
        np.int16,
    )
    dirt = np.where(clean, kinds[np.searchsorted(edges, rng.random(n), "right")], dirt)

    late = dirt == Dirt.LATE
    received[late] += _whole_seconds(rng, LATE_AFTER, int(late.sum()))
    ahead = received + _whole_seconds(rng, FUTURE_BY, n)
    dirt[(dirt == Dirt.FUTURE) & (ahead >= end)] = 0
    rows["at"] = np.where(dirt == Dirt.FUTURE, ahead, rows["at"])
    if known:
        other = known + rng.integers(0, unknown, n)
        rows["kind"] = np.where(dirt == Dirt.UNKNOWN_NAME, other, rows["kind"])
    if "quantity" in rows:
        chosen = (dirt == 0) & (rng.random(n) < shares.negative_quantity)
        chosen &= rows["quantity"] > 0
        dirt[chosen] = Dirt.NEGATIVE_QUANTITY
        rows["quantity"] = np.where(chosen, -rows["quantity"], rows["quantity"])
    again = np.flatnonzero((dirt == 0) & (rng.random(n) < shares.duplicate))
    untidy = rows["shows_email"] & (rng.random(n) < shares.untidy_email)
    untidy &= dirt != Dirt.MISSING_IDENTIFIER
    dirt[untidy] |= Dirt.UNTIDY_EMAIL

    rows["dirt"], rows["received"] = dirt, received
    copies = take(rows, again)
    copies["dirt"] = copies["dirt"] | np.int16(Dirt.DUPLICATE)
    copies["received"] = copies["received"] + _whole_seconds(
        rng, AGAIN_AFTER, len(again)
    )
    rows = concat([rows, copies])
    arrived = np.flatnonzero(rows["received"] < end)
    order = np.argsort(rows["received"][arrived], kind="stable")
    return take(rows, arrived[order])


def _whole_seconds(
    rng: np.random.Generator, span: tuple[int, int], n: int
) -> NDArray[np.int64]:
    """Spans of time in ms, without a rest below a second."""
    return rng.integers(span[0] // SECOND, span[1] // SECOND, n) * SECOND


def _bots(rng: np.random.Generator, world: World) -> Columns:
    """Bursts of robots, with the columns of the world's web events."""
    calendar = world.calendar
    wanted = len(world.web["at"]) * BOT_SHARE / (VIEWS_PER_BURST + 1)
    bursts = max(1, round(wanted))
    views = rng.poisson(VIEWS_PER_BURST, bursts)
    burst = np.repeat(np.arange(bursts), views + 1)
    n = len(burst)
    start = calendar.start + rng.integers(0, calendar.days * DAY, bursts)
    opening = np.concatenate([[True], burst[1:] != burst[:-1]])
    clock = np.cumsum(rng.integers(300, 1500, n))
    at = start[burst] + clock - clock[opening][burst]
    members = np.flatnonzero(world.contacts["old_account"])
    number = np.full(bursts, -1)
    if len(members):
        through = rng.random(bursts) < BOTS_WITH_ACCOUNT
        number = np.where(through, rng.choice(members, bursts), -1)
    product = rng.integers(0, len(world.catalogue.prices), n)
    agent = len(BROWSERS) + rng.integers(0, len(BOT_AGENTS), bursts)
    nothing = np.full(n, NO_EVENT_DETAIL)
    bots = {
        "kind": np.where(opening, Web.SESSION_STARTED, Web.PRODUCT_VIEWED),
        "session": world.sessions + burst,
        "at": at,
        "number": number[burst],
        "cookie": len(world.cookie_owner) + burst,
        "agent": agent[burst],
        "country": np.zeros(n, np.int8),
        "referrer": np.zeros(n, np.int8),
        "category": nothing,
        "product": np.where(opening, NO_EVENT_DETAIL, product),
        "query": nothing,
        "quantity": np.full(n, np.nan),
        "value": np.full(n, np.nan),
        "order": nothing,
        "with_account": number[burst] >= 0,
        "dirt": np.full(n, Dirt.BOT),
    }
    typed = {
        name: values.astype(world.web[name].dtype if name in world.web else np.int16)
        for name, values in bots.items()
    }
    return take(typed, at < calendar.end)
