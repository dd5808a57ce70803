"""What contacts do beyond the shop's pages: how often, when, and how it is recorded."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intent.demo.basics import SECOND, Columns, take
from intent.demo.dirt import Shares, insider_dirt, plant
from intent.demo.world import TRUTH_EVERY_DAYS, World

SHARES = Shares(late=0.008, malformed_email=0.003)


@dataclass(frozen=True)
class Doing:
    """Something that contacts do now and then."""

    name: str
    per_year: float
    pull: float = 0.0
    """How many more times as often those do it who are fully ready to buy."""


def draw_doings(
    rng: np.random.Generator,
    world: World,
    doing: Doing,
    often: NDArray[Any],
    lifelong: bool = False,
) -> Columns:
    """Doings of contacts: number, at.

    Each contact does it `often` times as often as usual, and while it is about; with
    `lifelong`, those who are never about count as well.
    """
    traits, calendar = world.contacts, world.calendar
    contacts, samples = world.readiness.shape
    first = traits["from_day"]
    last = np.full(contacts, calendar.days) if lifelong else traits["to_day"]
    begin = TRUTH_EVERY_DAYS * np.arange(samples)
    until = np.minimum(begin + TRUTH_EVERY_DAYS, calendar.days)
    there = np.minimum(until, last[:, None]) - np.maximum(begin, first[:, None])
    weight = np.maximum(there, 0) * (1 + doing.pull * world.readiness)
    edges = np.cumsum(weight)  # of all weeks of all contacts, one after another
    totals = weight.sum(axis=1)
    counts = rng.poisson(doing.per_year * often * totals / 365)
    number = np.repeat(np.arange(contacts), counts)
    ends = edges[samples - 1 :: samples]
    drawn = (ends - totals)[number] + rng.random(len(number)) * totals[number]
    week = np.searchsorted(edges, drawn, "right") - number * samples
    week = np.clip(week, 0, samples - 1)
    day = begin[week] + rng.random(len(number)) * (until - begin)[week]
    day = np.clip(day, first[number], last[number])
    day = np.minimum(day.astype(np.int64), calendar.days - 1)
    return {"number": number, "at": calendar.draw_moments(rng, day)}


def of_kind(names: tuple[str, ...], name: str, rows: Columns) -> Columns:
    """The rows with `kind`, the place of their name among all names."""
    return {**rows, "kind": np.full(len(rows["at"]), names.index(name))}


def kinds_of(names: tuple[str, ...], *wanted: str) -> list[int]:
    """The kinds of some names."""
    return [names.index(name) for name in wanted]


def record(
    rng: np.random.Generator, world: World, rows: Columns, known: int = 0
) -> Columns:
    """The rows as a tool recorded them, to whole seconds, dirt planted.

    `rows` has number, at, may have kind, one of `known` names, by_account (by the
    customer id, where there is one yet, else by email) and shows_email.
    """
    rows = take(rows, rows["at"] < world.calendar.end)
    n = len(rows["at"])
    rows["shows_email"] = rows.get("shows_email", np.ones(n, bool))
    rows["at"] = rows["at"] // SECOND * SECOND
    rows["dirt"] = insider_dirt(world, rows["number"])
    if "by_account" in rows:
        rows["by_account"] &= has_account(world, rows["number"], rows["at"])
        rows["shows_email"] &= ~rows["by_account"]
    delay = rng.integers(2, 300, n) * SECOND
    return plant(rng, world, rows, delay, (SHARES, known))


def has_account(
    world: World, number: NDArray[np.int64], at: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether contacts have a shop account by then."""
    traits = world.contacts
    old, since = traits["old_account"], traits["registered"]
    return np.asarray(old[number] | (since[number] <= at))
