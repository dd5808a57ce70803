"""What evaluations compute by themselves: intervals, and the AUC with its spread.

All is pure. A contact stands in the data once per midnight, and whoever bought after
one is likelier to buy after the next; so intervals count contacts, not rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from intent.evaluate.model import Estimate, Share

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

Z = 1.959963984540054
"""What 95% of a normal distribution lie within, on both sides."""


@dataclass(frozen=True)
class Placed:
    """The AUC at one midnight, and what each contact does to it."""

    auc: float
    influence: Floats
    """Sums to 0. The variance of the AUC is the sum of its squares."""


def wilson(hits: float, trials: float) -> tuple[float, float]:
    """The 95% interval of a share by Wilson; (0, 1) of nothing.

    Both may be fractions: what many rows of few contacts are worth.
    """
    if trials <= 0:
        return 0.0, 1.0
    rate = hits / trials
    middle = rate + Z * Z / (2 * trials)
    reach = Z * sqrt(rate * (1 - rate) / trials + Z * Z / (4 * trials * trials))
    whole = 1 + Z * Z / trials
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)


def worth(rows: Integers, hits: Integers) -> float:
    """How many independent rows those of some contacts are worth.

    For each contact how many rows it has and how many of them are hits. The rows are as
    many as give the share's variance between contacts: never more than there are, and
    the contacts themselves where all or none are hits, as nothing tells then.
    """
    is_there = rows > 0
    rows, hits = rows[is_there], hits[is_there]
    contacts, all_rows = len(rows), int(rows.sum())
    if contacts < 2:
        return float(contacts)
    rate = hits.sum() / all_rows
    if rate in (0, 1):
        return float(contacts)
    strays = hits - rate * rows
    variance = float((strays**2).sum()) / all_rows**2
    if variance == 0:
        return float(contacts)
    return float(min(all_rows, max(1.0, rate * (1 - rate) / variance)))


def share_of(rows: Integers, hits: Integers) -> Share:
    """The share of hits in the rows of some contacts, with its 95% interval."""
    all_rows, all_hits = int(rows.sum()), int(hits.sum())
    if not all_rows:
        return Share(0, 0, 0.0, 1.0)
    effective = worth(rows, hits)
    low, high = wilson(all_hits / all_rows * effective, effective)
    return Share(all_hits, all_rows, low, high)


def difference(first: Share, second: Share) -> Estimate:
    """The first share minus the second, with its 95% interval by Newcombe."""
    apart = first.rate - second.rate
    down = sqrt((first.rate - first.low) ** 2 + (second.high - second.rate) ** 2)
    up = sqrt((first.high - first.rate) ** 2 + (second.rate - second.low) ** 2)
    return Estimate(apart, max(-1.0, apart - down), min(1.0, apart + up))


def place(scores: Floats, is_hit: Booleans) -> Placed | None:
    """The ROC AUC of scores, ties counting half; None unless some hit and some don't.

    The influences are those of DeLong: by how much of the others each is ahead.
    """
    hits, misses = int(is_hit.sum()), int((~is_hit).sum())
    if not hits or not misses:
        return None
    _, level = np.unique(scores, return_inverse=True)
    missed = np.bincount(level, weights=~is_hit)
    hit = np.bincount(level, weights=is_hit)
    misses_below = np.cumsum(missed) - missed / 2
    hits_above = hits - np.cumsum(hit) + hit / 2
    ahead = np.where(is_hit, misses_below[level] / misses, hits_above[level] / hits)
    auc = float(ahead[is_hit].mean())
    return Placed(auc, (ahead - auc) / np.where(is_hit, hits, misses))


def mean_auc(
    placed: Sequence[Placed], contacts: Sequence[npt.NDArray[Any]]
) -> Estimate | None:
    """The mean AUC over midnights with its 95% interval; None of none.

    `contacts` says whose each influence is, as whole numbers from 0 on: a contact's
    influences at all midnights are one.
    """
    if not placed:
        return None
    value = float(np.mean([each.auc for each in placed]))
    error = standard_error([each.influence for each in placed], contacts)
    return Estimate(value, max(0.0, value - Z * error), min(1.0, value + Z * error))


def mean_difference(
    first: Sequence[Placed],
    second: Sequence[Placed],
    contacts: Sequence[npt.NDArray[Any]],
) -> Estimate | None:
    """The first scorer's mean AUC minus the second's, both on the same contacts."""
    if not first:
        return None
    pairs = list(zip(first, second, strict=True))
    value = float(np.mean([one.auc - other.auc for one, other in pairs]))
    influences = [one.influence - other.influence for one, other in pairs]
    error = standard_error(influences, contacts)
    return Estimate(value, max(-1.0, value - Z * error), min(1.0, value + Z * error))


def standard_error(
    influences: Sequence[Floats], contacts: Sequence[npt.NDArray[Any]]
) -> float:
    """The standard error of a mean over midnights of what influences tell."""
    summed = np.bincount(
        np.concatenate(list(contacts)), weights=np.concatenate(list(influences))
    )
    return float(np.sqrt((summed**2).sum())) / len(influences)
