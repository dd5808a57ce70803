"""The maths, one function per step of the design's table."""

import math

MAX_SCORE = 5.0
SMALLEST_RAW_SCORE = 1e-9
SMALLEST_PHI_ARGUMENT = 1e-5


def decay(age_days: float, half_life_days: float | None) -> float:
    """Decayed amount: the factor 0.5^(age / half-life); 1 without a half-life."""
    return 1.0 if half_life_days is None else 0.5 ** (age_days / half_life_days)


def activity_score(amount: float, cap: float | None) -> float:
    """Activity score: the amount with diminishing returns; as it is without a cap."""
    if cap is None:
        return amount
    return math.copysign(-cap * math.expm1(-abs(amount) / cap), amount)


def phi(u: float) -> float:
    """Return (1 - e^(-u)) / u, by its series near 0."""
    if abs(u) < SMALLEST_PHI_ARGUMENT:
        return 1 - u / 2 + u * u / 6
    return -math.expm1(-u) / u


def group_factor(total: float, group_cap: float | None) -> float:
    """Net points: the factor f by which a cap group's activities shrink."""
    if group_cap is None or total <= 0:
        return 1.0
    return phi(total / group_cap)


def intent_score(raw_score: float, scale: float) -> float:
    """Intent score: from 0 to 5."""
    if raw_score <= SMALLEST_RAW_SCORE:
        return 0.0
    return -MAX_SCORE * math.expm1(-raw_score / scale)


def contribution(net_points: float, raw_score: float, scale: float) -> float:
    """Contribution: an activity's share of the intent score."""
    if raw_score <= SMALLEST_RAW_SCORE:
        return 0.0
    return MAX_SCORE / scale * phi(raw_score / scale) * net_points
