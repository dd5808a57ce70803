"""How likely what contacts did is, by a rule sheet, and how that changes with it. Pure.

The score's own maths: x = points * decayed amount; s = cap * (1 - e^(-x / cap)); groups
the same with their caps; R their sum. The odds of converting rise with R by

    log odds = a_T + b * L(R),   L(R) = k * log(1 + R / k), and R itself below 0

so that any order of the contacts is one that scores have: L is monotone. a_T, of each
midnight, takes up what the season does. b and k are learned beside the sheet's numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.interpolate import CubicSpline
from scipy.special import expit

from intent.calibrate.model import GRID, Amounts, Floats, Ints, Kind, Sample, Sheet

SPLINE = CubicSpline(np.log(GRID), np.eye(len(GRID)), bc_type="natural")
SLOPE = SPLINE.derivative()
MEAN_SPREAD = 0.01
"""By so much the mean raw score may stray where it is to stay."""


@dataclass(frozen=True)
class Number:
    """A number of the sheet that can be learned."""

    kind: Kind
    rule: int | None
    """The place of its rule in the sheet."""
    cap_group: str | None
    present: float
    spread: float
    """How far it is thought to be off, on the scale of learning."""
    low: float
    high: float
    """What it may become, on the scale of learning."""
    contacts: int
    """How many have any of it."""
    sign: float = 1.0

    @property
    def start(self) -> float:
        """The present value on the scale of learning."""
        return self.inner(self.present)

    def inner(self, value: float) -> float:
        """A value on the scale of learning: points as their size, others as logs."""
        if self.kind is Kind.POINTS:
            return self.sign * value
        return float(np.log(value / self.present))

    def outer(self, inner: float) -> float:
        """A value as it stands in the sheet."""
        if self.kind is Kind.POINTS:
            return self.sign * inner
        return float(self.present * np.exp(inner))


@dataclass(frozen=True)
class Earned:
    """What a rule brings to those who have any of its activity."""

    amount: Floats
    change: Floats
    """How the amount changes with the log of the half-life."""
    points: Floats
    slope: Floats
    """How much of one more point comes through the cap."""


@dataclass(frozen=True)
class Score:
    """Raw scores, and what their derivatives are made of."""

    raw: Floats
    group_slopes: dict[str, Floats]
    """By group: how much of one more point of its activities comes through its cap."""
    group_sums: dict[str, Floats]
    earned: dict[int, Earned]
    """By rule that has numbers to learn."""


class Likelihood:
    """The likelihood of a sample by a sheet whose numbers may change."""

    def __init__(
        self,
        sheet: Sheet,
        sample: Sample,
        numbers: Sequence[Number],
        *,
        keeps_mean: bool = False,
    ) -> None:
        """Take a sheet and the numbers of it that are to be learned.

        With `keeps_mean`, those are likely by which the mean raw score stays.
        """
        self.sheet = sheet
        self.sample = sample
        self.numbers = numbers
        self.at = {
            (number.kind, number.rule, number.cap_group): place
            for place, number in enumerate(numbers)
        }
        self.count = len(numbers)
        self.nuisances = len(sample.midnights) + 2
        self.cap_groups = sorted({rule.cap_group for rule in sheet.rules})
        self.moving = sorted({at.rule for at in numbers if at.rule is not None})
        self.settled = {group: np.zeros(sample.count) for group in self.cap_groups}
        """What rules bring whose numbers stay, by group."""
        for place, rule in enumerate(sheet.rules):
            if place not in self.moving:
                rows = sample.amounts[place].rows
                points = self.earned(np.zeros(0), place).points
                self.settled[rule.cap_group][rows] += points
        present = float(np.mean(self.score(self.start()).raw))
        # A sheet by which nobody scores has no mean to keep.
        self.mean = present if keeps_mean and present > 0 else None

    def start(self) -> Floats:
        """The present numbers, and what else has to be learned as it begins."""
        theta = np.zeros(self.count + self.nuisances)
        theta[: self.count] = [number.start for number in self.numbers]
        theta[-2] = np.log(2 / self.sheet.scale)
        theta[-1] = np.log(self.sheet.scale)
        converted = np.bincount(self.sample.midnight, self.sample.has_converted) + 0.5
        others = np.bincount(self.sample.midnight, ~self.sample.has_converted) + 0.5
        theta[self.count : -2] = np.log(converted / others) - 1
        return theta

    def value(self, theta: Floats, kind: Kind, rule: int, present: float) -> float:
        """A number of a rule."""
        place = self.at.get((kind, rule, None))
        return present if place is None else self.numbers[place].outer(theta[place])

    def group_cap(self, theta: Floats, cap_group: str) -> float | None:
        """The cap of a group."""
        place = self.at.get((Kind.GROUP_CAP, None, cap_group))
        if place is None:
            return self.sheet.group_caps.get(cap_group)
        return self.numbers[place].outer(theta[place])

    def amounts(self, theta: Floats, rule: int) -> tuple[Floats, Floats]:
        """Decayed amounts by a rule's half-life, and how they change with its log."""
        stock: Amounts = self.sample.amounts[rule]
        if self.sheet.rules[rule].half_life_days is None:
            return stock.grid[:, 0], np.zeros(len(stock.rows))
        place = self.at.get((Kind.HALF_LIFE, rule, None))
        if place is None:
            return stock.grid @ SPLINE(0.0), np.zeros(len(stock.rows))
        times = float(theta[place])
        both = stock.grid @ np.column_stack([SPLINE(times), SLOPE(times)])
        return both[:, 0], both[:, 1]

    def earned(self, theta: Floats, rule: int) -> Earned:
        """What a rule brings."""
        amount, change = self.amounts(theta, rule)
        own = self.sheet.rules[rule]
        worth = self.value(theta, Kind.POINTS, rule, own.points) * amount
        if own.cap is None:
            return Earned(amount, change, worth, np.ones(len(amount)))
        cap = self.value(theta, Kind.CAP, rule, own.cap)
        slope = np.exp(-np.abs(worth) / cap)
        return Earned(amount, change, np.sign(worth) * cap * (1 - slope), slope)

    def score(self, theta: Floats) -> Score:
        """The raw scores of all observations."""
        count = self.sample.count
        sums = {group: total.copy() for group, total in self.settled.items()}
        earned = {rule: self.earned(theta, rule) for rule in self.moving}
        for rule, each in earned.items():
            rows = self.sample.amounts[rule].rows
            sums[self.sheet.rules[rule].cap_group][rows] += each.points
        raw = np.zeros(count)
        group_slopes = {}
        for group, total in sums.items():
            group_cap = self.group_cap(theta, group)
            if group_cap is None:
                group_slopes[group] = np.ones(count)
                raw += total
            else:
                slope = np.exp(-np.maximum(total, 0) / group_cap)
                group_slopes[group] = slope
                raw += np.where(total > 0, group_cap * (1 - slope), total)
        return Score(raw, group_slopes, sums, earned)

    def link(self, theta: Floats, raw: Floats) -> tuple[Floats, Floats, Floats]:
        """L(R), its slope, and how it changes with log k."""
        k = np.exp(theta[-1])
        above = np.maximum(raw, 0)
        bent = k * np.log1p(above / k)
        slope = 1 / (1 + above / k)
        return bent + np.minimum(raw, 0), slope, bent - above * slope

    def chances(self, theta: Floats) -> Floats:
        """The chance of each observation to convert."""
        bent = self.link(theta, self.score(theta).raw)[0]
        return np.asarray(expit(self.log_odds(theta, bent)))

    def log_odds(self, theta: Floats, bent: Floats) -> Floats:
        """The log odds of each observation."""
        seasons: Floats = theta[self.count : -2][self.sample.midnight]
        return seasons + float(np.exp(theta[-2])) * bent

    def loss(self, theta: Floats) -> tuple[float, Floats]:
        """Minus the log likelihood, and its gradient."""
        score = self.score(theta)
        bent, slope, bends = self.link(theta, score.raw)
        worth = np.exp(theta[-2])
        odds = self.log_odds(theta, bent)
        loss = float(np.sum(np.logaddexp(0, odds) - self.sample.has_converted * odds))
        miss = expit(odds) - self.sample.has_converted
        gradient = np.zeros(len(theta))
        gradient[self.count : -2] = np.bincount(
            self.sample.midnight, miss, self.nuisances - 2
        )
        gradient[-2] = worth * (miss @ bent)
        gradient[-1] = worth * (miss @ bends)
        pull = worth * miss * slope
        if self.mean is not None:
            off = (float(np.mean(score.raw)) / self.mean - 1) / MEAN_SPREAD
            loss += off**2 / 2
            pull = pull + off / (MEAN_SPREAD * self.mean * len(pull))
        for place, column, rows in self.columns(theta, score):
            gradient[place] = pull[rows] @ column if rows is not None else pull @ column
        return loss, gradient

    def columns(
        self, theta: Floats, score: Score
    ) -> Iterator[tuple[int, Floats, Ints | None]]:
        """How raw scores change with each number: its place, the changes, the rows."""
        for place, earned in score.earned.items():
            rule = self.sheet.rules[place]
            rows = self.sample.amounts[place].rows
            through = score.group_slopes[rule.cap_group][rows]
            points = self.value(theta, Kind.POINTS, place, rule.points)
            if (at := self.at.get((Kind.POINTS, place, None))) is not None:
                sign = self.numbers[at].sign
                yield at, sign * through * earned.slope * earned.amount, rows
            if (at := self.at.get((Kind.HALF_LIFE, place, None))) is not None:
                yield at, points * through * earned.slope * earned.change, rows
            if (at := self.at.get((Kind.CAP, place, None))) is not None:
                left = np.abs(points * earned.amount) * earned.slope
                sign_of = np.sign(earned.points)
                yield at, through * sign_of * (np.abs(earned.points) - left), rows
        for group in self.cap_groups:
            at = self.at.get((Kind.GROUP_CAP, None, group))
            if at is not None:
                cap = self.numbers[at].outer(theta[at])
                total = np.maximum(score.group_sums[group], 0)
                slope = score.group_slopes[group]
                yield (
                    at,
                    np.where(total > 0, cap * (1 - slope) - total * slope, 0),
                    None,
                )

    def information(self, theta: Floats) -> tuple[Floats, Floats]:
        """Fisher's information, and what the gradient scatters, contact by contact."""
        score = self.score(theta)
        bent, slope, bends = self.link(theta, score.raw)
        worth = np.exp(theta[-2])
        chances = expit(self.log_odds(theta, bent))
        count = self.sample.count
        cells: list[Floats] = []
        rows_of: list[Ints] = []
        places: list[Ints] = []
        everyone = np.arange(count)

        def put(place: int, values: Floats, rows: Ints | None) -> None:
            rows = everyone if rows is None else rows
            cells.append(values)
            rows_of.append(rows)
            places.append(np.full(len(rows), place))

        for place, column, rows in self.columns(theta, score):
            pull = worth * (slope if rows is None else slope[rows])
            put(place, pull * column, rows)
        cells.append(np.ones(count))
        rows_of.append(everyone)
        places.append(self.count + self.sample.midnight)
        put(len(theta) - 2, worth * bent, None)
        put(len(theta) - 1, worth * bends, None)
        changes = sparse.csr_matrix(
            (
                np.concatenate(cells),
                (np.concatenate(rows_of), np.concatenate(places)),
            ),
            shape=(count, len(theta)),
        )
        spread = chances * (1 - chances)
        information = (changes.T @ changes.multiply(spread[:, None]).tocsr()).toarray()
        miss = self.sample.has_converted - chances
        clusters = sparse.csr_matrix(
            (miss, (self.sample.contact, everyone)),
            shape=(int(self.sample.contact.max()) + 1, count),
        )
        per_contact = clusters @ changes
        return information, (per_contact.T @ per_contact).toarray()
