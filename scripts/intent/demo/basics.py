"""What all parts of the demo share: columns, random streams, calendar, catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intent.demo.spec import DemoSpec

Columns = dict[str, NDArray[Any]]
"""A table in memory: equally long one-dimensional arrays by column name."""

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
"""Times are integers, milliseconds since 1970-01-01 UTC."""
NEVER = np.iinfo(np.int64).max
"""A moment that does not come."""

# How busy the shop is: by weekday (Monday first), by hour (UTC), over the year.
WEEKDAY_WEIGHTS = (1.02, 0.98, 0.97, 0.98, 0.92, 0.93, 1.20)
HOUR_WEIGHTS = (
    *(8, 4, 2, 2, 3, 8, 18, 30, 40, 46, 50, 52),
    *(54, 50, 46, 46, 50, 58, 70, 82, 84, 66, 40, 20),
)
SEASON_SWING = 0.22
SEASON_PEAK_DAY = 340  # early December

CATEGORIES = (
    *("shoes", "jackets", "shirts", "trousers", "bags", "watches"),
    *("outdoor", "home", "kitchen", "garden"),
)
PRODUCTS_PER_CATEGORY = 40
SEARCH_WORDS = ("new", "sale", "black", "waterproof", "gift", "size guide")


class Stream(IntEnum):
    """Independent random streams; each draws from its own, whoever runs first."""

    CATALOGUE = 1
    BLOCK = 2
    BOTS = 3
    DIRT_WEB = 4
    DIRT_IDENTIFIES = 5
    DIRT_EMAIL = 6
    SHOP = 7
    CRM = 8
    SUBSCRIPTIONS = 9
    INTERACTIONS = 10
    LOYALTY = 11
    REVIEWS = 12
    SUPPORT = 13
    SURVEYS = 14
    SOCIAL = 15
    EARLIER = 16


def random_stream(seed: int, *key: int) -> np.random.Generator:
    """The generator of one part of the world."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *key])))


def concat(parts: Sequence[Columns]) -> Columns:
    """Tables of the same columns, one below the other."""
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def take(columns: Columns, rows: NDArray[Any] | slice) -> Columns:
    """The rows given by index, mask or slice."""
    return {name: values[rows] for name, values in columns.items()}


@dataclass(frozen=True)
class Calendar:
    """The days of the demo and how busy each is."""

    start: int
    """First moment, in ms."""
    days: int
    busy: NDArray[np.float64]
    """Weight of each day, about 1; shape (days,)."""

    @property
    def end(self) -> int:
        """The moment before which everything happens, in ms."""
        return self.start + self.days * DAY

    def draw_days(
        self,
        rng: np.random.Generator,
        first: NDArray[np.float64],
        last: NDArray[np.float64],
    ) -> NDArray[np.int64]:
        """One day index in [first, last) for each row, busy days more often."""
        edges = np.concatenate([[0.0], np.cumsum(self.busy)])
        whole = np.arange(self.days + 1)
        low = np.interp(first, whole, edges)
        high = np.interp(last, whole, edges)
        drawn = low + rng.random(len(first)) * (high - low)
        found = np.searchsorted(edges, drawn, side="right") - 1
        return np.asarray(np.minimum(found, self.days - 1), np.int64)

    def draw_moments(
        self, rng: np.random.Generator, days: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """A moment, in ms, on each of the days, at the usual hours."""
        edges = np.cumsum(HOUR_WEIGHTS) / np.sum(HOUR_WEIGHTS)
        hours = np.searchsorted(edges, rng.random(len(days)), side="right")
        within = rng.integers(0, HOUR, len(days))
        at = self.start + days * DAY + np.minimum(hours, 23) * HOUR + within
        return np.asarray(at, np.int64)


def make_calendar(spec: DemoSpec) -> Calendar:
    """The calendar of a demo."""
    end = datetime.combine(spec.until, time(), UTC)
    start = int(end.timestamp()) * SECOND - spec.days * DAY
    epoch_days = start // DAY + np.arange(spec.days)
    weekday = (epoch_days + 3) % 7  # 1970-01-01 was a Thursday
    angle = 2 * np.pi * (epoch_days % 365.25 - SEASON_PEAK_DAY) / 365.25
    season = 1 + SEASON_SWING * np.cos(angle)
    return Calendar(start, spec.days, np.array(WEEKDAY_WEIGHTS)[weekday] * season)


@dataclass(frozen=True)
class Catalogue:
    """What the shop sells."""

    prices: NDArray[np.float64]
    """Price of each product, cents rounded to .90; shape (products,)."""

    @staticmethod
    def draw(
        rng: np.random.Generator, category: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """A product of each category; a few products get most of the attention."""
        skewed = rng.random(len(category)) ** 2
        within = (skewed * PRODUCTS_PER_CATEGORY).astype(np.int64)
        return category * PRODUCTS_PER_CATEGORY + within


def make_catalogue(seed: int) -> Catalogue:
    """The catalogue of a seed."""
    rng = random_stream(seed, Stream.CATALOGUE)
    level = rng.uniform(2.8, 4.4, len(CATEGORIES)).repeat(PRODUCTS_PER_CATEGORY)
    prices = np.exp(level + rng.normal(0, 0.45, len(level)))
    return Catalogue(np.maximum(np.floor(prices), 3) + 0.90)
