"""What jobs have in common that import files: when to look again, to begin anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from intent.sync.model import Advice, Job, Move, Outcome, Part, Row, Verdict
from intent.sync.spec import Sync

RESTARTS = 3
FEW = 100
"""Rows of which those that were passed over are looked for by halves."""


@dataclass(frozen=True)
class Import:
    """What an import is about, and how patient we are."""

    part: Part
    sync: Sync
    poll_seconds: float
    counts_all: bool
    """Where fewer rows were processed than sent, some were passed over."""


def restarted(job: Job) -> Job:
    """Another import in place of this one, but not for ever."""
    tries = int(job.detail.get("restarts", 0)) + 1
    if tries > RESTARTS:
        return job.at("done")
    return job.at("start", vendor_id="", detail={"restarts": tries})


def look_later(job: Job, first: float, slowest: float) -> Move:
    """Look again, a little later each time, as each look is a call."""
    waited = float(job.detail.get("waited", 0.0))
    wait = min(max(first, waited / 4), slowest)
    detail = {**job.detail, "waited": waited + wait}
    return Move(job.at("poll", detail=detail), wait=wait)


def passed_over(rows: Sequence[Row], outcomes: Mapping[int, Outcome]) -> Verdict:
    """What to do where fewer rows were processed than sent, and which is not told."""
    left = len(rows) - len(outcomes)
    is_few = 1 < left <= FEW
    return Verdict(outcomes, Advice.SPLIT if is_few else Advice.RESEND)
