"""What an explanation says, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

NEVER = datetime(9999, 12, 31)
"""Stands for a moment that does not come, as in the marts."""


@dataclass(frozen=True)
class Edges:
    """The edges of a sheet's bands."""

    hot_enter_at: float
    hot_exit_below: float
    warm_enter_at: float
    warm_exit_below: float


@dataclass(frozen=True)
class Sheet:
    """A rule sheet."""

    score_model: str
    description: str | None
    scale: float
    is_shown: bool
    """True for the sheet whose scores `contact_intent` shows."""
    edges: Edges


@dataclass(frozen=True)
class Rule:
    """The rule by which an activity of the contact counts."""

    activity: str
    audience: str | None
    points: float
    half_life_days: float | None
    cap: float | None
    daily_limit: int | None
    cap_group: str | None
    group_cap: float | None
    discharged_by: str | None


@dataclass(frozen=True)
class Driver:
    """An activity and what it brings; see contact_intent_drivers for the columns."""

    activity: str
    category: str
    measure: str | None
    activity_count: int
    last_at: datetime
    age_days: float
    decayed_amount: float
    activity_score: float
    net_points: float
    contribution: float
    rule: Rule


@dataclass(frozen=True)
class Moment:
    """The score at a midnight; None before the contact was known."""

    at: datetime
    intent_score: float | None
    segment: str | None = None


@dataclass(frozen=True)
class FitDriver:
    """What is known of the contact, and what that earns for its fit."""

    attribute: str
    value: str
    points: float
    attainable_points: float


@dataclass(frozen=True)
class Fit:
    """How well the contact fits, whatever it does."""

    score: float | None
    grade: str | None
    known_share: float | None
    drivers: Sequence[FitDriver]


@dataclass(frozen=True)
class Interest:
    """A product category that the contact cares for."""

    product_category: str
    share: float


@dataclass(frozen=True)
class NextStep:
    """The smallest single activity that would make the contact hot."""

    activity: str
    points: float
    intent_score_after: float


@dataclass(frozen=True)
class Since:
    """Since when the contact is in its segment."""

    at: datetime
    or_earlier: bool
    """True if it was in it at the earliest midnight looked at."""


@dataclass(frozen=True)
class Explanation:
    """A contact's score at a clock, and all that explains it."""

    contact_id: str
    as_of: datetime
    is_live: bool
    """True at the clock of the last build, where all is as the marts have it."""
    notes: Sequence[str]
    sheet: Sheet
    raw_score: float
    intent_score: float
    segment: str
    segment_since: Since | None
    state: str
    hot_until: datetime | None
    warm_until: datetime | None
    """NEVER, if amounts that never fade hold the score up for ever."""
    drivers: Sequence[Driver]
    """The strongest first."""
    past: Sequence[Moment]
    """The 90 midnights before, and the clock."""
    future: Sequence[Moment]
    """The 30 days after, if nothing more happens."""
    buying_stage: str | None
    fit: Fit
    interests: Sequence[Interest] | None
    """None: not known at a past clock."""
    next_step: NextStep | None
    """None: it is hot, or no single activity would do, or the clock is a past one."""
    identifiers: Mapping[str, int]
    """How many by kind."""

    def as_json(self) -> dict[str, Any]:
        """The explanation as plain data."""
        content: dict[str, Any] = plain(asdict(self))
        return content


def plain(value: Any) -> Any:
    """Data with times as text, such as `2026-05-01 00:00:00`."""
    match value:
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case datetime():
            return value.isoformat(" ", "seconds")
    return value
