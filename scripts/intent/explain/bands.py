"""The segment of a contact: a fold over the midnights before the clock."""

from collections.abc import Sequence
from datetime import datetime

from intent.explain.model import Edges, Moment, Since

LOOKBACK_NIGHTS = 90
COMPARED_DIGITS = 9


def segment_at(scores: Sequence[float | None], edges: Edges) -> str:
    """The segment at the last of these scores, the ones before it in order of time.

    In a band from its entry edge on, out of it under its exit, in between as before; at
    first in none. A contact that was not known scored 0.
    """
    is_hot = is_warm = False
    for score in scores:
        rounded = round(score or 0, COMPARED_DIGITS)
        is_hot = is_in(rounded, is_hot, edges.hot_enter_at, edges.hot_exit_below)
        is_warm = is_in(rounded, is_warm, edges.warm_enter_at, edges.warm_exit_below)
    return "hot" if is_hot else "warm" if is_warm else "cold"


def is_in(score: float, was_in: bool, enter_at: float, exit_below: float) -> bool:
    """True if a score is in a band, given whether the one before was."""
    return score >= enter_at or (was_in and score >= exit_below)


def with_segments(moments: Sequence[Moment], edges: Edges) -> list[Moment]:
    """Put its segment to each moment, each by the 90 before it."""
    scores = [each.intent_score for each in moments]
    return [
        Moment(
            each.at,
            each.intent_score,
            segment_at(scores[max(0, place - LOOKBACK_NIGHTS) : place + 1], edges)
            if each.intent_score is not None
            else None,
        )
        for place, each in enumerate(moments)
    ]


def since_when(moments: Sequence[Moment]) -> Since | None:
    """Since when the last segment holds without a break."""
    if not moments or moments[-1].segment is None:
        return None
    at: datetime = moments[-1].at
    for moment in reversed(moments):
        if moment.segment != moments[-1].segment:
            return Since(at, or_earlier=False)
        at = moment.at
    return Since(at, or_earlier=True)
