"""How well scores tell what comes: measures by their definitions, and never quick."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

Z_95 = 1.959963984540054


def roc_auc(scores: Floats, has_converted: Booleans) -> float | None:
    """Compare each who did it with each who did not; ties count half."""
    hits, others = scores[has_converted], scores[~has_converted]
    if not len(hits) or not len(others):
        return None
    higher = (hits[:, None] > others[None, :]).mean()
    same = (hits[:, None] == others[None, :]).mean()
    return float(higher + same / 2)


def average_precision(scores: Floats, has_converted: Booleans) -> float | None:
    """Average, over those who did it, the precision among all not below them."""
    hits = scores[has_converted]
    if not len(hits):
        return None
    return float(np.mean([has_converted[scores >= hit].mean() for hit in hits]))


def tenths(order: Sequence[int]) -> list[list[int]]:
    """Part what is in order into ten, the first ones larger by one if need be."""
    size, rest = divmod(len(order), 10)
    parts, start = [], 0
    for number in range(10):
        end = start + size + (number < rest)
        parts.append(list(order[start:end]))
        start = end
    return [part for part in parts if part]


def wilson(hits: int, total: int) -> tuple[float, float] | None:
    """Solve |hits / total - p| = z sqrt(p (1 - p) / total) for p."""
    if not total:
        return None
    rate = hits / total
    squared = Z_95 * Z_95 / total
    # (1 + z2) p2 - (2 rate + z2) p + rate2 = 0
    found = np.roots([1 + squared, -(2 * rate + squared), rate * rate])
    low, high = sorted(float(each.real) for each in found)
    return low, high


def psi(before: Sequence[float], now: Sequence[float]) -> float:
    """Compare shares of the bins that are tenths of those before.

    A value is in the bin that tells how many tenths of those before have less.
    """
    ordered = np.sort(np.asarray(before))

    def bin_of(value: float) -> int:
        less = int(np.searchsorted(ordered, value, side="left"))
        return min(9, math.floor(10 * Fraction(less, len(ordered))))

    bins_before = [bin_of(value) for value in before]
    bins_now = [bin_of(value) for value in now]
    total = 0.0
    for number in {*bins_before, *bins_now}:
        was = max(bins_before.count(number) / len(before), 0.0001)
        share = max(bins_now.count(number) / len(now), 0.0001)
        total += (share - was) * math.log(share / was)
    return total


def ks(before: Sequence[float], now: Sequence[float]) -> float:
    """Return the largest distance between two distributions."""
    one, other = np.asarray(before), np.asarray(now)
    return max(
        abs(float((one <= value).mean() - (other <= value).mean()))
        for value in {*before, *now}
    )
