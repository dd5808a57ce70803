"""What becomes of a score if nothing more happens: amounts fade, caps stay."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from intent.explain.bands import COMPARED_DIGITS
from intent.explain.model import NEVER, Driver

MINUTES_PER_DAY = 24 * 60
PARTS = 16
LONGEST_MINUTES = PARTS**6
"""31 years: a score that holds so long holds for ever."""
LEAST_RAW_SCORE = 1e-9


@dataclass(frozen=True)
class Amount:
    """A decayed amount and what happens to it."""

    points: float
    half_life_days: float | None
    cap: float | None
    cap_group: str | None
    group_cap: float | None

    def after(self, minutes: int) -> float:
        """What is left of the amount, before any cap."""
        if self.half_life_days is None:
            return self.points
        halvings = minutes / MINUTES_PER_DAY / self.half_life_days
        return self.points * math.pow(0.5, min(halvings, 1000))


def amounts_of(drivers: Sequence[Driver]) -> list[Amount]:
    """The amounts behind a score."""
    return [
        Amount(
            driver.decayed_amount,
            driver.rule.half_life_days,
            driver.rule.cap,
            driver.rule.cap_group,
            driver.rule.group_cap,
        )
        for driver in drivers
        if driver.decayed_amount
    ]


def score_after(amounts: Sequence[Amount], scale: float, minutes: int) -> float:
    """The score some minutes later."""
    return score(amounts, [each.after(minutes) for each in amounts], scale)


def leaves_at(
    amounts: Sequence[Amount], scale: float, exit_below: float, as_of: datetime
) -> datetime:
    """The first minute in which the score is under an edge; NEVER if never."""
    if exit_below <= 0:
        return NEVER
    minutes = first_under(amounts, scale, exit_below, 0, LONGEST_MINUTES)
    return NEVER if minutes is None else as_of + timedelta(minutes=minutes)


def first_under(
    amounts: Sequence[Amount], scale: float, edge: float, start: int, end: int
) -> int | None:
    """The first minute after `start`, up to `end`, at which the score is under an edge.

    Within a span no amount is smaller than at its end if it is positive, and at its
    start if it is negative. A span whose score by these is not under the edge is passed
    over, so no crossing is jumped over.
    """
    floor = [each.after(end if each.points > 0 else start) for each in amounts]
    if round(score(amounts, floor, scale), COMPARED_DIGITS) >= edge:
        return None
    if end - start == 1:
        at_end = round(score_after(amounts, scale, end), COMPARED_DIGITS)
        return end if at_end < edge else None
    step = (end - start) // PARTS
    for part in range(start, end, step):
        found = first_under(amounts, scale, edge, part, part + step)
        if found is not None:
            return found
    return None


def score(amounts: Sequence[Amount], points: Sequence[float], scale: float) -> float:
    """The score of points that have the caps of some amounts."""
    groups: dict[tuple[str | None, float | None], float] = {}
    for amount, value in zip(amounts, points, strict=True):
        group = (amount.cap_group, amount.group_cap)
        groups[group] = groups.get(group, 0) + saturated(value, amount.cap)
    raw = math.fsum(
        saturated(value, cap) if value > 0 else value
        for (_, cap), value in groups.items()
    )
    return 5 * -math.expm1(-raw / scale) if raw > LEAST_RAW_SCORE else 0.0


def saturated(value: float, cap: float | None) -> float:
    """A value that approaches its cap and never passes it."""
    if cap is None:
        return value
    return math.copysign(cap * -math.expm1(-abs(value) / cap), value)
