"""What a comparison of two clocks says, as plain data."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from intent.explain.model import Sheet, plain

PARTS = ("decay", "new_activity", "corrections", "identity", "rules")
"""In the order in which they are counted; named as in contact_intent_changes."""
SMALLEST_CHANGE = 0.005
"""A score that moved by less prints as the same."""


@dataclass(frozen=True)
class Clock:
    """One of the two clocks, and what is recorded of it."""

    at: datetime
    is_live: bool
    """True for the clock of the last build, of which the marts tell."""
    basis: str | None
    """`lived` or `restated` for a midnight of the history, else None."""
    known_until: datetime | None
    """What was received by then was known; None: all that is known today."""
    rule_version: int

    @property
    def is_kept(self) -> bool:
        """True if what was said of everyone is there."""
        return self.is_live or self.basis is not None


@dataclass(frozen=True)
class RuleChange:
    """Something that the rule sheets say otherwise."""

    subject: str
    """Such as `purchase, cart_added`."""
    change: str
    """Such as `points 2 -> 3`."""


@dataclass(frozen=True)
class Comparison:
    """What is compared: two clocks, by a sheet."""

    before: Clock
    after: Clock
    sheet: Sheet
    rule_changes: Sequence[RuleChange]


@dataclass(frozen=True)
class Standing:
    """A contact at one of the clocks."""

    intent_score: float
    segment: str | None
    """None: it was no contact."""


@dataclass(frozen=True)
class Mover:
    """A driver at both clocks; 0 where it was none."""

    activity: str
    measure: str | None
    count_before: int
    count_after: int
    part_before: float
    part_after: float
    """Its contribution to the score."""

    @property
    def change(self) -> float:
        """By how much its contribution changed."""
        return self.part_after - self.part_before


@dataclass(frozen=True)
class Predecessor:
    """A contact that had some of the identifiers at the earlier clock."""

    contact_id: str
    is_known: bool
    """False for a visitor, who had no score."""
    intent_score: float


@dataclass(frozen=True)
class ContactDiff:
    """Why a contact's score changed."""

    contact_id: str
    comparison: Comparison
    notes: Sequence[str]
    before: Standing
    after: Standing
    parts: dict[str, float]
    """They add up to the difference of the scores."""
    movers: Sequence[Mover]
    """Those that moved most first."""
    predecessors: Sequence[Predecessor]
    """Others than the contact itself."""

    def as_json(self) -> dict[str, Any]:
        """The comparison as plain data."""
        content: dict[str, Any] = plain(asdict(self))
        return content


@dataclass(frozen=True)
class PartOfAll:
    """One of the five parts, over all contacts."""

    part: str
    total: float
    raised: int
    """How many scores rose mainly by it."""
    lowered: int
    """How many scores fell mainly by it."""


@dataclass(frozen=True)
class Movement:
    """How many contacts went from one segment to another."""

    from_segment: str | None
    """None: they were no contacts yet."""
    to_segment: str | None
    """None: they are no contacts any more."""
    contacts: int


@dataclass(frozen=True)
class MovedContact:
    """One of those whose scores moved most."""

    contact_id: str
    before: Standing
    after: Standing
    main_part: str


@dataclass(frozen=True)
class EveryoneDiff:
    """Why everyone's scores changed."""

    comparison: Comparison
    notes: Sequence[str]
    contacts: int
    moved: int
    total_before: float
    total_after: float
    parts: Sequence[PartOfAll]
    movements: Sequence[Movement] | None
    """None: the history has not both clocks."""
    biggest_moves: Sequence[MovedContact]

    def as_json(self) -> dict[str, Any]:
        """The comparison as plain data."""
        content: dict[str, Any] = plain(asdict(self))
        return content
