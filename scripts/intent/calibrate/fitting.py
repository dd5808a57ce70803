"""Learns the numbers of a sheet from a sample. Pure.

Most likely numbers, drawn towards the present ones: each as if it were thought to be
off by its `spread` times the `freedom`. Points and caps can all grow by the same
without a change in any order of contacts. So what is learned of all numbers, and its
intervals, are at the mean raw score that the present sheet gives: then numbers that
don't change, and edges, mean what they did.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, log10

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from intent.calibrate.likelihood import Likelihood, Number
from intent.calibrate.model import FARTHEST, Floats, Kind, Sample, Sheet

MOST_POINTS = 5.0
"""Points are learned up to so many times the present ones."""
LEAST_CONTACTS = 30
"""What fewer contacts have done, nothing is learned of."""
FREEST = 3.0
"""The freedom by which numbers are as the data say, all but undrawn."""
Z = 1.959963984540054
DIGITS = 2


@dataclass(frozen=True)
class Fit:
    """Learned numbers, with intervals, on the scale of learning."""

    likelihood: Likelihood
    theta: Floats
    low: Floats
    high: Floats

    @property
    def mean_score(self) -> float:
        """The mean raw score of the observations."""
        return float(np.mean(self.likelihood.score(self.theta).raw))

    @property
    def numbers(self) -> Sequence[Number]:
        """What was learned."""
        return self.likelihood.numbers


def learnable(sheet: Sheet, sample: Sample, any_sign: bool = False) -> list[Number]:
    """The numbers of a sheet that the sample may tell something of."""
    numbers: list[Number] = []
    typical = typical_worth(sheet, sample)
    groups: dict[str, int] = {}
    for place, rule in enumerate(sheet.rules):
        stock = sample.amounts[place]
        contacts = len(np.unique(sample.contact[stock.rows]))
        if contacts < LEAST_CONTACTS or not (rule.points or rule.may_begin):
            continue
        size = abs(rule.points) or typical / float(np.mean(np.abs(now(stock.grid))))
        low = -MOST_POINTS * size if any_sign else 0.0
        numbers.append(
            Number(
                *(Kind.POINTS, place, None, rule.points, size),
                *(low, MOST_POINTS * size, contacts),
                sign=-1.0 if rule.points < 0 else 1.0,
            )
        )
        if rule.half_life_days is not None:
            numbers.append(
                logarithm(Kind.HALF_LIFE, place, None, rule.half_life_days, contacts)
            )
        if rule.cap is not None:
            numbers.append(logarithm(Kind.CAP, place, None, rule.cap, contacts))
        groups[rule.cap_group] = max(contacts, groups.get(rule.cap_group, 0))
    for group, cap in sheet.group_caps.items():
        if group in groups:
            numbers.append(logarithm(Kind.GROUP_CAP, None, group, cap, groups[group]))
    return numbers


def now(grid: Floats) -> Floats:
    """Amounts by the present half-life; undecayed ones have one column."""
    middle: Floats = grid[:, grid.shape[1] // 2]
    return middle


def typical_worth(sheet: Sheet, sample: Sample) -> float:
    """What contacts have of an activity that earns points, in points."""
    worth = [
        abs(rule.points) * float(np.mean(np.abs(now(stock.grid))))
        for rule, stock in zip(sheet.rules, sample.amounts, strict=True)
        if rule.points and len(stock.rows)
    ]
    return float(np.median(worth)) if worth else sheet.scale / 10


def logarithm(
    kind: Kind, rule: int | None, group: str | None, present: float, contacts: int
) -> Number:
    """A number that is learned as by how many times it changes."""
    far = float(np.log(FARTHEST))
    return Number(kind, rule, group, present, float(np.log(2)), -far, far, contacts)


def fit(
    sheet: Sheet,
    sample: Sample,
    numbers: Sequence[Number],
    freedom: float,
    *,
    keeps_mean: bool = False,
) -> Fit:
    """Learn some numbers; the others stay as they are.

    Args:
        sheet: the present sheet.
        sample: what to learn from.
        numbers: what to learn.
        freedom: how far they may go.
        keeps_mean: whether the mean raw score stays. Only where all numbers are
            learned: else those that stay say how large the others are.
    """
    likelihood = Likelihood(sheet, sample, numbers, keeps_mean=keeps_mean)
    start = likelihood.start()
    drawn = precision_of(likelihood, start, freedom)
    steps = np.ones(len(start))
    steps[: len(numbers)] = [min(freedom, 1) * number.spread for number in numbers]

    def loss(scaled: Floats) -> tuple[float, Floats]:
        theta = start + scaled * steps
        off = theta - start
        value, gradient = likelihood.loss(theta)
        value += 0.5 * float(off @ (drawn * off))
        return value / sample.count, (gradient + drawn * off) * steps / sample.count

    bounds = [
        ((number.low - at) / step, (number.high - at) / step)
        for number, at, step in zip(numbers, start, steps, strict=False)
    ]
    around = [(-8.0, 8.0)] * likelihood.nuisances
    # Many small sums: threads would mostly wait for each other.
    with threadpool_limits(limits=1):
        found = minimize(
            loss,
            np.clip(0, *np.transpose([*bounds, *around])),
            jac=True,
            method="L-BFGS-B",
            bounds=[*bounds, *around],
            options={"maxiter": 150, "ftol": 1e-9, "gtol": 1e-6, "maxcor": 20},
        )
        theta = start + found.x * steps
        low, high = intervals(likelihood, theta, drawn)
    return Fit(likelihood, theta, low, high)


def precision_of(likelihood: Likelihood, start: Floats, freedom: float) -> Floats:
    """How firmly each number is drawn to where it starts."""
    drawn = np.full(len(start), 1e-6)
    drawn[: likelihood.count] = [
        (freedom * number.spread) ** -2 for number in likelihood.numbers
    ]
    drawn[-1] = 1.0
    return drawn


def intervals(
    likelihood: Likelihood, theta: Floats, drawn: Floats
) -> tuple[Floats, Floats]:
    """95% intervals of the numbers, at the same mean score.

    Contacts, not their midnights, are what is independent: where they vary more than
    their midnights would, intervals are wider.
    """
    count = likelihood.count
    information, scatter = likelihood.information(theta)
    drawn_information = information + np.diag(drawn)
    level = mean_slopes(likelihood, theta)
    basis = null_space(level[None, :]) if np.any(level) else np.eye(len(theta))
    inner = basis.T @ drawn_information @ basis
    covariance = basis @ np.linalg.solve(inner, basis.T)
    plain = np.einsum("ij,jk,ki->i", covariance, information, covariance)
    clustered = np.einsum("ij,jk,ki->i", covariance, scatter, covariance)
    wider = np.where(plain > 0, clustered / np.where(plain > 0, plain, 1), 1)
    error = np.sqrt(np.diag(covariance) * np.maximum(1, wider))[:count]
    lowest = np.array([number.low for number in likelihood.numbers])
    highest = np.array([number.high for number in likelihood.numbers])
    middle = theta[:count]
    return (
        np.maximum(lowest, middle - Z * error),
        np.minimum(highest, middle + Z * error),
    )


def mean_slopes(likelihood: Likelihood, theta: Floats) -> Floats:
    """How the mean raw score changes with each number."""
    slopes = np.zeros(len(theta))
    for place, column, _ in likelihood.columns(theta, likelihood.score(theta)):
        slopes[place] = column.sum() / likelihood.sample.count
    return slopes


def told_apart(free: Fit) -> list[Number]:
    """The numbers of which the data tell that they are others than the present ones.

    They may become what is in their intervals, and nothing else.
    """
    told = []
    for number, low, high in zip(free.numbers, free.low, free.high, strict=True):
        shown = interval(number, low, high)
        if not shown.low <= number.present <= shown.high:
            ends = sorted((number.inner(shown.low), number.inner(shown.high)))
            narrowed = np.clip(ends, number.low, number.high)
            told.append(replace(number, low=narrowed[0], high=narrowed[1]))
    return told


@dataclass(frozen=True)
class Interval:
    """Between which values a number is, as they would stand in the sheet."""

    low: float
    high: float
    goes_lower: bool
    """Whether it ends at the least that is looked at."""
    goes_higher: bool


def interval(number: Number, low: float, high: float) -> Interval:
    """An interval on the scale of learning as a person reads it: of few digits.

    It is rounded outwards; whatever is decided by it is decided by what is shown.
    """
    ends = (number.outer(low), number.outer(high))
    at_limit = (low <= number.low, high >= number.high)
    order = (0, 1) if ends[0] <= ends[1] else (1, 0)
    return Interval(
        rounded_by(floor, ends[order[0]]),
        rounded_by(ceil, ends[order[1]]),
        at_limit[order[0]],
        at_limit[order[1]],
    )


def rounded_by(whole: Callable[[float], int], value: float) -> float:
    """A number of few digits, not above (`floor`) or not below (`ceil`) another."""
    if value == 0:
        return 0.0
    places = DIGITS - 1 - floor(log10(abs(value)))
    # What has few digits already stays, whatever its binary is.
    return round(whole(round(value * 10.0**places, 6)) / 10.0**places, places) + 0.0


def rounded(value: float) -> float:
    """A number as a person would write it: of few digits."""
    return float(f"{value:.{DIGITS}g}") + 0.0  # never -0


def written(fitted: Fit) -> dict[tuple[Kind, int | None, str | None], float]:
    """The learned numbers as they stand in the draft."""
    return {
        (number.kind, number.rule, number.cap_group): rounded(number.outer(value))
        for number, value in zip(fitted.numbers, fitted.theta, strict=False)
    }


def raw_scores(
    sheet: Sheet,
    sample: Sample,
    numbers: Sequence[Number],
    values: dict[tuple[Kind, int | None, str | None], float],
) -> Floats:
    """The points of observations by a sheet with other numbers; 0 is the least."""
    used = [
        number
        for number in numbers
        if (number.kind, number.rule, number.cap_group) in values
    ]
    likelihood = Likelihood(sheet, sample, used)
    theta = np.zeros(likelihood.count + likelihood.nuisances)
    theta[: len(used)] = [
        number.inner(values[number.kind, number.rule, number.cap_group])
        for number in used
    ]
    return np.maximum(likelihood.score(theta).raw, 0)
