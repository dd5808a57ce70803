"""Who they are: contacts and anonymous visitors, and how ready they are to buy.

Readiness is the hidden truth of the demo: a number from 0 to 1 per person and day.
It rests at the person's base and rises in buying episodes, which ramp up over days
or weeks, peak and fade. Some episodes end in a purchase, which ends the wish.
All that the feeds tell follows from readiness, with noise; so what happened before
a moment really tells something about what comes after it.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import (
    CATEGORIES,
    DAY,
    NEVER,
    Calendar,
    Columns,
)
from intent.demo.spec import DemoSpec

ANONYMOUS_PER_CONTACT = 3
"""Visitors that never say who they are, per contact."""

# Shares of contacts.
NEVER_ACTIVE = 0.12  # only in the CRM
DORMANT = 0.15  # stopped coming in the first part of history
NEWCOMERS = 0.30  # came first within history
OLD_ACCOUNTS = 0.40  # had a shop account before history
NEW_ACCOUNTS = 0.28  # open one at their first login
IN_CRM = 0.70  # of those who are active at all
BUSINESS = 0.12  # belong to a company
CONTACTS_PER_COMPANY = 4
HAS_PHONE = 0.45
NO_EMAIL = 0.10  # of those never active
OBJECTED = 0.012
SUBSCRIBED_AT_START = 0.40
MAIL_PRIVACY = 0.35  # of mail programs open everything by proxy

DEVICE_SHARES = (0.64, 0.27, 0.09)  # one, two, three devices
COUNTRIES = ("DE", "AT", "CH", "NL", "FR", "GB")
COUNTRY_SHARES = (0.62, 0.12, 0.06, 0.08, 0.07, 0.05)

# Buying episodes.
EPISODES_PER_YEAR = 0.85
ANONYMOUS_EPISODES_PER_YEAR = 0.3
EPISODE_CONVERSION = 0.55  # of a full-height episode, at average propensity
RISE_DAYS = (8, 32)
FALL_HALF_LIFE_DAYS = (2.0, 7.0)
WINDOW = np.arange(-32, 22)  # days around an episode's peak that are looked at
AFTER_PURCHASE = 0.12  # what is left of the episode's readiness
BASE_READINESS = 0.04


class Life(IntEnum):
    """How a contact's history goes."""

    ACTIVE = 0
    DORMANT = 1
    NEVER_ACTIVE = 2


@dataclass(frozen=True)
class People:
    """The people of one block: its contacts first, then its anonymous visitors."""

    contacts: int
    columns: Columns
    """One row per person: propensity, favourite (category), country, from_day,
    to_day (when they visit), devices, first_cookie (within the block), agent."""
    traits: Columns
    """One row per contact: what only contacts have."""

    @property
    def size(self) -> int:
        """Contacts and visitors."""
        return len(self.columns["propensity"])


@dataclass(frozen=True)
class Readiness:
    """How ready each person of a block is, and what the episodes lead to."""

    level: NDArray[np.float32]
    """0 to 1; shape (people, days)."""
    visits: Columns
    """Visits that episodes cause: person, day."""
    purchases: Columns
    """Purchases that episodes end in: person, day."""


def draw_people(
    rng: np.random.Generator, spec: DemoSpec, first: int, contacts: int
) -> People:
    """The block of contacts `first` to `first + contacts`, and its visitors."""
    size = contacts * (1 + ANONYMOUS_PER_CONTACT)
    traits = _draw_traits(rng, spec, contacts)
    from_day = np.zeros(size)
    to_day = np.full(size, float(spec.days))

    newcomer = rng.random(contacts) < NEWCOMERS
    traits["is_newcomer"] = newcomer
    from_day[:contacts] = np.where(newcomer, rng.random(contacts) * spec.days, 0)
    dormant = traits["life"] == Life.DORMANT
    last = from_day[:contacts] + rng.uniform(0.05, 0.5, contacts) * spec.days
    to_day[:contacts] = np.where(dormant, np.minimum(last, spec.days), spec.days)
    never = traits["life"] == Life.NEVER_ACTIVE
    to_day[:contacts][never] = from_day[:contacts][never]
    # A visitor's cookie lives for some weeks.
    begin = rng.random(size - contacts) * (spec.days + 60) - 60
    from_day[contacts:] = np.maximum(begin, 0)
    lived = begin + rng.exponential(45, size - contacts) + 1
    to_day[contacts:] = np.clip(lived, from_day[contacts:], spec.days)

    devices = rng.choice(3, size, p=DEVICE_SHARES) + 1
    devices[contacts:] = 1
    columns = {
        "number": np.concatenate(
            [np.arange(first, first + contacts), np.full(size - contacts, -1)]
        ),
        "propensity": rng.gamma(0.8, 1 / 0.8, size),
        "favourite": rng.integers(0, len(CATEGORIES), size),
        "country": rng.choice(len(COUNTRIES), size, p=COUNTRY_SHARES),
        "from_day": from_day,
        "to_day": to_day,
        "devices": devices,
        "first_cookie": np.cumsum(devices) - devices,
        "agent": rng.integers(0, 1 << 16, size),
    }
    traits["country"] = columns["country"][:contacts]
    return People(contacts, columns, traits)


def _draw_traits(rng: np.random.Generator, spec: DemoSpec, count: int) -> Columns:
    """What only contacts have; one row per contact."""
    draw = rng.random(count)
    life = np.where(
        draw < NEVER_ACTIVE,
        Life.NEVER_ACTIVE,
        np.where(draw < NEVER_ACTIVE + DORMANT, Life.DORMANT, Life.ACTIVE),
    )
    never = life == Life.NEVER_ACTIVE
    account = rng.random(count)
    companies = max(1, round(spec.contacts * BUSINESS / CONTACTS_PER_COMPANY))
    company = (rng.random(count) ** 1.5 * companies).astype(np.int64)
    objected = rng.random(count) < OBJECTED
    window = rng.random(count) * spec.days * DAY
    return {
        "life": life,
        "old_account": ~never & (account < OLD_ACCOUNTS),
        "may_register": ~never
        & (account >= OLD_ACCOUNTS)
        & (account < OLD_ACCOUNTS + NEW_ACCOUNTS),
        "in_crm": never | (rng.random(count) < IN_CRM),
        "company": np.where(rng.random(count) < BUSINESS, company, -1),
        "has_phone": rng.random(count) < HAS_PHONE,
        "has_email": ~(never & (rng.random(count) < NO_EMAIL)),
        # ms after the start of history
        "objects_after": np.where(objected, window.astype(np.int64), NEVER),
        "subscribed_at_start": ~never & (rng.random(count) < SUBSCRIBED_AT_START),
        "mail_privacy": rng.random(count) < MAIL_PRIVACY,
        "mail_agent": rng.integers(0, 1 << 16, count),
        "mail_interest": rng.beta(1.6, 2.4, count) * 2.5,
        "name": rng.integers(0, 1 << 16, count),
    }


def draw_readiness(
    rng: np.random.Generator,
    calendar: Calendar,
    people: People,
    visits_at_peak: float,
) -> Readiness:
    """Episodes of a block: readiness, and the visits and purchases they cause.

    `visits_at_peak` is the number of visits per day of a fully ready person.
    """
    p = people.columns
    years = (p["to_day"] - p["from_day"]) / 365
    is_contact = p["number"] >= 0
    rate = np.where(is_contact, EPISODES_PER_YEAR, ANONYMOUS_EPISODES_PER_YEAR)
    counts = rng.poisson(rate * p["propensity"] * years)
    person = np.repeat(np.arange(people.size), counts)
    n = len(person)

    peak = calendar.draw_days(rng, p["from_day"][person], p["to_day"][person])
    rise = rng.uniform(*RISE_DAYS, n)[:, None]
    fall = rng.uniform(*FALL_HALF_LIFE_DAYS, n)[:, None]
    height = rng.uniform(0.45, 1.0, n)[:, None]
    rising = np.clip(1 + WINDOW / rise, 0, 1)
    fading = 0.5 ** (np.maximum(WINDOW, 0) / fall)
    shape = height * np.where(WINDOW < 0, rising, fading)

    day = peak[:, None] + WINDOW
    happens = (day >= p["from_day"][person][:, None].astype(int)) & (
        day < p["to_day"][person][:, None]
    )
    chance = EPISODE_CONVERSION * np.sqrt(p["propensity"][person]) * height[:, 0]
    bought = _purchase_offset(rng, shape * happens, is_contact[person] * chance)
    shape = np.where(bought[:, None] < WINDOW, shape * AFTER_PURCHASE, shape)
    shape *= happens

    cell, strength = _cells(person, day, shape, calendar.days)
    sums = np.bincount(cell, strength, people.size * calendar.days)
    level = sums.reshape(people.size, calendar.days) + BASE_READINESS
    busy = calendar.busy[cell % calendar.days]
    visits = rng.poisson(visits_at_peak * strength * busy)
    visited = np.repeat(cell, visits)
    buys = bought <= WINDOW[-1]
    return Readiness(
        np.minimum(level, 1).astype(np.float32),
        {"person": visited // calendar.days, "day": visited % calendar.days},
        {"person": person[buys], "day": peak[buys] + bought[buys]},
    )


def _purchase_offset(
    rng: np.random.Generator,
    shape: NDArray[np.float64],
    chance: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Days from each episode's peak to its purchase; beyond the window if none.

    The day is drawn by readiness squared: people buy when they are most ready.
    """
    weight = np.cumsum(shape**2, axis=1)
    target = rng.random(len(shape)) * weight[:, -1]
    found = np.sum(weight <= target[:, None], axis=1)
    buys = (rng.random(len(shape)) < chance) & (weight[:, -1] > 0)
    none = WINDOW[-1] + 1
    offset = np.where(buys, WINDOW[np.minimum(found, len(WINDOW) - 1)], none)
    return np.asarray(offset, np.int64)


def _cells(
    person: NDArray[np.int64],
    day: NDArray[np.int64],
    shape: NDArray[np.float64],
    days: int,
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Flat (person, day) index and readiness of each day on which there is any."""
    there = shape > 0
    cell = (person[:, None] * days + day)[there]
    return cell, shape[there]
