"""Visits to the shop: when people come, on what, and how far they get."""

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import (
    CATEGORIES,
    DAY,
    SECOND,
    Calendar,
    Catalogue,
    Columns,
    take,
)
from intent.demo.people import People, Staff
from intent.demo.readiness import Readiness
from intent.demo.web import (
    ADS,
    BROWSERS,
    FROM_MAIL,
    REFERRER_SHARES,
    SEARCH_ENGINES,
)

# Visits that no episode causes, per year of presence.
BASE_VISITS_PER_YEAR = 2.6
ANONYMOUS_VISITS_PER_YEAR = 10.0  # of the few weeks that a cookie lives
VISITS_AT_PEAK = 0.9  # per day at readiness 1
SPONTANEOUS_PURCHASES = 0.004  # of visits that no episode causes
HABIT_DAYS = 7
INSIDER_VISITS_PER_YEAR = {Staff.EMPLOYEE: 80.0, Staff.TEST: 25.0}
INSIDER_PURCHASES = 0.15  # of their visits

# What happens in a visit, at readiness 0 and what readiness 1 adds.
BOUNCES = (0.52, -0.40)
CARTS = (0.018, 0.36)
CHECKOUTS = (0.20, 0.28)  # of visits with a cart
READINESS_OF_BUYER = 0.85
MORE_IN_CART = 0.5  # further products per cart
TREND = 2.0  # how far the number grows or falls in a year, as a power of e
NEWSLETTERS = 0.030  # of contacts' visits without bounce
ADVERTISED = 0.12  # of visits from elsewhere
PHRASE_KNOWN = 0.20  # of visits from search engines
AT_COUNTER = 0.006  # of logins happen on the tablet in the store
TABLET = 1  # its browser
LOGINS = 0.22  # of account holders' visits
BUYERS_AS_GUEST = 0.08  # of account holders' purchases
FAVOURITE_CATEGORY = 0.65
MAIN_DEVICE = 0.7


def plan_visits(
    rng: np.random.Generator,
    calendar: Calendar,
    people: People,
    readiness: Readiness,
) -> Columns:
    """Visits of a block by their own will.

    Columns: person, start, buys, referrer, campaign, searched (by a known phrase),
    habit.
    """
    p, n = people.columns, people.contacts
    years = (p["to_day"] - p["from_day"]) / 365
    is_contact = p["number"] >= 0
    rate = np.where(is_contact, BASE_VISITS_PER_YEAR, ANONYMOUS_VISITS_PER_YEAR)
    rate *= 0.3 + 0.7 * p["propensity"]
    staff = np.zeros(people.size, np.int64)
    staff[:n] = people.traits["staff"]
    for kind, often in INSIDER_VISITS_PER_YEAR.items():
        rate = np.where(staff == kind, often, rate)
    base = np.repeat(np.arange(people.size), rng.poisson(rate * years))
    day = calendar.draw_days(rng, p["from_day"][base], p["to_day"][base])
    chance = np.where(is_contact, SPONTANEOUS_PURCHASES, 0)
    chance = np.where(staff > 0, INSIDER_PURCHASES, chance)
    spontaneous = rng.random(len(base)) < chance[base]
    habit = _habit_visits(rng, people)

    parts = (
        (base, day, spontaneous),
        (habit["person"], habit["day"], False),
        (readiness.visits["person"], readiness.visits["day"], False),
        (readiness.purchases["person"], readiness.purchases["day"], True),
    )
    person = np.concatenate([part[0] for part in parts])
    referrer = rng.choice(len(REFERRER_SHARES), len(person), p=REFERRER_SHARES)
    advertised = (referrer > 0) & (rng.random(len(person)) < ADVERTISED)
    by_engine = np.isin(referrer, SEARCH_ENGINES) & ~advertised
    is_habit = np.zeros(len(person), bool)
    is_habit[len(base) : len(base) + len(habit["person"])] = True
    return {
        "person": person,
        "start": calendar.draw_moments(
            rng, np.concatenate([part[1] for part in parts])
        ),
        "buys": np.concatenate(
            [np.zeros(len(part[0]), bool) | part[2] for part in parts]
        ),
        "referrer": referrer,
        "campaign": np.where(advertised, rng.integers(0, len(ADS), len(person)), -1),
        "searched": by_engine & (rng.random(len(person)) < PHRASE_KNOWN),
        "habit": is_habit,
    }


def _habit_visits(rng: np.random.Generator, people: People) -> Columns:
    """Visits of those who come every week: person, day."""
    p = take(people.columns, slice(0, people.contacts))
    span = p["to_day"] - p["from_day"]
    weeks = (people.traits["habitual"] * span // HABIT_DAYS).astype(np.int64)
    person = np.repeat(np.arange(people.contacts), weeks)
    week = np.arange(len(person)) - np.repeat(np.cumsum(weeks) - weeks, weeks)
    day = p["from_day"][person] + HABIT_DAYS * (week + 0.5)
    day += rng.normal(0, 0.5, len(person))
    there = np.clip(day, p["from_day"][person], p["to_day"][person] - 1)
    return {"person": person, "day": np.maximum(there, 0).astype(np.int64)}


def decide_visits(
    rng: np.random.Generator,
    calendar: Calendar,
    people: People,
    readiness: Readiness,
    visits: Columns,
) -> Columns:
    """The same visits with how far each gets and what else is done in it.

    Adds cookie (the person's own), shown (the cookie that the tracker sees), agent,
    category, main (product is drawn later), ready, bounces, cart (products added),
    checkout, login, at_counter, joins (wants the newsletter).
    """
    person, buys = visits["person"], visits["buys"]
    n = len(person)
    p = take(people.columns, person)
    day = np.clip((visits["start"] - calendar.start) // DAY, 0, calendar.days - 1)
    ready = readiness.level[person, day].astype(np.float64)
    ready = np.where(buys, READINESS_OF_BUYER, ready)

    def chance(rate: tuple[float, float]) -> NDArray[np.bool_]:
        return rng.random(n) < rate[0] + rate[1] * ready

    traits = people.traits
    holder = np.zeros(people.size, bool)
    holder[: people.contacts] = traits["old_account"] | traits["may_register"]
    insider = np.zeros(people.size, bool)
    insider[: people.contacts] = traits["staff"] > 0
    trend = np.zeros(people.size)
    trend[: people.contacts] = traits["trend"]

    bounces = chance(BOUNCES) & ~buys & ~visits["habit"]
    has_cart = (chance(CARTS) & ~bounces) | buys
    is_contact = p["number"] >= 0
    guest = buys & (rng.random(n) < BUYERS_AS_GUEST)
    login = holder[person] & ~guest & ((rng.random(n) < LOGINS) | buys)
    login |= insider[person] | visits["habit"]
    more = MORE_IN_CART * np.exp(TREND * trend[person] * (day / calendar.days - 0.5))
    category = np.where(
        rng.random(n) < FAVOURITE_CATEGORY,
        p["favourite"],
        rng.integers(0, len(CATEGORIES), n),
    )
    at_counter = login & ~insider[person] & (rng.random(n) < AT_COUNTER)
    at_counter &= visits["referrer"] != FROM_MAIL
    device, shown = _devices(rng, people, person, day)
    agent = (p["agent"] + device * 5) % len(BROWSERS)
    return {
        **visits,
        "number": p["number"],
        "cookie": p["first_cookie"] + device,
        "shown": np.where(at_counter, tablet_of(people), shown),
        "agent": np.where(at_counter, TABLET, agent),
        "country": p["country"],
        "category": category,
        "main": Catalogue.draw(rng, category),
        "ready": ready,
        "bounces": bounces,
        "cart": np.where(has_cart, 1 + rng.poisson(more), 0),
        "checkout": (has_cart & chance(CHECKOUTS)) | buys,
        "login": login,
        "at_counter": at_counter,
        "joins": is_contact & ~bounces & (rng.random(n) < NEWSLETTERS),
    }


def tablet_of(people: People) -> int:
    """The cookie of the block's tablet in the store: the one after all people's."""
    return int(np.sum(people.columns["devices"]))


def _devices(
    rng: np.random.Generator,
    people: People,
    person: NDArray[np.int64],
    day: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of their devices people use, and the cookie that is on it."""
    p, n = take(people.columns, person), len(person)
    other = (1 + rng.random(n) * (p["devices"] - 1)).astype(np.int64)
    on_main = (rng.random(n) < MAIN_DEVICE) | (p["devices"] == 1)
    device = np.where(on_main, 0, np.minimum(other, p["devices"] - 1))
    second_hand = (device == 1) & (p["took_from"] >= 0)
    not_yet = second_hand & (day <= people.columns["to_day"][p["took_from"]])
    device = np.where(not_yet, 0, device)
    old = people.columns["first_cookie"][p["took_from"]]
    return device, np.where(second_hand & ~not_yet, old, p["first_cookie"] + device)


def visits_from_clicks(clicks: Columns) -> Columns:
    """Visits that clicks in emails cause; takes person, at, campaign of the clicks."""
    n = len(clicks["person"])
    return {
        "person": clicks["person"],
        "start": clicks["at"] + 2 * SECOND,
        "buys": np.zeros(n, bool),
        "referrer": np.full(n, FROM_MAIL),
        "campaign": len(ADS) + 1 + clicks["campaign"],
        "searched": np.zeros(n, bool),
        "habit": np.zeros(n, bool),
    }


def in_order(visits: Columns) -> Columns:
    """Visits in the order of their start within each person."""
    return take(visits, np.lexsort((visits["start"], visits["person"])))
