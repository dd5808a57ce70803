"""How ready people are to buy, day by day, and what that leads to.

Readiness is the hidden truth of the demo: a number from 0 to 1 per person and day.
It rests at the person's base and rises in buying episodes, which ramp up over days
or weeks, peak and fade. Some episodes end in a purchase, which ends the wish.
The customer service changes how many do.
All that the feeds tell follows from readiness, with noise; so what happened before
a moment really tells something about what comes after it.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import NEVER, Calendar, Columns, concat, take
from intent.demo.people import People

# Buying episodes.
EPISODES_PER_YEAR = 0.85
ANONYMOUS_EPISODES_PER_YEAR = 0.3
EPISODE_CONVERSION = 0.55  # of a full-height episode, at average propensity
MEMBERS_CONVERT = 1.2  # times as often
RISE_DAYS = (8, 32)
FALL_HALF_LIFE_DAYS = (2.0, 7.0)
WINDOW = np.arange(-32, 22)  # days around an episode's peak that are looked at
NO_PURCHASE = WINDOW[-1] + 1
AFTER_PURCHASE = 0.12  # what is left of the episode's readiness
BASE_READINESS = 0.04
RHYTHM_RISE, RHYTHM_HEIGHT = 4.0, 0.75

# Customer service, and what it does to the wish to buy.
SERVICE_PER_YEAR = 0.10
SERVICE_AFTER_ORDER = 0.18
SERVICE_AFTER_DAYS = (2, 14)
MOODS = (0.30, 0.30, 0.40)  # leave soured, neutral, pleased
SOURED_DROPS = 0.5  # of purchases after being soured
PLEASED_ADDS = 0.15  # of episodes after being pleased that led nowhere


class Mood(IntEnum):
    """How the customer service leaves a contact."""

    SOURED = 0
    NEUTRAL = 1
    PLEASED = 2


@dataclass(frozen=True)
class Readiness:
    """How ready each person of a block is, and what the episodes lead to."""

    level: NDArray[np.float32]
    """0 to 1; shape (people, days)."""
    visits: Columns
    """Visits that episodes cause: person, day."""
    purchases: Columns
    """Purchases that episodes end in: person, day."""
    service: Columns
    """Calls on the customer service: person, day, mood, about_order."""


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
    episodes = _episodes(rng, calendar, people)
    person, peak = episodes["person"], episodes["peak"]
    n = len(person)
    rise, fall = episodes["rise"][:, None], rng.uniform(*FALL_HALF_LIFE_DAYS, (n, 1))
    rising = np.clip(1 + WINDOW / rise, 0, 1)
    fading = 0.5 ** (np.maximum(WINDOW, 0) / fall)
    shape = episodes["height"][:, None] * np.where(WINDOW < 0, rising, fading)

    day = peak[:, None] + WINDOW
    happens = (day >= p["from_day"][person][:, None].astype(int)) & (
        day < p["to_day"][person][:, None]
    )
    bought = _purchase_offset(rng, shape * happens, episodes["chance"])
    here = happens[:, -WINDOW[0]]
    bought = np.where(episodes["in_rhythm"], np.where(here, 0, NO_PURCHASE), bought)
    bought, service = _after_service(rng, people, (person, peak, here), bought)
    shape = np.where(bought[:, None] < WINDOW, shape * AFTER_PURCHASE, shape)
    shape *= happens

    cell, strength = _cells(person, day, shape, calendar.days)
    sums = np.bincount(cell, strength, people.size * calendar.days)
    level = sums.reshape(people.size, calendar.days) + BASE_READINESS
    busy = calendar.busy[cell % calendar.days]
    visits = rng.poisson(visits_at_peak * strength * busy)
    visited = np.repeat(cell, visits)
    buys = bought < NO_PURCHASE
    return Readiness(
        np.minimum(level, 1).astype(np.float32),
        {"person": visited // calendar.days, "day": visited % calendar.days},
        {"person": person[buys], "day": peak[buys] + bought[buys]},
        take(service, service["day"] < calendar.days),
    )


def _episodes(rng: np.random.Generator, calendar: Calendar, people: People) -> Columns:
    """Buying episodes: person, peak (day), rise, height, chance, in_rhythm."""
    p = people.columns
    years = (p["to_day"] - p["from_day"]) / 365
    is_contact = p["number"] >= 0
    rate = np.where(is_contact, EPISODES_PER_YEAR, ANONYMOUS_EPISODES_PER_YEAR)
    counts = rng.poisson(rate * p["propensity"] * years)
    person = np.repeat(np.arange(people.size), counts)
    n = len(person)
    height = rng.uniform(0.45, 1.0, n)
    member = np.zeros(people.size, bool)
    member[: people.contacts] = people.traits["member"]
    more = np.where(member, MEMBERS_CONVERT, 1.0)
    chance = EPISODE_CONVERSION * np.sqrt(p["propensity"]) * more * is_contact
    moody = {
        "person": person,
        "peak": calendar.draw_days(rng, p["from_day"][person], p["to_day"][person]),
        "rise": rng.uniform(*RISE_DAYS, n),
        "height": height,
        "chance": chance[person] * height,
        "in_rhythm": np.zeros(n, bool),
    }

    every = people.traits["rhythm"]
    span = (p["to_day"] - p["from_day"])[: people.contacts]
    times = np.where(every > 0, span // np.maximum(every, 1), 0).astype(np.int64)
    person = np.repeat(np.arange(people.contacts), times)
    n = len(person)
    nth = np.arange(n) - np.repeat(np.cumsum(times) - times, times)
    peak = p["from_day"][person] + (nth + 0.5) * every[person] + rng.normal(0, 1.5, n)
    in_rhythm = {
        "person": person,
        "peak": np.clip(peak, 0, calendar.days - 1).astype(np.int64),
        "rise": np.full(n, RHYTHM_RISE),
        "height": np.full(n, RHYTHM_HEIGHT),
        "chance": np.ones(n),
        "in_rhythm": np.ones(n, bool),
    }
    return concat([moody, in_rhythm])


def _after_service(
    rng: np.random.Generator,
    people: People,
    episodes: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]],
    bought: NDArray[np.int64],
) -> tuple[NDArray[np.int64], Columns]:
    """What calls on the service make of purchases: their days, and the calls.

    `episodes` are person, peak and whether the person is there at the peak.
    """
    person, peak, here = episodes
    n = len(person)
    buys = bought < NO_PURCHASE
    calls = np.flatnonzero(buys & (rng.random(n) < SERVICE_AFTER_ORDER))
    after = rng.integers(*SERVICE_AFTER_DAYS, len(calls))
    p = take(people.columns, slice(0, people.contacts))
    span = p["to_day"] - p["from_day"]
    counts = rng.poisson(SERVICE_PER_YEAR * span / 365)
    other = np.repeat(np.arange(people.contacts), counts)
    some_day = p["from_day"] + rng.random(people.contacts) * span
    about = np.concatenate([calls, np.full(len(other), -1)])
    service = {
        "person": np.concatenate([person[calls], other]),
        "day": np.concatenate(
            [peak[calls] + bought[calls] + after, some_day[other].astype(np.int64)]
        ),
        "mood": rng.choice(len(MOODS), len(about), p=MOODS),
        "about_order": about >= 0,
    }
    soured = first_days(service, Mood.SOURED, people.size)
    pleased = first_days(service, Mood.PLEASED, people.size)
    draw = rng.random(n)
    drops = buys & (peak > soured[person]) & (draw < SOURED_DROPS)
    adds = ~buys & here & (peak > pleased[person]) & (draw < PLEASED_ADDS)
    adds &= peak < soured[person]
    changed = np.where(drops, NO_PURCHASE, np.where(adds, 0, bought))
    # Nobody calls about an order that was not placed after all.
    return changed, take(service, (about < 0) | ~drops[about])


def first_days(service: Columns, mood: Mood, size: int) -> NDArray[np.int64]:
    """The first day on which each person was left in a mood, or NEVER."""
    first = np.full(size, NEVER)
    calls = service["mood"] == mood
    np.minimum.at(first, service["person"][calls], service["day"][calls])
    return first


def _purchase_offset(
    rng: np.random.Generator,
    shape: NDArray[np.float64],
    chance: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Days from each episode's peak to its purchase, or NO_PURCHASE.

    The day is drawn by readiness squared: people buy when they are most ready.
    """
    weight = np.cumsum(shape**2, axis=1)
    target = rng.random(len(shape)) * weight[:, -1]
    found = np.sum(weight <= target[:, None], axis=1)
    buys = (rng.random(len(shape)) < chance) & (weight[:, -1] > 0)
    offset = np.where(buys, WINDOW[np.minimum(found, len(WINDOW) - 1)], NO_PURCHASE)
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
