"""Intervals and AUCs of evaluations, against other ways to work them out."""

from itertools import product
from math import sqrt

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from intent.evaluate.model import Share
from intent.evaluate.statistics import (
    Placed,
    Z,
    difference,
    mean_auc,
    mean_difference,
    place,
    share_of,
    wilson,
    worth,
)

Counts = npt.NDArray[np.int64]
SCORES = st.lists(
    st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40
).map(
    lambda rows: (np.array([s for s, _ in rows], float), np.array([h for _, h in rows]))
)


def plain(hits: int, of: int) -> Share:
    """A share of independent rows."""
    return Share(hits, of, *wilson(hits, of))


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_published_intervals(
    hits: int, trials: int, low: float, high: float
) -> None:
    assert wilson(hits, trials) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_bounds_are_the_rates_that_just_do_not_reject(
    hits: int, more: int
) -> None:
    trials = hits + more
    for bound in wilson(hits, trials):
        if 1e-12 < bound < 1 - 1e-12:
            error = sqrt(bound * (1 - bound) / trials)
            assert abs(hits / trials - bound) == pytest.approx(Z * error, rel=1e-6)


def test_wilson_of_nothing_is_anything() -> None:
    assert wilson(0, 0) == (0, 1)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17:873, table II, method 10.
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_differences_have_published_intervals(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    apart = difference(plain(*first), plain(*second))
    assert (apart.low, apart.high) == pytest.approx((low, high), abs=5e-5)
    assert apart.value == pytest.approx(first[0] / first[1] - second[0] / second[1])


@given(SCORES)
def test_the_auc_is_the_share_of_pairs_in_the_right_order(
    rows: tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]],
) -> None:
    scores, is_hit = rows
    placed = place(scores, is_hit)
    if is_hit.all() or not is_hit.any():
        assert placed is None
        return
    assert placed is not None
    pairs = [
        1.0 if hit > miss else 0.5 if hit == miss else 0.0
        for hit, miss in product(scores[is_hit], scores[~is_hit])
    ]
    assert placed.auc == pytest.approx(sum(pairs) / len(pairs))
    assert placed.influence.sum() == pytest.approx(0, abs=1e-9)


def test_the_variance_is_that_of_delong() -> None:
    rng = np.random.default_rng(3)
    is_hit = rng.random(60) < 0.4
    scores = np.round(rng.normal(size=60) + is_hit, 1)
    hits, misses = scores[is_hit], scores[~is_hit]
    ahead = (hits[:, None] > misses) + 0.5 * (hits[:, None] == misses)
    of_hits, of_misses = ahead.mean(axis=1), ahead.mean(axis=0)
    variance = of_hits.var() / len(hits) + of_misses.var() / len(misses)
    placed = place(scores, is_hit)
    assert placed is not None
    found = mean_auc([placed], [np.arange(60)])
    assert found is not None
    assert found.high - found.value == pytest.approx(Z * sqrt(variance))


def test_the_same_contacts_again_tell_nothing_new() -> None:
    once, contacts = placed_at(7), np.arange(300)
    one = mean_auc([once], [contacts])
    again = mean_auc([once] * 4, [contacts] * 4)
    others = mean_auc([once] * 4, [contacts + 300 * n for n in range(4)])
    assert one is not None
    assert again is not None
    assert others is not None
    assert again.high == pytest.approx(one.high)
    assert others.high - others.value == pytest.approx((one.high - one.value) / 2)


def placed_at(seed: int, strength: float = 1.0) -> Placed:
    rng = np.random.default_rng(seed)
    liking = rng.normal(size=300)
    is_hit = rng.random(300) < 1 / (1 + np.exp(-liking))
    placed = place(strength * liking + rng.normal(size=300), is_hit)
    assert placed is not None
    return placed


def test_a_scorer_is_no_better_than_itself() -> None:
    placed, contacts = placed_at(1), [np.arange(300)]
    same = mean_difference([placed], [placed], contacts)
    better = mean_difference([placed_at(1, 9)], [placed], contacts)
    assert same is not None
    assert better is not None
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert better.value > 0
    assert mean_auc([], []) is None
    assert mean_difference([], [], []) is None


def test_intervals_of_the_mean_auc_hold_the_truth() -> None:
    """Over six midnights of the same contacts, who keep their liking."""
    rng = np.random.default_rng(11)
    truth, found = [], []
    for _ in range(200):
        liking = rng.normal(size=400)
        placed = []
        for _ in range(6):
            is_hit = rng.random(400) < 1 / (1 + np.exp(1 - liking))
            at = place(liking + rng.normal(size=400), is_hit)
            assert at is not None
            placed.append(at)
        estimate = mean_auc(placed, [np.arange(400)] * 6)
        assert estimate is not None
        truth.append(estimate.value)
        found.append(estimate)
    mean = float(np.mean(truth))
    held = sum(each.low <= mean <= each.high for each in found)
    assert 0.9 * 200 <= held <= 0.995 * 200


def test_rows_of_different_contacts_are_worth_themselves() -> None:
    assert worth(ones(80), np.arange(80) % 2) == pytest.approx(80)
    found = share_of(ones(80), np.arange(80) % 4 // 3)
    assert (found.hits, found.of) == (20, 80)
    assert (found.low, found.high) == pytest.approx(wilson(20, 80))


def test_contacts_who_do_always_the_same_are_worth_one_row_each() -> None:
    assert worth(5 * ones(40), 5 * (np.arange(40) % 2)) == pytest.approx(40)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_rows_are_never_worth_more_than_they_are(counts: list[tuple[int, int]]) -> None:
    rows = np.array([of for of, _ in counts], np.int64)
    hits = np.array([min(of, hits) for of, hits in counts], np.int64)
    assert worth(rows, hits) <= rows.sum()
    share = share_of(rows, hits)
    assert 0 <= share.low <= share.rate + 1e-9
    assert share.rate - 1e-9 <= share.high <= 1


def ones(count: int) -> Counts:
    return np.ones(count, np.int64)


def test_intervals_of_shares_hold_the_truth_where_contacts_repeat() -> None:
    """Counted by rows, as if each were another contact, they would hold it less."""
    rng = np.random.default_rng(5)
    held = by_rows = 0
    for _ in range(400):
        hits = rng.binomial(10, rng.beta(1, 3, size=60))
        share = share_of(10 * ones(60), hits)
        low, high = wilson(share.hits, share.of)
        held += share.low <= 0.25 <= share.high
        by_rows += low <= 0.25 <= high
    assert held >= 0.9 * 400
    assert by_rows < 0.85 * 400
