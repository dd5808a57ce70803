"""What calibration works with: a rule sheet as numbers, and what contacts had done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intent.evaluate.model import Estimate
from intent.evaluate.request import MidnightsRequest

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
    may_begin: bool
    """Whether points of 0 may become more: not for what is done to a contact."""

    @property
    def name(self) -> str:
        """What tells the rule from others."""
        return (
            f"{self.activity} for {self.audience}" if self.audience else self.activity
        )


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


@dataclass(frozen=True)
class EdgeWish:
    """From where on a band is to begin: by a capacity or a precision, not both."""

    band: str
    capacity: int | None = None
    """At most so many contacts on average over the midnights."""
    precision: float | None = None
    """At least such a share of them converts."""

    @property
    def is_set(self) -> bool:
        """Whether anything is wished."""
        return self.capacity is not None or self.precision is not None


@dataclass(frozen=True)
class CalibrationRequest(MidnightsRequest):
    """What to learn, and from which midnights; what is None is found out."""

    sheet: str | None = None
    draft: str | None = None
    any_sign: bool = False
    wishes: Sequence[EdgeWish] = ()
    writes: bool = True


@dataclass(frozen=True)
class Learned:
    """What was learned of one number of the sheet."""

    kind: Kind
    name: str
    """The activity, or the group of activities."""
    audience: str | None
    before: float
    after: float
    low: float
    high: float
    """The 95% interval of what the data say, hardly drawn to the present number."""
    goes_lower: bool
    """Whether the interval ends at the least that is looked at, and may go on."""
    goes_higher: bool
    contacts: int
    """How many contacts had any of it where it was learned."""

    @property
    def is_changed(self) -> bool:
        """Whether the draft has another number."""
        return self.after != self.before

    @property
    def interval(self) -> str:
        """The interval in words."""
        if self.goes_lower and self.goes_higher:
            return "any"
        if self.goes_lower:
            return f"up to {self.high:g}"
        if self.goes_higher:
            return f"{self.low:g} or more"
        return f"{self.low:g} to {self.high:g}"

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "number": self.kind.value,
            "name": self.name,
            "audience": self.audience,
            "before": self.before,
            "after": self.after,
            "low": self.low,
            "high": self.high,
            "goes_lower": self.goes_lower,
            "goes_higher": self.goes_higher,
            "contacts": self.contacts,
            "is_changed": self.is_changed,
        }


@dataclass(frozen=True)
class Compared:
    """How a scorer did at the midnights that nothing was learned or chosen at."""

    scorer: str
    kind: str
    """draft, sheet or baseline."""
    auc: Estimate
    draft_is_better_by: Estimate | None
    """None for the draft itself."""

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        ahead = self.draft_is_better_by
        return {
            "scorer": self.scorer,
            "kind": self.kind,
            "roc_auc": self.auc.value,
            "low": self.auc.low,
            "high": self.auc.high,
            "draft_is_better_by": None
            if ahead is None
            else {"value": ahead.value, "low": ahead.low, "high": ahead.high},
        }


@dataclass(frozen=True)
class Edge:
    """From which score on a band begins in the draft."""

    band: str
    before: float
    after: float
    contacts: float
    """In it or above, on average over the midnights."""
    precision: float
    """The share of these that converts."""

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "band": self.band,
            "before": self.before,
            "after": self.after,
            "contacts": self.contacts,
            "precision": self.precision,
        }


@dataclass(frozen=True)
class Trial:
    """A strength of shrinkage that was tried."""

    freedom: float
    """How far numbers may go: 1 is as far as they are large; 0 not at all."""
    auc: float
    """At the midnights of choice."""


@dataclass(frozen=True)
class Calibration:
    """What a calibration came to."""

    sheet: str
    draft: str
    horizon: int
    activities: Sequence[str]
    """What counts as success."""
    learned_at: Sequence[datetime]
    chosen_at: Sequence[datetime]
    reported_at: Sequence[datetime]
    contacts: int
    """Of whom it was learned."""
    share: float
    """Which part of the contacts was looked at."""
    trials: Sequence[Trial]
    freedom: float
    numbers: Sequence[Learned]
    compared: Sequence[Compared]
    edges: Sequence[Edge]
    is_written: bool = False

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "sheet": self.sheet,
            "draft": self.draft,
            "is_written": self.is_written,
            "horizon_days": self.horizon,
            "activities": list(self.activities),
            "learned_at": [day.date().isoformat() for day in self.learned_at],
            "chosen_at": [day.date().isoformat() for day in self.chosen_at],
            "reported_at": [day.date().isoformat() for day in self.reported_at],
            "contacts": self.contacts,
            "share_of_contacts": self.share,
            "freedom": self.freedom,
            "trials": [{"freedom": t.freedom, "roc_auc": t.auc} for t in self.trials],
            "numbers": [each.as_json() for each in self.numbers],
            "compared": [each.as_json() for each in self.compared],
            "edges": [each.as_json() for each in self.edges],
        }
