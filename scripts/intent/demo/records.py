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
from intent.demo.dirt import Dirt
from intent.demo.world import World

CANCELLED = 0.03
RETURNED = 0.09  # of orders that were not cancelled
FULL_RETURNS = 0.45
RETURNS_WITHOUT_ORDER = 0.04  # the shop lost which order it was
PHONE_WITH_ORDER = 0.5
PHONE_ADDED_LATER = 0.2  # of customers with a phone
CRM_KNOWS_CUSTOMER = 0.6  # of those with an old account
UNTIDY_EMAILS = 0.02
NEGATIVE_LINES = 0.003
KNOWN_FOR_DAYS = 1000  # how far back old records go


def shop_customers(world: World, seed: int) -> Columns:
    """Versions of customers: number, created, updated, received, shows_phone."""
    rng = random_stream(seed, Stream.SHOP, 1)
    calendar, traits = world.calendar, world.contacts
    number = np.flatnonzero(traits["has_account"])
    n = len(number)
    before = calendar.start - rng.integers(DAY, KNOWN_FOR_DAYS * DAY, n)
    created = np.where(traits["old_account"], 0, traits["registered"])[number]
    created = _seconds(np.where(created == 0, before, created))
    adds_phone = traits["has_phone"][number] & (rng.random(n) < PHONE_ADDED_LATER)
    first = {
        "number": number,
        "created": created,
        "updated": created,
        "shows_phone": traits["has_phone"][number] & ~adds_phone,
    }
    since = np.maximum(created, calendar.start)
    added = since + (rng.random(n) * (calendar.end - since)).astype(np.int64)
    second = {**first, "updated": _seconds(added), "shows_phone": adds_phone}
    return _versions(rng, world, first, take(second, adds_phone))


def crm_contacts(world: World, seed: int) -> Columns:
    """Versions of CRM contacts: number, created, updated, objected, no_email, ..."""
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

    def version(at: NDArray[np.int64]) -> Columns:
        return {
            "number": number,
            "created": created,
            "updated": _seconds(at),
            "objected": objected <= at,
            "opted_out": told <= at,
            "knows_customer": knows_customer,
            "no_push": no_push,
            "no_call": no_call,
        }

    knows_customer = mine["old_account"] & (rng.random(n) < CRM_KNOWS_CUSTOMER)
    no_push, no_call = rng.random(n) < 0.08, rng.random(n) < 0.15
    return _versions(
        rng,
        world,
        version(created),
        take(version(objected), objected < NEVER),
        take(version(np.maximum(told, created)), told < NEVER),
    )


def shop_orders(world: World, seed: int) -> Columns:
    """Versions of orders: order, number, ..., at, cancelled (ms or NEVER)."""
    rng = random_stream(seed, Stream.SHOP, 2)
    orders = world.orders
    n = len(orders["at"])
    placed = _seconds(orders["at"])
    cancelled = _cancelled_at(world, seed)
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


def _cancelled_at(world: World, seed: int) -> NDArray[np.int64]:
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
    lines["dirt"] = np.where(negative, Dirt.NEGATIVE_QUANTITY, 0)
    lines["received"] = placed + rng.integers(5, 600, n) * SECOND
    return _arrived(world, lines)


def shop_returns(world: World, seed: int) -> Columns:
    """Returns: order, number, at, full, amount, reason, shows_order, received."""
    rng = random_stream(seed, Stream.SHOP, 5)
    orders = world.orders
    stands = _cancelled_at(world, seed) == NEVER
    order = np.flatnonzero(stands & (rng.random(len(stands)) < RETURNED))
    n = len(order)
    at = _seconds(orders["at"][order] + rng.integers(4 * DAY, 28 * DAY, n))
    full = rng.random(n) < FULL_RETURNS
    total = orders["value"][order]
    part = np.maximum(np.round(total * rng.uniform(0.2, 0.8, n), 2), 0.01)
    rows = {
        "order": order,
        "number": orders["number"][order],
        "with_account": orders["with_account"][order],
        "at": at,
        "full": full,
        "amount": np.where(full, total, part),
        "reason": rng.integers(0, 5, n),
        "shows_order": rng.random(n) >= RETURNS_WITHOUT_ORDER,
        "received": at + rng.integers(5, 3600, n) * SECOND,
        "dirt": _untidy(rng, n),
    }
    rows = _arrived(world, rows)
    rows["id"] = np.arange(len(rows["at"]))
    return rows


def _versions(rng: np.random.Generator, world: World, *parts: Columns) -> Columns:
    """Versions of records that have arrived, in order of arrival."""
    rows = concat(parts)
    n = len(rows["updated"])
    rows["received"] = rows["updated"] + rng.integers(5, 600, n) * SECOND
    rows["dirt"] = _untidy(rng, n)
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


def _untidy(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    """The dirt of n rows: some emails are untidy."""
    return np.where(rng.random(n) < UNTIDY_EMAILS, int(Dirt.UNTIDY_EMAIL), 0)


def _seconds(at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Times cut to whole seconds, still in ms."""
    return np.where(at == NEVER, NEVER, at // SECOND * SECOND)
