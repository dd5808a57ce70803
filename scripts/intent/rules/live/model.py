"""What a plan holds: what would change if another sheet were the primary one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

SEGMENTS = ("hot", "warm", "cold")


class Guard(StrEnum):
    """What stops a publish until it is allowed."""

    MOVED = "moved"
    WORSE = "worse"


@dataclass(frozen=True)
class Movement:
    """How contacts would move between segments."""

    counts: Mapping[tuple[str, str], int]
    """Contacts by the segment that they are in and the one that they would be in."""
    score_before: float | None
    """The mean over all contacts; None if there are none."""
    score_after: float | None

    @property
    def contacts(self) -> int:
        """All contacts that are scored."""
        return sum(self.counts.values())

    @property
    def moved(self) -> int:
        """Those that would be in another segment."""
        return sum(
            count for (before, after), count in self.counts.items() if before != after
        )

    @property
    def share(self) -> float:
        """The same as a share of all."""
        return self.moved / self.contacts if self.contacts else 0.0

    def before(self, segment: str) -> int:
        """How many are in a segment."""
        return sum(self.counts.get((segment, after), 0) for after in SEGMENTS)

    def after(self, segment: str) -> int:
        """How many would be in a segment."""
        return sum(self.counts.get((before, segment), 0) for before in SEGMENTS)


@dataclass(frozen=True)
class Mover:
    """A contact that would be in another segment."""

    contact_id: str
    segment_before: str
    segment_after: str
    score_before: float
    score_after: float
    reasons: Mapping[str, float]
    """By how much the part of each activity would differ; they add up to the difference
    of the scores."""


@dataclass(frozen=True)
class Quality:
    """How well both sheets told at past midnights what came next."""

    horizon_days: int
    midnights: int
    """Those at which both could be measured."""
    roc_auc_before: float
    roc_auc_after: float
    roc_auc_spread: float | None
    """The standard deviation of the differences; None for one midnight."""
    lift_before: float | None
    """Of the tenth with the highest scores."""
    lift_after: float | None


@dataclass(frozen=True)
class Writes:
    """What a sync would send."""

    sync: str
    destination: str
    now: int
    """Rows that are due anyway."""
    then: int
    """Rows that would be due."""
    requests: int
    minutes: float
    stops: Sequence[str]
    """The guards of the sync that would stop it, in words."""


@dataclass(frozen=True)
class Finding:
    """Something in a sheet that is hardly meant so."""

    kind: str
    words: str
    rules: Sequence[str] = ()
    """The activities, audiences or syncs that it is about."""


@dataclass(frozen=True)
class SheetPlan:
    """What would change if a sheet became the primary one."""

    sheet: str
    primary: str
    as_of: datetime
    movement: Movement
    movers: Sequence[Mover]
    quality: Sequence[Quality]
    no_quality: str
    """Why there is no quality, in words; '' if there is."""
    writes: Sequence[Writes]
    no_writes: str
    """Why no writes were counted, in words; '' if they were."""
    findings: Sequence[Finding]
    guards: Sequence[str]
    """What stops a publish, in words that begin with the guard's name."""
    seeds: str
    """What tells the rule sheets that it is of from others."""

    def as_json(self) -> dict[str, Any]:
        """The plan as plain data."""
        plain = asdict(self)
        return {
            **plain,
            "as_of": self.as_of.isoformat() + "Z",
            "movement": {
                "contacts": self.movement.contacts,
                "moved": self.movement.moved,
                "share": self.movement.share,
                "score_before": self.movement.score_before,
                "score_after": self.movement.score_after,
                "segments": [
                    {
                        "from": before,
                        "to": after,
                        "contacts": self.movement.counts.get((before, after), 0),
                    }
                    for before in SEGMENTS
                    for after in SEGMENTS
                ],
            },
        }
