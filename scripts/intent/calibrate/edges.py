"""From which score on contacts are hot or warm, by a capacity or a precision. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from intent.calibrate.model import Edge, EdgeWish, Floats, Sample
from intent.errors import BadInputError

HIGHEST = 5.0
LEAST_ROWS = 30
"""A precision of fewer is chance."""


def intent_scores(raw: Floats, scale: float) -> Floats:
    """Scores from 0 to 5, as `intent_score` makes them."""
    return HIGHEST * -np.expm1(-np.maximum(raw, 0) / scale)


@dataclass(frozen=True)
class Scored:
    """Observations, and what the draft and the present sheet score them, 0 to 5."""

    sample: Sample
    draft: Floats
    present: Floats
    share: float
    """Which part of all contacts is looked at."""


def find_edges(
    scored: Scored, present: Mapping[str, float], wishes: Sequence[EdgeWish]
) -> list[Edge]:
    """Where the bands begin: as wished for, else so that as many are in them as now.

    Args:
        scored: the observations.
        present: from which score on hot and warm begin.
        wishes: what is wanted of them.

    Raises:
        BadInputError: a wish can't be fulfilled, or both can't together.
    """
    sample, scores, share = scored.sample, scored.draft, scored.share
    after = like_now(scores, scored.present, present)
    for wish in wishes:
        if wish.capacity is not None:
            after[wish.band] = edge_by_capacity(sample, scores, share, wish)
        elif wish.precision is not None:
            after[wish.band] = edge_by_precision(sample, scores, wish)
    if after["hot"] <= after["warm"]:
        raise BadInputError(
            f"hot would begin at {after['hot']:g}, not above warm, which begins at "
            f"{after['warm']:g}. Wish for fewer hot contacts, or give --warm-capacity "
            "or --warm-precision, too."
        )
    return [
        Edge(
            band,
            present[band],
            after[band],
            float((scores >= after[band]).sum()) / len(sample.midnights) / share,
            rate_from(sample, scores, after[band]),
        )
        for band in ("hot", "warm")
    ]


def like_now(
    scores: Floats, now: Floats, present: Mapping[str, float]
) -> dict[str, float]:
    """Where bands begin if as many contacts are to be in them as by another sheet."""
    if np.array_equal(scores, now):
        return dict(present)
    after = {}
    for band, edge in present.items():
        count = int((now >= edge).sum())
        found = edge_of_most(scores, count) if count else edge
        after[band] = found if (scores >= found).any() and found < HIGHEST else edge
    return after if after["hot"] > after["warm"] else dict(present)


def rate_from(sample: Sample, scores: Floats, edge: float) -> float:
    """Which share of those from a score on converts."""
    above = scores >= edge
    return float(sample.has_converted[above].mean()) if above.any() else 0.0


def edge_by_capacity(
    sample: Sample, scores: Floats, share: float, wish: EdgeWish
) -> float:
    """The lowest edge from which on there are no more contacts than wished for."""
    most = int((wish.capacity or 0) * share * len(sample.midnights))
    edge = edge_of_most(scores, most)
    refuse_nobody(scores, edge, wish.band, "capacity", f"{wish.capacity:,} contacts")
    return edge


def edge_of_most(scores: Floats, most: int) -> float:
    """The lowest edge from which on there are at most so many rows."""
    if most >= len(scores):
        return lowest(scores)
    # Those tied with the first who is too many are out, too.
    first_out = np.sort(scores)[::-1][most]
    return max(0.01, rounded_up(float(np.nextafter(first_out, np.inf))))


def edge_by_precision(sample: Sample, scores: Floats, wish: EdgeWish) -> float:
    """The lowest edge from which on as many convert as wished for."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    rows = np.arange(1, len(ranked) + 1)
    rates = np.cumsum(sample.has_converted[order]) / rows
    # Tied contacts are in together or out together.
    is_last = np.append(ranked[1:] < ranked[:-1], True)
    could_be = is_last & (rows >= LEAST_ROWS) & (ranked > 0)
    fits = np.flatnonzero(could_be & (rates >= (wish.precision or 0)))
    if not len(fits):
        best = rates[could_be].max() if could_be.any() else 0.0
        raise BadInputError(
            f"--{wish.band}-precision: {wish.precision:.0%} is more than this score "
            f"reaches: of its highest contacts {best:.0%} convert. Wish for less."
        )
    at = fits[-1]
    below = ranked[at + 1] if at + 1 < len(ranked) else 0.0
    # Any edge between the two parts the same contacts; the shortest is readable.
    return min(rounded_up(float(np.nextafter(below, np.inf))), float(ranked[at]))


def lowest(scores: Floats) -> float:
    """The edge from which on everyone is in who scores anything."""
    above = scores[scores > 0]
    return max(0.01, float(np.floor(above.min() * 100) / 100)) if len(above) else 0.01


def rounded_up(score: float) -> float:
    """A score of two decimals, not below another."""
    return ceil(round(score * 100, 9)) / 100


def refuse_nobody(
    scores: Floats, edge: float, band: str, option: str, wished: str
) -> None:
    """Raise BadInputError for an edge that nobody reaches."""
    if edge > HIGHEST or not (scores >= edge).any():
        raise BadInputError(
            f"--{band}-{option}: no score parts off {wished} at most: more than that "
            f"share the highest, {scores.max():.2f}. Wish for more."
        )
