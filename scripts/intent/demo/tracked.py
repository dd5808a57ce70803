"""The event streams of tracker and email tool: what happened, as they recorded it."""

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import (
    MINUTE,
    NEVER,
    SECOND,
    Columns,
    Stream,
    concat,
    random_stream,
)
from intent.demo.dirt import Dirt, Shares, insider_dirt, plant
from intent.demo.machines import robots, with_robots
from intent.demo.mail import MAIL_NAMES, Machine
from intent.demo.play import NO_EVENT_DETAIL
from intent.demo.records import cancelled_at, returned
from intent.demo.web import EMAIL_EVENTS, WEB_NAMES, Web
from intent.demo.world import NOBODY, World

WEB_SHARES = Shares()
IDENTIFY_SHARES = Shares(missing_identifier=0, malformed_email=0.003)
EMAIL_SHARES = Shares(late=0.005)
CANCELLATIONS_TRACKED = 0.4  # of cancelled orders
REFUNDS_TRACKED = 0.3  # of full returns


def record_web(world: World, seed: int) -> Columns:
    """The rows of web/events: the world's events and robots, as recorded."""
    rng = random_stream(seed, Stream.DIRT_WEB)
    events = with_robots(world, robots(random_stream(seed, Stream.BOTS), world))
    takebacks = _takebacks(rng, world, seed)
    events = concat([events, {name: takebacks[name] for name in events}])
    _mark_people(world, events)
    tells = np.isin(events["kind"], EMAIL_EVENTS)
    events["shows_email"] = tells & (events["number"] >= 0)
    delay = rng.integers(200, 5 * SECOND, len(events["at"]))
    return plant(rng, world, events, delay, (WEB_SHARES, len(WEB_NAMES)))


def record_identifies(world: World, seed: int) -> Columns:
    """The rows of web/identifies."""
    rng = random_stream(seed, Stream.DIRT_IDENTIFIES)
    rows = dict(world.identifies)
    n = len(rows["at"])
    rows["dirt"] = np.zeros(n, np.int32)
    _mark_people(world, rows)
    rows["shows_email"] = np.ones(n, bool)
    delay = rng.integers(200, 5 * SECOND, n)
    return plant(rng, world, rows, delay, (IDENTIFY_SHARES, 0))


def record_email(world: World, seed: int) -> Columns:
    """The rows of email/events; times are whole seconds."""
    rng = random_stream(seed, Stream.DIRT_EMAIL)
    rows = dict(world.mail)
    kinds = np.zeros(len(Machine), np.int32)
    kinds[Machine.PROXY] = kinds[Machine.BARE_PROXY] = Dirt.MAIL_PRIVACY_OPEN
    kinds[Machine.SCANNER] = Dirt.LINK_SCANNER
    kinds[Machine.HIDDEN_SCANNER] = Dirt.HIDDEN_SCANNER
    insider = insider_dirt(world, rows["number"])
    rows["dirt"] = np.where(insider > 0, insider, kinds[rows["machine"]])
    rows["shows_email"] = np.ones(len(rows["at"]), bool)
    delay = rng.integers(1, 30, len(rows["at"])) * SECOND
    return plant(rng, world, rows, delay, (EMAIL_SHARES, len(MAIL_NAMES)))


def _mark_people(world: World, rows: Columns) -> None:
    """Set the dirt of rows that people made who or whose cookies are special."""
    nobodys = np.append(world.cookie_owner, NOBODY) == NOBODY
    cookie = np.minimum(rows["cookie"], len(world.cookie_owner))
    lent = np.where(nobodys[cookie], Dirt.SHARED_DEVICE, Dirt.REUSED_COOKIE)
    lent = np.where(rows["lent"], lent, 0)
    insider = insider_dirt(world, rows["number"])
    people = np.where(insider > 0, insider, lent).astype(np.int32)
    rows["dirt"] = np.where(rows["dirt"] == 0, people, rows["dirt"])


def _takebacks(rng: np.random.Generator, world: World, seed: int) -> Columns:
    """Orders taken back, as the shop's server tells the tracker: without a cookie."""
    cancelled = cancelled_at(world, seed)
    order = np.flatnonzero(
        (cancelled < NEVER) & (rng.random(len(cancelled)) < CANCELLATIONS_TRACKED)
    )
    returns = returned(world, seed)
    refunded = returns["full"] & (rng.random(len(returns["at"])) < REFUNDS_TRACKED)
    parts = (
        (Web.ORDER_CANCELLED, order, cancelled[order]),
        (Web.ORDER_REFUNDED, returns["order"][refunded], returns["at"][refunded]),
    )
    rows = concat([_takeback(world, *part) for part in parts])
    rows["at"] = rows["at"] + rng.integers(SECOND, 5 * MINUTE, len(rows["at"]))
    calendar = world.calendar
    there = (rows["at"] < calendar.end) & (rows["at"] >= calendar.start)
    return {name: values[there] for name, values in rows.items()}


def _takeback(
    world: World, kind: Web, order: NDArray[np.int64], at: NDArray[np.int64]
) -> Columns:
    """Events of one kind about orders, with the columns of web events and `dirt`."""
    n = len(order)
    orders = {name: values[order] for name, values in world.orders.items()}
    rows = {
        **{name: np.full(n, NO_EVENT_DETAIL) for name in world.web},
        "kind": np.full(n, kind),
        "at": at,
        "number": orders["number"],
        "lent": np.zeros(n, bool),
        "country": orders["country"],
        "referrer": np.zeros(n),
        "order": order,
        "value": orders["value"],
        "quantity": np.full(n, np.nan),
        "dwell": np.full(n, np.nan),
        "with_account": orders["with_account"],
    }
    typed = {name: rows[name].astype(world.web[name].dtype) for name in world.web}
    return {**typed, "dirt": np.zeros(n, np.int32)}
