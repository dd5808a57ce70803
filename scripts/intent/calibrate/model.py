"""What calibration works with: a rule sheet as numbers, and what contacts had done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Switches = NDArray[np.bool_]

GRID_STEPS = 6
GRID: Floats = 2.0 ** (np.arange(-GRID_STEPS, GRID_STEPS + 1) / 2)
"""The half-lives for which amounts are read, as multiples of the rule's own."""
FARTHEST = float(GRID[-1])
"""A half-life or cap is learned up to so many times, and down to such a part of, the
present one."""


class Kind(StrEnum):
    """What a number of a rule sheet is."""

    POINTS = "points"
    HALF_LIFE = "half_life_days"
    CAP = "cap"
    GROUP_CAP = "group_cap"


@dataclass(frozen=True)
class Rule:
    """A rule of the sheet: what an activity is worth."""

    activity: str
    audience: str | None
    cap_group: str
    points: float
    half_life_days: float | None
    cap: float | None
    daily_limit: int | None
    discharged_by: str | None
    is_own_doing: bool
    """False for what is done to a contact: its points of 0 stay 0."""

    @property
    def name(self) -> str:
        """What tells the rule from others."""
        return f"{self.activity} for {self.audience}" if self.audience else self.activity


@dataclass(frozen=True)
class Sheet:
    """A rule sheet as far as it decides scores."""

    name: str
    scale: float
    rules: Sequence[Rule]
    group_caps: Mapping[str, float]


@dataclass(frozen=True)
class Amounts:
    """What contacts had done of one rule's activity, decayed, at their clocks."""

    rows: Ints
    """The observations that have any of it."""
    grid: Floats
    """One row each; a column for each half-life of the grid. Undecayed without one."""


@dataclass(frozen=True)
class Sample:
    """Observations: contacts at midnights, what they had done, and what they did."""

    midnights: Sequence[datetime]
    midnight: Ints
    """Each observation's place in `midnights`."""
    contact: Ints
    """Each observation's contact, numbered from 0."""
    has_converted: Switches
    amounts: Sequence[Amounts]
    """In the order of the sheet's rules."""

    @property
    def count(self) -> int:
        """How many observations there are."""
        return len(self.midnight)

    def of(self, wanted: Switches) -> "Sample":
        """The same for some observations, with the midnights that they are of."""
        place = np.cumsum(wanted) - 1
        amounts = []
        for each in self.amounts:
            kept = wanted[each.rows]
            amounts.append(Amounts(place[each.rows[kept]], each.grid[kept]))
        used, midnight = np.unique(self.midnight[wanted], return_inverse=True)
        _, contact = np.unique(self.contact[wanted], return_inverse=True)
        return Sample(
            [self.midnights[number] for number in used],
            midnight,
            contact,
            self.has_converted[wanted],
            amounts,
        )
