"""What the gate decides, case by case and by its promises."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from intent.evaluate.gate import LEAST, judge
from intent.evaluate.model import (
    Band,
    Estimate,
    Evaluation,
    MidnightQuality,
    Scorer,
    Share,
    Sheet,
    State,
    Target,
)
from intent.evaluate.settings import Floors
from intent.evaluate.statistics import share_of, wilson

NAMES = ("hot", "warm", "cold")
FLOORS = Floors(worse_by=0.01, roc_auc=0.55)
Counts = Sequence[tuple[int, int]]
GOOD: Counts = ((50, 100), (100, 400), (50, 1000))


def share(hits: int, of: int) -> Share:
    return Share(hits, of, *wilson(hits, of))


def evaluation(
    bands: Counts = GOOD,
    aucs: Sequence[float | None] = (0.7,),
    beside: Estimate | None = None,
    contacts: tuple[int, int] = (500, 500),
) -> Evaluation:
    """An evaluation of one sheet: conversions and contacts of its bands, its AUCs."""
    shares = [share(hits, of) for hits, of in bands]
    return evaluation_of(shares, aucs, beside, contacts)


def evaluation_of(
    shares: Sequence[Share],
    aucs: Sequence[float | None] = (0.7,),
    beside: Estimate | None = None,
    contacts: tuple[int, int] = (500, 500),
) -> Evaluation:
    midnights = [
        MidnightQuality(date(2026, 5, 1), 9, 9, 0.5, auc, 0.3, 2.0, 0.2, 0.6, True)
        for auc in aucs
    ]
    return Evaluation(
        target=Target(("purchase",), 90),
        sheet="purchase",
        horizon_days=28,
        midnights=[date(2026, 5, 1)],
        contacts=1000,
        contacts_with=contacts[0],
        contacts_without=contacts[1],
        scorers=[
            Scorer("purchase", "sheet", "active", midnights, (), None, beside),
        ],
        sheets=[
            Sheet(
                "purchase",
                bands=[
                    Band(name, rank, each)
                    for rank, (name, each) in enumerate(
                        zip(NAMES, shares, strict=True), 1
                    )
                ],
                bins=(),
                held_out=(),
            )
        ],
        drift=(),
        horizons=(),
    )


def failed(found: Evaluation, floors: Floors = FLOORS) -> list[str]:
    """The checks that a sheet does not pass."""
    verdict = judge(found, floors, ["purchase"])
    assert (verdict.state is State.FAILED) == bool(verdict.failures)
    return [each.check for each in verdict.failures]


@pytest.mark.parametrize(
    ("bands", "is_failed"),
    [
        pytest.param(GOOD, False, id="in order"),
        pytest.param(((50, 1000), (100, 400), (50, 100)), True, id="turned round"),
        pytest.param(((50, 100), (50, 1000), (100, 400)), True, id="cold before warm"),
        pytest.param(((20, 100), (100, 400), (250, 500)), True, id="cold before hot"),
        pytest.param(((1, 5), (100, 400), (50, 1000)), False, id="few are hot: noise"),
        pytest.param(
            ((0, 3), (200, 400), (50, 1000)), False, id="none of three: noise"
        ),
        pytest.param(((0, 40), (200, 400), (50, 1000)), True, id="none of forty"),
        pytest.param(((98, 400), (100, 400), (50, 1000)), False, id="alike"),
        pytest.param(((0, 0), (100, 400), (50, 1000)), False, id="nobody is hot"),
        pytest.param(((0, 0), (50, 1000), (100, 400)), True, id="nobody hot, wrong"),
        pytest.param(((0, 0), (0, 0), (50, 1000)), False, id="all are cold"),
        pytest.param(((100, 100), (400, 400), (1000, 1000)), False, id="all convert"),
    ],
)
def test_bands_have_to_be_in_order_but_for_chance(
    bands: Counts, is_failed: bool
) -> None:
    assert failed(evaluation(bands)) == (["bands"] if is_failed else [])


def test_what_is_wrong_with_bands_is_said() -> None:
    [check] = judge(
        evaluation(((50, 1000), (100, 400), (50, 100))), FLOORS, ["purchase"]
    ).failures
    assert "warm converts 25.0%, more than hot with 5.0% (by 20.0, 95%" in check.says
    [fine, _] = judge(
        evaluation(((98, 400), (100, 400), (50, 1000))), FLOORS, ["purchase"]
    ).checks
    assert fine.passed
    assert fine.says.startswith("in order within chance: warm converts 25.0%")
    [alone, _] = judge(
        evaluation(((0, 0), (0, 0), (50, 1000))), FLOORS, ["purchase"]
    ).checks
    assert alone.says == "cold 5.0%; no other band has contacts"


COUNTS = st.tuples(st.integers(0, 200), st.integers(0, 200)).map(
    lambda pair: (min(pair), max(pair))
)
THREE = st.tuples(COUNTS, COUNTS, COUNTS)


@given(THREE)
def test_bands_in_order_never_fail(bands: Counts) -> None:
    rates = sorted(hits / of if of else 0 for hits, of in bands)
    ordered = [(round(rate * 200), 200) for rate in reversed(rates)]
    assert failed(evaluation(ordered)) == []


@given(THREE, st.integers(2, 50))
def test_more_of_the_same_never_turns_a_failure_into_a_pass(
    bands: Counts, times: int
) -> None:
    if failed(evaluation(bands)):
        more = [(hits * times, of * times) for hits, of in bands]
        assert failed(evaluation(more)) == ["bands"]


@given(THREE)
def test_bands_fail_only_if_a_cooler_one_converts_more(bands: Counts) -> None:
    if failed(evaluation(bands)):
        rates = [hits / of for hits, of in bands if of]
        assert rates != sorted(rates, reverse=True)


def test_chance_alone_seldom_fails_a_sheet() -> None:
    """Bands that do the same, by contacts who stand there at ten midnights."""
    rng = np.random.default_rng(2)
    failures = 0
    for _ in range(300):
        shares = [
            share_of(
                np.full(contacts, 10),
                rng.binomial(10, rng.beta(1, 3, size=contacts)),
            )
            for contacts in (20, 100, 300)
        ]
        failures += bool(failed(evaluation_of(shares)))
    assert failures <= 0.1 * 300


@pytest.mark.parametrize(
    ("beside", "worse_by", "is_failed"),
    [
        pytest.param(Estimate(0.02, 0.01, 0.03), 0.01, False, id="better"),
        pytest.param(Estimate(-0.005, -0.008, -0.002), 0.01, False, id="a little less"),
        pytest.param(Estimate(-0.005, -0.008, -0.002), 0.0, True, id="none allowed"),
        pytest.param(Estimate(-0.02, -0.03, -0.01), 0.01, True, id="worse"),
        pytest.param(Estimate(-0.02, -0.06, 0.02), 0.01, False, id="may be chance"),
        pytest.param(None, 0.0, False, id="there is no baseline"),
    ],
)
def test_a_sheet_must_not_be_worse_than_undecayed_points(
    beside: Estimate | None, worse_by: float, is_failed: bool
) -> None:
    found = evaluation(beside=beside)
    assert failed(found, Floors(worse_by=worse_by)) == ["undecayed"] * is_failed


@given(st.floats(-0.3, 0.3), st.floats(0, 0.3), st.floats(0, 0.1))
def test_worse_means_by_more_than_allowed_and_by_more_than_chance(
    value: float, reach: float, worse_by: float
) -> None:
    beside = Estimate(value, value - reach, value + reach)
    is_worse = value < -worse_by and value + reach < 0
    found = evaluation(beside=beside)
    assert failed(found, Floors(worse_by=worse_by)) == ["undecayed"] * is_worse


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0, 1))
def test_a_floor_is_for_the_mean_over_the_midnights(
    aucs: list[float], floor: float
) -> None:
    mean = float(np.mean(aucs))
    if abs(mean - floor) > 1e-9:
        is_under = mean < floor
        found = evaluation(aucs=aucs)
        assert failed(found, Floors(roc_auc=floor)) == ["roc_auc"] * is_under


@pytest.mark.parametrize(
    ("floors", "checks"),
    [
        (Floors(), []),
        (Floors(pr_auc=0.31), ["pr_auc"]),
        (Floors(pr_auc=0.3, top_decile_lift=2.0), []),
        (Floors(top_decile_lift=2.1, share_caught_hot=0.3), None),
        (Floors(share_caught_hot_or_warm=0.7), ["share_caught_hot_or_warm"]),
    ],
)
def test_each_measure_can_have_a_floor(
    floors: Floors, checks: list[str] | None
) -> None:
    expected = ["top_decile_lift", "share_caught_hot"] if checks is None else checks
    assert failed(evaluation(), floors) == expected


def test_a_measure_that_is_not_known_is_under_its_floor() -> None:
    assert failed(evaluation(aucs=[None, None])) == ["roc_auc"]


@given(st.integers(0, 300), st.integers(0, 300))
def test_it_abstains_under_a_hundred_contacts_of_either_kind(
    did: int, did_not: int
) -> None:
    bad = evaluation(((5, 1000), (100, 400), (50, 100)), contacts=(did, did_not))
    verdict = judge(bad, FLOORS, ["purchase"])
    if did < LEAST or did_not < LEAST:
        assert verdict.state is State.ABSTAINED
        assert (verdict.checks, verdict.failures) == ((), [])
        assert f"{did:,} contacts did it within 28 days" in verdict.reason
    else:
        assert verdict.state is State.FAILED


def test_only_the_sheets_that_are_asked_for_are_judged() -> None:
    bad = evaluation(((5, 1000), (100, 400), (50, 100)))
    other = replace(bad.sheets[0], score_model="draft")
    two = replace(
        bad,
        sheets=[*evaluation().sheets, other],
        scorers=[*bad.scorers, replace(bad.scorers[0], name="draft")],
    )
    assert judge(two, FLOORS, ["purchase"]).state is State.PASSED
    assert judge(two, FLOORS, ["purchase", "draft"]).state is State.FAILED
