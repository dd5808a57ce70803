"""The reference's maths, against numbers worked by hand from the design."""

import math
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import maths
from reference.activities import DayFact, Part
from reference.rules import Band, Rule, Sheet
from reference.score import Day, Days, DriverRow, ScoreRow, band_of, score_days
from reference.values import SECONDS_PER_DAY, seconds_of

NOW = seconds_of(datetime(2026, 5, 1))


def days_ago(days: float, quantity: int = 1) -> Day:
    return Day(quantity, NOW - round(days * SECONDS_PER_DAY))


def sheet(
    rules: dict[str, Rule],
    scale: float = 10,
    cap_groups: dict[str, str] | None = None,
    group_caps: dict[str, float] | None = None,
) -> Sheet:
    return Sheet(
        name="main",
        is_primary=True,
        scale=scale,
        rules=rules,
        cap_groups=cap_groups or {},
        group_caps=group_caps or {},
        bands=(
            Band("hot", 3.0, 1, 2.7),
            Band("warm", 1.0, 2, 0.8),
            Band("cold", 0.0, 3, 0.0),
        ),
    )


def score_one(rule: Rule, *days: Day, scale: float = 10) -> tuple[ScoreRow, DriverRow]:
    score, drivers = score_days({"a": days}, sheet({"a": rule}, scale), NOW)
    return score, drivers["a"]


CHECKOUT = Rule(points=3, half_life_days=3, cap=9, daily_limit=20)


@pytest.mark.parametrize(
    ("day", "amount", "activity_score", "intent_score"),
    [
        (days_ago(3), 1.5, 1.38166, 0.55248),
        (days_ago(0), 3.0, 2.55122, 0.97215),
        (days_ago(0, quantity=20), 60.0, 8.98855, 2.66574),
    ],
)
def test_worked_example(
    day: Day, amount: float, activity_score: float, intent_score: float
) -> None:
    score, driver = score_one(CHECKOUT, day, scale=11.8)
    assert driver.decayed_amount == pytest.approx(amount, abs=1e-12)
    assert driver.activity_score == pytest.approx(activity_score, abs=5e-6)
    assert score.raw_score == pytest.approx(activity_score, abs=5e-6)
    assert score.intent_score == pytest.approx(intent_score, abs=5e-6)
    assert driver.contribution == pytest.approx(score.intent_score, abs=1e-12)


def test_exactly_one_half_life_halves() -> None:
    assert maths.decay(7, 7) == 0.5
    _, driver = score_one(Rule(points=4, half_life_days=7), days_ago(7))
    assert driver.decayed_amount == 2.0


def test_blank_half_life_never_fades() -> None:
    _, driver = score_one(Rule(points=4), days_ago(3650))
    assert driver.decayed_amount == 4.0


def test_age_is_never_negative() -> None:
    _, driver = score_one(Rule(points=4, half_life_days=1), days_ago(-0.5))
    assert driver.decayed_amount == 4.0


def test_very_old_days_fade_to_nothing() -> None:
    _, driver = score_one(Rule(points=4, half_life_days=0.01), days_ago(3650))
    assert driver.decayed_amount == 0.0


def test_daily_limit_is_per_day_and_before_decay() -> None:
    rule = Rule(points=1, half_life_days=1, daily_limit=5)
    # 5 of 9 today, 5 of 100 yesterday, 3 the day before: 5 + 2.5 + 0.75.
    _, driver = score_one(rule, days_ago(0, 9), days_ago(1, 100), days_ago(2, 3))
    assert driver.activity_count == 13
    assert driver.decayed_amount == 8.25


def test_daily_limit_is_per_identifier() -> None:
    # The same day of two identifiers is two facts.
    _, driver = score_one(Rule(points=1, daily_limit=5), days_ago(0, 9), days_ago(0, 9))
    assert driver.activity_count == 10


def test_cap_has_diminishing_returns() -> None:
    assert maths.activity_score(6, 6) == pytest.approx(3.79272, abs=5e-6)
    assert maths.activity_score(6000, 6) == pytest.approx(6)
    assert maths.activity_score(6000, None) == 6000


def test_cap_of_negative_points() -> None:
    _, driver = score_one(Rule(points=-5, half_life_days=90, cap=10), days_ago(0))
    assert driver.activity_score == pytest.approx(-3.93469, abs=5e-6)


def test_phi() -> None:
    assert maths.phi(0) == 1
    assert maths.phi(1) == pytest.approx(0.63212, abs=5e-6)
    assert maths.phi(-1) == pytest.approx(1.71828, abs=5e-6)
    # The series and the formula meet.
    assert maths.phi(0.99999e-5) == pytest.approx(maths.phi(1.00001e-5), abs=2e-10)


def test_group_cap() -> None:
    grouped = sheet(
        {"a": Rule(points=8), "b": Rule(points=8), "c": Rule(points=8)},
        cap_groups={"a": "browse", "b": "browse", "c": "cart"},
        group_caps={"browse": 8},
    )
    days = {"a": [days_ago(0)], "b": [days_ago(0)], "c": [days_ago(0)]}
    score, drivers = score_days(days, grouped, NOW)
    # 8 * (1 - e^-2) = 6.91732 for both.
    assert drivers["a"].activity_score == 8
    assert drivers["a"].net_points == pytest.approx(3.45866, abs=5e-6)
    assert drivers["b"].net_points == pytest.approx(3.45866, abs=5e-6)
    assert drivers["c"].net_points == 8
    assert score.raw_score == pytest.approx(14.91732, abs=5e-6)


def test_group_cap_does_not_act_on_a_group_that_subtracts() -> None:
    grouped = sheet(
        {"opened": Rule(points=2), "spam": Rule(points=-5)},
        cap_groups={"opened": "email", "spam": "email"},
        group_caps={"email": 6},
    )
    days = {"opened": [days_ago(0)], "spam": [days_ago(0)]}
    score, drivers = score_days(days, grouped, NOW)
    assert drivers["opened"].net_points == 2
    assert drivers["spam"].net_points == -5
    assert score.raw_score == -3


def test_score_is_zero_where_the_raw_score_is_not_positive() -> None:
    score, driver = score_one(Rule(points=-2), days_ago(0))
    assert (score.raw_score, score.intent_score) == (-2, 0)
    assert (driver.net_points, driver.contribution) == (-2, 0)
    assert score.segment == "cold"
    assert maths.intent_score(1e-9, 10) == 0
    assert maths.intent_score(1.1e-9, 10) > 0


def test_negative_rule_pulls_down() -> None:
    rules = sheet({"bought": Rule(points=10), "returned": Rule(points=-5)})
    days = {"bought": [days_ago(0)], "returned": [days_ago(0)]}
    score, drivers = score_days(days, rules, NOW)
    # 5 * (1 - e^-0.5) = 1.96735, of which each of the 5 points has a fifth.
    assert score.intent_score == pytest.approx(1.96735, abs=5e-6)
    assert drivers["bought"].contribution == pytest.approx(3.93469, abs=5e-6)
    assert drivers["returned"].contribution == pytest.approx(-1.96735, abs=5e-6)
    assert [drivers[name].driver_rank for name in ("bought", "returned")] == [1, 2]


DISCHARGED = sheet({"cart": Rule(points=2, discharged_by="purchase")})


@pytest.mark.parametrize(
    ("cart_days_ago", "counted"), [(3, 0), (2, 0), (1.99, 1), (0, 1)]
)
def test_discharge_takes_days_up_to_the_order(
    cart_days_ago: float, counted: int
) -> None:
    # The discharging activity needs no rule of its own.
    days = {"cart": [days_ago(cart_days_ago)], "purchase": [days_ago(2), days_ago(9)]}
    score, drivers = score_days(days, DISCHARGED, NOW)
    assert drivers.keys() == {"cart"}
    assert drivers["cart"].activity_count == counted
    assert drivers["cart"].net_points == 2 * counted
    assert seconds_of(drivers["cart"].last_at) == days_ago(cart_days_ago).last_at
    assert score.raw_score == 2 * counted


def test_design_examples_of_an_abandoned_checkout_and_an_order() -> None:
    rules = {
        "session_started": Rule(1, 7, 4, 20),
        "product_viewed": Rule(1, 7, 6, 20),
        "cart_added": Rule(2, 7, 8, 5, "purchase"),
        "checkout_started": Rule(3, 3, 9, 3, "purchase"),
        "purchase": Rule(2, 60, 8, 3),
    }
    groups = {"session_started": "browse", "product_viewed": "browse"}
    purchase_sheet = sheet(rules, cap_groups=groups, group_caps={"browse": 8})
    browsed = {
        "session_started": [days_ago(0)],
        "product_viewed": [days_ago(0, 6)],
        "cart_added": [days_ago(0, 2)],
    }
    abandoned = {**browsed, "checkout_started": [days_ago(0)]}
    score, _ = score_days(abandoned, purchase_sheet, NOW)
    assert (round(score.intent_score, 2), score.segment) == (3.02, "hot")
    ordered = {**abandoned, "purchase": [days_ago(0)]}
    score, _ = score_days(ordered, purchase_sheet, NOW)
    assert (round(score.intent_score, 2), score.segment) == (2.06, "warm")


@pytest.mark.parametrize(
    ("intent_score", "band"),
    [
        (3.0, "hot"),
        (2.9999999996, "hot"),
        (2.9999999994, "warm"),
        (1.0, "warm"),
        (0.9999999994, "cold"),
        (0.0, "cold"),
    ],
)
def test_band_compares_after_rounding_to_nine_digits(
    intent_score: float, band: str
) -> None:
    assert band_of(intent_score, sheet({})) == band


def test_rank_breaks_ties_by_name() -> None:
    rules = sheet({"b": Rule(points=1), "a": Rule(points=1), "c": Rule(points=2)})
    days = {name: [days_ago(0)] for name in "abc"}
    _, drivers = score_days(days, rules, NOW)
    ranks = {name: driver.driver_rank for name, driver in drivers.items()}
    assert ranks == {"c": 1, "a": 2, "b": 3}


def test_activity_without_rule_is_no_driver() -> None:
    score, drivers = score_days({"a": [days_ago(0)]}, sheet({}), NOW)
    assert drivers == {}
    assert score == ScoreRow(0.0, 0.0, "cold", is_settled=True)


def test_day_fact_counts_an_event_up_to_the_midnight_of_its_reversal() -> None:
    day = NOW - 10 * SECONDS_PER_DAY
    reversed_on = day + 4 * SECONDS_PER_DAY
    parts = (Part(day + 60, 2, math.inf), Part(day + 3600, 5, reversed_on))
    fact = DayFact(day, 7, day + 3600, parts)
    assert fact.at(day) is None
    assert fact.at(day + SECONDS_PER_DAY) == (7, day + 3600)
    assert fact.at(reversed_on) == (7, day + 3600)
    assert fact.at(reversed_on + 1) == (2, day + 60)


def half_lives() -> st.SearchStrategy[float | None]:
    return st.one_of(st.none(), st.floats(0.5, 400))


def random_rules() -> st.SearchStrategy[Rule]:
    return st.builds(
        Rule,
        points=st.floats(-20, 20).filter(bool),
        half_life_days=half_lives(),
        cap=st.one_of(st.none(), st.floats(0.5, 50)),
        daily_limit=st.one_of(st.none(), st.integers(1, 20)),
        discharged_by=st.sampled_from([None, "d"]),
    )


def random_days() -> st.SearchStrategy[Days]:
    day = st.builds(days_ago, st.floats(0, 800), st.integers(1, 50))
    return st.dictionaries(st.sampled_from("abcd"), st.lists(day, min_size=1))


@settings(database=None, deadline=None)
@given(
    days=random_days(),
    rules=st.dictionaries(st.sampled_from("abcd"), random_rules()),
    group_cap=st.floats(1, 30),
    scale=st.floats(1, 50),
)
def test_contributions_add_up_to_the_score(
    days: Days, rules: dict[str, Rule], group_cap: float, scale: float
) -> None:
    groups = {"a": "g", "b": "g", "c": "h"}
    score, drivers = score_days(
        days, sheet(rules, scale, groups, {"g": group_cap}), NOW
    )
    total = math.fsum(driver.contribution for driver in drivers.values())
    assert total == pytest.approx(score.intent_score, abs=1e-9)
    assert 0 <= score.intent_score <= 5
    group = [drivers[name] for name in "ab" if name in drivers]
    points = math.fsum(driver.activity_score for driver in group)
    if points > 0:
        expected = -group_cap * math.expm1(-points / group_cap)
        net = math.fsum(driver.net_points for driver in group)
        assert net == pytest.approx(expected, abs=1e-9)
    ranks = sorted(driver.driver_rank for driver in drivers.values())
    assert ranks == list(range(1, len(drivers) + 1))
