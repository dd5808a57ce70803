"""The records of shop and CRM: rows that come in versions."""

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import (
    DAY,
    HOUR,
    NEVER,
    SECOND,
    Columns,
    Stream,
    concat,
    random_stream,
    take,
)
from intent.demo.dirt import Dirt, insider_dirt
from intent.demo.world import World

CANCELLED = 0.03
RETURNED = 0.09  # of orders that were not cancelled
FULL_RETURNS = 0.45
RETURNS_WITHOUT_ORDER = 0.04  # the shop lost which order it was
PHONE_WITH_ORDER = 0.5
PHONE_ADDED_LATER = 0.2  # of customers with a phone
CRM_KNOWS_CUSTOMER = 0.6  # of those with an old account
CRM_WITHOUT_EMAIL = 0.25  # of those whose customer id the CRM knows
WORK_EMAILS = 0.4  # of those who are with a company and are known so
SHOP_TOLD_OF_MOVE = 0.6
SHOP_SAYS_OTHERWISE = 0.025  # names another place than the CRM
TELLS_MORE = 0.5  # of new versions say what was unknown before
UNTIDY_EMAILS = 0.02
MALFORMED_EMAILS = 0.003
WRONG_TYPES = 0.002
IMPOSSIBLE_VALUES = 0.002
NEGATIVE_LINES = 0.003
RETURN_REASONS = (
    *("too small", "too large", "changed my mind", "not as described", "damaged"),
    *("defective", "wrong item", "exchange", "wrong size"),
)
KNOWN_FOR_DAYS = 1000  # how far back old records go

# How often each attribute is unknown.
CRM_UNKNOWN = {
    **{"region": 0.25, "city": 0.20, "language": 0.30, "born": 0.45, "gender": 0.30},
    **{"income": 0.70, "education": 0.60, "job": 0.50, "interests": 0.50},
    "account_type": 0.20,
}
SHOP_UNKNOWN = {
    **{"region": 0.15, "city": 0.10, "language": 0.20, "born": 0.75, "gender": 0.55},
    "account_type": 0.10,
}


def shop_customers(world: World, seed: int) -> Columns:
    """Versions of customers: number, created, updated, received, shows_phone, ...

    `place` is where they live as the shop knows it; `knows_...` tell what it knows.
    """
    rng = random_stream(seed, Stream.SHOP, 1)
    calendar, traits = world.calendar, world.contacts
    number = np.flatnonzero(traits["has_account"])
    mine = take(traits, number)
    n = len(number)
    before = calendar.start - rng.integers(DAY, KNOWN_FOR_DAYS * DAY, n)
    created = np.where(traits["old_account"], 0, traits["registered"])[number]
    first_order = np.full(len(traits["name"]), NEVER)
    np.minimum.at(first_order, world.orders["number"], world.orders["at"])
    before = np.minimum(before, first_order[number] - HOUR)
    created = _seconds(np.where(created == 0, before, created))
    adds_phone = traits["has_phone"][number] & (rng.random(n) < PHONE_ADDED_LATER)
    since = np.maximum(created, calendar.start)
    added = since + (rng.random(n) * (calendar.end - since)).astype(np.int64)
    added = np.where(adds_phone, added, NEVER)
    moved = _moved_at(world, number, created)
    told = (moved < NEVER) & (rng.random(n) < SHOP_TOLD_OF_MOVE)
    moved = np.where(told, moved + DAY, NEVER)
    otherwise = rng.random(n) < SHOP_SAYS_OTHERWISE
    known = _known(rng, n, SHOP_UNKNOWN)

    def version(at: NDArray[np.int64]) -> Columns:
        elsewhere = otherwise | (moved <= at)
        return {
            "number": number,
            "created": created,
            "updated": _seconds(at),
            "place": np.where(elsewhere, mine["next_place"], mine["place"]),
            "shows_phone": traits["has_phone"][number] & (~adds_phone | (added <= at)),
            **known,
        }

    return _versions(
        rng,
        world,
        version(created),
        take(version(added), added < NEVER),
        take(version(moved), moved < NEVER),
    )


def crm_contacts(world: World, seed: int) -> Columns:
    """Versions of CRM contacts: number, created, updated, objected, place, job, ..."""
    rng = random_stream(seed, Stream.CRM)
    calendar, traits = world.calendar, world.contacts
    number = np.flatnonzero(traits["in_crm"])
    mine = take(traits, number)
    n = len(number)
    before = calendar.start - rng.integers(DAY, KNOWN_FOR_DAYS * DAY, n)
    came = calendar.start + (mine["from_day"] * DAY).astype(np.int64)
    created = _seconds(np.where(mine["is_newcomer"], came, before))
    objects = mine["objects_after"]
    objected = np.where(objects < NEVER, calendar.start, 0) + objects
    objected = np.where(objects < NEVER, np.maximum(objected, created + DAY), NEVER)
    opted_out = mine["opted_out"]
    told = np.where(opted_out < NEVER - HOUR, opted_out + HOUR, NEVER)
    moved = _moved_at(world, number, created)
    tells_more = rng.random(n) < TELLS_MORE
    known = _known(rng, n, CRM_UNKNOWN)

    def version(at: NDArray[np.int64]) -> Columns:
        moves = moved <= at
        more = moves & tells_more
        return {
            "number": number,
            "created": created,
            "updated": _seconds(at),
            "objected": objected <= at,
            "opted_out": told <= at,
            "place": np.where(moves, mine["next_place"], mine["place"]),
            "job": np.where(moves, mine["next_job"], mine["job"]),
            **{name: knows | more for name, knows in known.items()},
            **always,
        }

    knows_customer = mine["old_account"] & (rng.random(n) < CRM_KNOWS_CUSTOMER)
    at_work = knows_customer & (mine["company"] >= 0) & ~mine["shares_mailbox"]
    always = {
        "knows_customer": knows_customer,
        "no_push": rng.random(n) < 0.08,
        "no_call": rng.random(n) < 0.15,
        "work_email": at_work & (rng.random(n) < WORK_EMAILS),
        "no_email": knows_customer & (rng.random(n) < CRM_WITHOUT_EMAIL),
    }
    rows = _versions(
        rng,
        world,
        version(created),
        take(version(objected), objected < NEVER),
        take(version(np.maximum(told, created)), told < NEVER),
        take(version(moved), moved < NEVER),
    )
    nameless = rows["no_email"] | ~traits["has_email"][rows["number"]]
    rows["dirt"][nameless] &= ~(Dirt.MALFORMED_EMAIL | Dirt.UNTIDY_EMAIL)
    clean = (rows["dirt"] & ~Dirt.SUPERSEDED) == 0
    draw = rng.random(len(clean))
    rows["dirt"][clean & (draw < WRONG_TYPES)] |= Dirt.WRONG_TYPE
    beyond = clean & (draw > 1 - IMPOSSIBLE_VALUES)
    rows["dirt"][beyond] |= Dirt.IMPOSSIBLE_VALUE
    return rows


def _moved_at(
    world: World, number: NDArray[np.int64], created: NDArray[np.int64]
) -> NDArray[np.int64]:
    """When contacts moved house and changed their job, in ms, or NEVER."""
    after = world.contacts["moves_after"][number]
    at = np.maximum(world.calendar.start + after, created + DAY)
    return np.where(after >= 0, at, NEVER)


def _known(
    rng: np.random.Generator, n: int, unknown: dict[str, float]
) -> dict[str, NDArray[np.bool_]]:
    """Which attributes are known of each of n contacts."""
    return {f"knows_{name}": rng.random(n) >= share for name, share in unknown.items()}


def shop_orders(world: World, seed: int) -> Columns:
    """Versions of orders: order, number, ..., at, cancelled (ms or NEVER)."""
    rng = random_stream(seed, Stream.SHOP, 2)
    orders = world.orders
    n = len(orders["at"])
    placed = _seconds(orders["at"])
    cancelled = cancelled_at(world, seed)
    phone = world.contacts["has_phone"][orders["number"]]
    first = {
        "number": orders["number"],
        "order": np.arange(n),
        "at": placed,
        "created": placed,
        "updated": placed,
        "cancelled": np.full(n, NEVER),
        "with_account": orders["with_account"],
        "shows_phone": phone & (rng.random(n) < PHONE_WITH_ORDER),
        "total": orders["value"],
        "country": orders["country"],
    }
    second = {**first, "updated": cancelled, "cancelled": cancelled}
    return _versions(rng, world, first, take(second, cancelled < NEVER))


def cancelled_at(world: World, seed: int) -> NDArray[np.int64]:
    """When each order was cancelled, in ms, or NEVER."""
    rng = random_stream(seed, Stream.SHOP, 3)
    n = len(world.orders["at"])
    at = _seconds(world.orders["at"] + rng.integers(HOUR, 3 * DAY, n))
    return np.where(rng.random(n) < CANCELLED, at, NEVER)


def shop_order_lines(world: World, seed: int) -> Columns:
    """Lines of orders: line, order, product, quantity, price, received."""
    rng = random_stream(seed, Stream.SHOP, 4)
    lines = dict(world.lines)
    n = len(lines["order"])
    negative = rng.random(n) < NEGATIVE_LINES
    placed = _seconds(world.orders["at"])[lines["order"]]
    lines["line"] = np.arange(n)
    lines["quantity"] = np.where(negative, -lines["quantity"], lines["quantity"])
    insider = insider_dirt(world, world.orders["number"][lines["order"]])
    lines["dirt"] = np.where(negative, Dirt.NEGATIVE_QUANTITY, insider)
    lines["received"] = placed + rng.integers(5, 600, n) * SECOND
    return _arrived(world, lines)


def returned(world: World, seed: int) -> Columns:
    """What comes back of the orders: order, at, full, amount, reason."""
    rng = random_stream(seed, Stream.SHOP, 5)
    stands = cancelled_at(world, seed) == NEVER
    order = np.flatnonzero(stands & (rng.random(len(stands)) < RETURNED))
    n = len(order)
    full = rng.random(n) < FULL_RETURNS
    total = world.orders["value"][order]
    part = np.maximum(np.round(total * rng.uniform(0.2, 0.8, n), 2), 0.01)
    came = world.orders["at"][order] + rng.integers(4 * DAY, 28 * DAY, n)
    return {
        "order": order,
        "at": _seconds(came),
        "full": full,
        "amount": np.where(full, total, part),
        "reason": rng.integers(0, len(RETURN_REASONS), n),
    }


def shop_returns(world: World, seed: int) -> Columns:
    """Returns: order, number, at, full, amount, reason, shows_order, received."""
    rng = random_stream(seed, Stream.SHOP, 6)
    rows = returned(world, seed)
    n = len(rows["at"])
    rows["number"] = world.orders["number"][rows["order"]]
    rows["with_account"] = world.orders["with_account"][rows["order"]]
    rows["shows_order"] = rng.random(n) >= RETURNS_WITHOUT_ORDER
    rows["received"] = rows["at"] + rng.integers(5, 3600, n) * SECOND
    rows["dirt"] = _record_dirt(rng, world, rows["number"], 0.0)
    rows = _arrived(world, rows)
    rows["id"] = np.arange(len(rows["at"]))
    return rows


def _versions(rng: np.random.Generator, world: World, *parts: Columns) -> Columns:
    """Versions of records that have arrived, in order of arrival."""
    rows = concat(parts)
    n = len(rows["updated"])
    rows["received"] = rows["updated"] + rng.integers(5, 600, n) * SECOND
    malformed = 0.0 if "order" in rows else MALFORMED_EMAILS
    rows["dirt"] = _record_dirt(rng, world, rows["number"], malformed)
    rows = _arrived(world, rows)
    key = rows["order"] if "order" in rows else rows["number"]
    newest = np.full(int(key.max(initial=0)) + 1, -1)
    np.maximum.at(newest, key, rows["updated"])
    rows["dirt"][rows["updated"] < newest[key]] |= Dirt.SUPERSEDED
    return rows


def _arrived(world: World, rows: Columns) -> Columns:
    """The rows that have arrived before the end, in order of arrival."""
    there = np.flatnonzero(rows["received"] < world.calendar.end)
    return take(rows, there[np.argsort(rows["received"][there], kind="stable")])


def _record_dirt(
    rng: np.random.Generator, world: World, number: NDArray[np.int64], malformed: float
) -> NDArray[np.int32]:
    """The dirt of records: of insiders, or with an untidy or malformed email."""
    draw = rng.random(len(number))
    dirt = insider_dirt(world, number)
    dirt[(dirt == 0) & (draw < malformed)] = Dirt.MALFORMED_EMAIL
    untidy = (draw > 1 - UNTIDY_EMAILS) & (dirt == 0)
    dirt[untidy] = Dirt.UNTIDY_EMAIL
    return dirt


def _seconds(at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Times cut to whole seconds, still in ms."""
    return np.where(at == NEVER, NEVER, at // SECOND * SECOND)
