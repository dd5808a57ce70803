"""A contact's score at a later moment, from its rows of contact_decay_state alone."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from . import maths


@dataclass(frozen=True, slots=True)
class Amount:
    """What one row of contact_decay_state says that the score needs."""

    amount: float
    decay_rate_per_day: float
    cap: float | None
    cap_group: str
    group_cap: float | None


def live_score(amounts: Iterable[Amount], scale: float, days: float) -> float:
    """Score the amounts of one contact and sheet some days after their clock."""
    totals: dict[str, float] = {}
    group_caps: dict[str, float | None] = {}
    for each in amounts:
        faded = each.amount * math.exp(-each.decay_rate_per_day * days)
        points = maths.activity_score(faded, each.cap)
        totals[each.cap_group] = totals.get(each.cap_group, 0.0) + points
        group_caps[each.cap_group] = each.group_cap
    raw_score = math.fsum(
        maths.group_factor(total, group_caps[group]) * total
        for group, total in totals.items()
    )
    return maths.intent_score(raw_score, scale)
