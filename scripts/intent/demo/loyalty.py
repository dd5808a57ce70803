"""The loyalty programme and subscriptions."""

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import (
    DAY,
    HOUR,
    MINUTE,
    Columns,
    Stream,
    concat,
    random_stream,
    take,
)
from intent.demo.elsewhere import Doing, draw_doings, of_kind, record
from intent.demo.world import World

LOYALTY = (
    "Joined Program",
    "Left Program",
    "Points Earned",
    "Points Redeemed",
    "Reward Redeemed",
    "Tier Reached",
    "Referral Made",
    "Points Expired",
)
MEMBERS_DO = (
    Doing("Points Earned", 1.5),  # birthdays, reviews
    Doing("Points Redeemed", 0.15, 6),
    Doing("Reward Redeemed", 0.10, 6),
    Doing("Referral Made", 0.22, 2),
    Doing("Points Expired", 0.30),
    Doing("Left Program", 0.02),
)
REDEEMS_WITH_ORDER = 0.15
TIERS = ("silver", "gold")
ORDERS_FOR_TIER = (3, 6)

SUBSCRIPTION = (
    "Subscription Started",
    "Subscription Renewed",
    "Subscription Cancelled",
)
PLANS = (9.90, 19.90, 29.90)
RENEWED_AFTER = 30 * DAY
CANCELS = 0.06  # at each renewal
SOURED_CANCELS = 0.5
SUBSCRIBED_BEFORE = 0.4


NO_TIER = -1


def loyalty_events(world: World, seed: int) -> Columns:
    """Rows of loyalty/events: at, kind, number, points, tier, by_account."""
    rng = random_stream(seed, Stream.LOYALTY)
    traits, calendar = world.contacts, world.calendar
    joined_day = np.where(traits["member"], traits["member_from_day"], np.inf)
    parts = [_joinings(world, joined_day), *_after_orders(rng, world)]
    for doing in MEMBERS_DO:
        rows = draw_doings(rng, world, doing, traits["member"])
        rows = of_kind(LOYALTY, doing.name, rows)
        n = len(rows["at"])
        points = np.where("Point" in doing.name, 50.0 * rng.integers(1, 11, n), np.nan)
        parts.append({**rows, "points": points, "tier": np.full(n, NO_TIER)})
    rows = concat(parts)
    rows["by_account"] = rng.random(len(rows["at"])) < 0.4
    day = (rows["at"] - calendar.start) / DAY
    member = day >= joined_day[rows["number"]] - 1e-6
    return record(rng, world, take(rows, member), len(LOYALTY))


def _joinings(world: World, joined_day: NDArray[np.float64]) -> Columns:
    """Who joins within history."""
    calendar = world.calendar
    who = np.flatnonzero((joined_day > 0) & (joined_day < calendar.days))
    at = calendar.start + np.ceil(joined_day[who] * DAY).astype(np.int64)
    rows = of_kind(LOYALTY, "Joined Program", {"number": who, "at": at})
    nothing = np.full(len(who), np.nan)
    return {**rows, "points": nothing, "tier": np.full(len(who), NO_TIER)}


def _after_orders(rng: np.random.Generator, world: World) -> list[Columns]:
    """Points earned and redeemed with orders, and tiers that are reached by them."""
    number, at = world.orders["number"], world.orders["at"]
    n = len(at)
    redeems = rng.random(n) < REDEEMS_WITH_ORDER
    nth = _ordinal(number)
    parts = []
    for name, rows, after, points, tier in (
        ("Points Earned", nth > 0, 2 * MINUTE, np.floor(world.orders["value"]), -1),
        ("Points Redeemed", redeems, 0, 50.0 * rng.integers(2, 11, n), -1),
        *(
            ("Tier Reached", nth == orders, HOUR, np.full(n, np.nan), index)
            for index, orders in enumerate(ORDERS_FOR_TIER)
        ),
    ):
        told = {"number": number[rows], "at": at[rows] + after}
        part = of_kind(LOYALTY, name, told)
        part |= {"points": points[rows], "tier": np.full(int(rows.sum()), tier)}
        parts.append(part)
    return parts


def subscription_events(world: World, seed: int) -> Columns:
    """Rows of shop/subscriptions: at, kind, number, subscription, amount."""
    rng = random_stream(seed, Stream.SUBSCRIPTIONS)
    traits, calendar = world.contacts, world.calendar
    number = np.flatnonzero(traits["subscriber"])
    n = len(number)
    came = traits["from_day"][number]
    day = came + rng.random(n) * (calendar.days - came)
    day = np.where(rng.random(n) < SUBSCRIBED_BEFORE, rng.uniform(-200, 0, n), day)
    started = calendar.start + (day * DAY).astype(np.int64)
    renewals = rng.geometric(CANCELS, n)
    soured = (
        calendar.start
        + np.minimum(traits["soured_day"][number], calendar.days * 2) * DAY
    )
    until_soured = np.maximum((soured - started) // RENEWED_AFTER + 1, 1)
    leaves = rng.random(n) < SOURED_CANCELS
    renewals = np.where(leaves, np.minimum(renewals, until_soured), renewals)
    row = np.repeat(np.arange(n), renewals + 1)
    nth = np.arange(len(row)) - np.repeat(
        np.cumsum(renewals + 1) - renewals - 1, renewals + 1
    )
    kind = np.where(nth == 0, 0, np.where(nth == renewals[row], 2, 1))
    rows = {
        "kind": kind,
        "number": number[row],
        "at": started[row] + nth * RENEWED_AFTER,
        "subscription": row,
        "amount": np.array(PLANS)[rng.integers(0, len(PLANS), n)][row],
    }
    rows = take(rows, rows["at"] >= calendar.start)
    rows["amount"] = np.where(rows["kind"] == 2, np.nan, rows["amount"])
    return record(rng, world, rows, len(SUBSCRIPTION))


def _ordinal(number: NDArray[np.int32]) -> NDArray[np.int64]:
    """The how-manieth row of its contact each row is, from 1; rows are in order."""
    order = np.argsort(number, kind="stable")
    first = np.searchsorted(number[order], number[order])
    nth = np.empty(len(number), np.int64)
    nth[order] = np.arange(len(number)) - first + 1
    return nth
