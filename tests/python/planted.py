"""Worlds in which it is known what foretells a conversion, and for how long."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from intent.calibrate.fitting import FREEST, fit, interval, learnable, raw_scores
from intent.calibrate.likelihood import Number
from intent.calibrate.model import GRID, Amounts, Floats, Kind, Rule, Sample, Sheet
from scipy.special import expit

DAYS = 240
EVERY = 28
FIRST = datetime(2026, 1, 1)


@dataclass(frozen=True)
class World:
    """A present sheet, the true one, and what contacts did."""

    present: Sheet
    truth: Sheet
    sample: Sample


def rule(
    activity: str, points: float, half_life: float | None, cap: float | None = None
) -> Rule:
    """A rule of a group without a cap."""
    return Rule(activity, None, "all", points, half_life, cap, None, None, True)


def plant(
    rng: np.random.Generator,
    contacts: int = 2000,
    activities: int = 5,
    midnights: int = 8,
    off: float = 0.7,
    scale: float = 20,
    capped: bool = False,
) -> World:
    """A world whose true numbers are off from the present ones, by logs, so far.

    With `capped`, activities have caps that most contacts feel, and all together one.
    """

    def strayed(value: float) -> float:
        return value * float(np.exp(off * rng.normal()))

    rules = [
        rule(f"activity_{at}", float(rng.uniform(1, 5)), float(rng.uniform(6, 40)))
        for at in range(activities)
    ]
    caps: dict[str, float] = {}
    if capped:
        rules = [
            replace(each, cap=each.points * float(rng.uniform(1, 4))) for each in rules
        ]
        caps = {"all": float(rng.uniform(1, 2)) * scale}
    truth = [
        replace(
            each,
            points=strayed(each.points),
            half_life_days=strayed(each.half_life_days or 1),
            cap=None if each.cap is None else strayed(each.cap),
        )
        for each in rules
    ]
    true_caps = {group: strayed(cap) for group, cap in caps.items()}
    present = Sheet("present", scale, rules, caps)
    true = replace(present, rules=truth, group_caps=true_caps)
    return simulate(rng, present, true, contacts, midnights)


def simulate(
    rng: np.random.Generator,
    present: Sheet,
    truth: Sheet,
    contacts: int,
    midnights: int,
) -> World:
    """Let contacts do things day by day, and convert as the truth says."""
    nights = [DAYS + EVERY * at for at in range(midnights)]
    amounts, true_amounts = [], []
    for now, true in zip(present.rules, truth.rules, strict=True):
        counts = days_of(rng, contacts, nights[-1])
        amounts.append(decayed(counts, nights, GRID * (now.half_life_days or 1)))
        half_life = np.array([true.half_life_days or 1])
        true_amounts.append(decayed(counts, nights, half_life)[:, 0])
    everyone = np.arange(contacts * midnights)
    sample = Sample(
        [FIRST + timedelta(days=night) for night in nights],
        np.repeat(np.arange(midnights), contacts),
        np.tile(np.arange(contacts), midnights),
        np.zeros(len(everyone), dtype=bool),
        [Amounts(everyone, grid) for grid in amounts],
    )
    raw = np.zeros(len(everyone))
    for true, amount in zip(truth.rules, true_amounts, strict=True):
        worth = true.points * amount
        if true.cap is not None:
            worth = true.cap * (1 - np.exp(-worth / true.cap))
        raw += worth
    # All activities are of one group.
    for cap in truth.group_caps.values():
        raw = np.where(raw > 0, cap * (1 - np.exp(-np.maximum(raw, 0) / cap)), raw)
    above = np.maximum(raw, 0)
    bent = truth.scale * np.log1p(above / truth.scale) + np.minimum(raw, 0)
    seasons = rng.normal(0, 0.2, midnights)[sample.midnight]
    odds = seasons - 1.2 + 1.5 * (bent - bent.mean()) / bent.std()
    converted = rng.random(len(odds)) < expit(odds)
    return World(present, truth, replace(sample, has_converted=converted))


def decayed(counts: Floats, nights: Sequence[int], half_lives: Floats) -> Floats:
    """What is left of what contacts did, one row per night and contact."""
    found = []
    for night in nights:
        ages = night - np.arange(night) - 0.5
        found.append(counts[:, :night] @ np.power(0.5, ages[:, None] / half_lives))
    return np.concatenate(found)


def days_of(rng: np.random.Generator, contacts: int, length: int) -> Floats:
    """How often contacts did something, day by day: some often, in spells."""
    rates = rng.gamma(0.7, 0.12, contacts)[:, None]
    spells = np.repeat(rng.random((contacts, length // 30 + 1)) < 0.45, 30, axis=1)
    return rng.poisson(rates * spells[:, :length]).astype(float)


def true_numbers(world: World, numbers: Sequence[Number], level: float) -> list[float]:
    """What the numbers are in truth, if the mean score is at some level.

    Points and caps that are all larger by the same order contacts the same.
    """
    kinds = {
        Kind.POINTS: "points",
        Kind.HALF_LIFE: "half_life_days",
        Kind.CAP: "cap",
    }
    values = [
        world.truth.group_caps[str(number.cap_group)]
        if number.rule is None
        else getattr(world.truth.rules[number.rule], kinds[number.kind])
        for number in numbers
    ]
    found = {
        (number.kind, number.rule, number.cap_group): value
        for number, value in zip(numbers, values, strict=True)
    }
    times = level / float(
        np.mean(raw_scores(world.present, world.sample, numbers, found))
    )
    return [
        value if number.kind is Kind.HALF_LIFE else value * times
        for number, value in zip(numbers, values, strict=True)
    ]


@dataclass(frozen=True)
class Covered:
    """Whether an interval holds the truth, and whether it says anything."""

    kind: Kind
    holds: bool
    is_any: bool
    """It is all that was looked at, so that it holds whatever is true."""


def covered(world: World) -> list[Covered]:
    """Of each number, whether the interval that is shown holds the truth."""
    numbers = learnable(world.present, world.sample)
    free = fit(world.present, world.sample, numbers, FREEST, keeps_mean=True)
    truth = true_numbers(world, numbers, free.mean_score)
    found = []
    for number, low, high, true in zip(
        numbers, free.low, free.high, truth, strict=True
    ):
        shown = interval(number, low, high)
        is_any = shown.goes_lower and shown.goes_higher
        found.append(Covered(number.kind, shown.low <= true <= shown.high, is_any))
    return found
