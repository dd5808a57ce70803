"""Learns the numbers of a sheet from a sample. Pure.

Most likely numbers, drawn towards the present ones: each as if it were thought to be
off by its `spread` times the `freedom`. Points and caps can all grow by the same
without a change in any order of contacts; the draw keeps them where they are nearest to
the present ones, and intervals are of what they are relative to each other, at the same
mean score.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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
) -> Fit:
    """Learn some numbers; the others stay as they are."""
    likelihood = Likelihood(sheet, sample, numbers)
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
    # Many small sums: threads would mostly wait for each other.
    with threadpool_limits(limits=1):
        found = minimize(
            loss,
            np.zeros(len(start)),
            jac=True,
            method="L-BFGS-B",
            bounds=[*bounds, *[(-8.0, 8.0)] * likelihood.nuisances],
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
    """The numbers of which the data tell that they are others than the present ones."""
    start = np.array([number.start for number in free.numbers])
    is_told = (start < free.low) | (start > free.high)
    return [number for number, told in zip(free.numbers, is_told, strict=True) if told]


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
