"""Learned sheets: that they find what is planted, and are what a build scores."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from conftest import Shop, copy_project
from intent.calibrate import CalibrationRequest, calibrate
from intent.calibrate.choosing import choose, find_draft, split
from intent.calibrate.edges import Scored, find_edges, intent_scores
from intent.calibrate.fitting import (
    FREEST,
    fit,
    interval,
    learnable,
    raw_scores,
    told_apart,
    written,
)
from intent.calibrate.likelihood import Likelihood, Number
from intent.calibrate.model import (
    GRID_STEPS,
    Amounts,
    EdgeWish,
    Kind,
    Learned,
    Sample,
    Sheet,
    Trial,
)
from intent.errors import BadInputError
from intent.rules.service import check_seeds
from intent.settings import Places
from planted import covered, plant, rule, simulate
from scipy.optimize import check_grad

NIGHTS = [datetime(2026, 1, 1) + timedelta(days=28 * at) for at in range(8)]


def random_sample(seed: int, contacts: int = 400, share: float = 0.3) -> Sample:
    """Contacts whose outcomes have nothing to do with what they did."""
    rng = np.random.default_rng(seed)
    count = contacts * len(NIGHTS)
    grid = np.cumsum(rng.gamma(1, 1, (count, 2 * GRID_STEPS + 1)), axis=1)
    return Sample(
        NIGHTS,
        np.repeat(np.arange(len(NIGHTS)), contacts),
        np.tile(np.arange(contacts), len(NIGHTS)),
        rng.random(count) < share,
        [Amounts(np.arange(count), grid)],
    )


ONE = Sheet("one", 10, [rule("viewed", 2, 14, cap=12)], {"all": 20})

# ---------------------------------------------------------------- planted worlds


@pytest.mark.parametrize("capped", [False, True], ids=["plain", "capped"])
def test_planted_numbers_are_in_nine_of_ten_intervals(capped: bool) -> None:
    found = [
        each.holds
        for seed in range(4 if capped else 8)
        for each in covered(
            plant(
                np.random.default_rng(seed),
                contacts=1500,
                activities=4,
                midnights=6,
                off=0.5,
                capped=capped,
            )
        )
        # Those that hold whatever is true prove nothing.
        if not each.is_any
    ]
    assert len(found) >= 40
    # 95% intervals: chance leaves out more than an eighth once in a hundred times.
    assert sum(found) >= 7 / 8 * len(found)


def test_a_planted_order_of_contacts_is_learned() -> None:
    world = plant(np.random.default_rng(3), contacts=800, midnights=8, off=1.2)
    parts = split(world.sample, 28)
    found = find_draft(world.present, world.sample, parts)
    auc = {trial.freedom: trial.auc for trial in found.trials}
    assert found.freedom > 0
    assert auc[found.freedom] > auc[0] + 0.01


@pytest.mark.parametrize("seed", [0, 3])
def test_what_is_proposed_is_in_its_interval_and_what_it_replaces_is_not(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    # So few contacts that numbers stay which are off, and pull at those that change.
    world = plant(rng, contacts=400, activities=6, off=1.2)
    found = find_draft(world.present, world.sample, split(world.sample, 28))
    changed = [number for number in found.numbers if number.is_changed]
    assert changed
    for number in found.numbers:
        is_told = not number.low <= number.before <= number.high
        assert number.is_changed == is_told, number
        assert number.low <= number.after <= number.high, number


def test_all_numbers_together_keep_the_mean_score() -> None:
    world = plant(np.random.default_rng(6), contacts=800, midnights=6, off=1.0)
    numbers = learnable(world.present, world.sample)
    free = fit(world.present, world.sample, numbers, FREEST, keeps_mean=True)
    now = raw_scores(world.present, world.sample, [], {}).mean()
    assert free.mean_score == pytest.approx(now, rel=0.02)


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ((0.0, 0.57), "up to 0.57"),
        ((2.234, 5.678), "2.2 to 5.7"),
        ((6.0, 15.0), "6 or more"),
        ((0.0, 15.0), "any"),
    ],
)
def test_an_interval_that_ends_where_looking_ends_says_so(
    ends: tuple[float, float], words: str
) -> None:
    number = Number(Kind.POINTS, 0, None, 3.0, 3.0, 0.0, 15.0, 100)
    found = interval(number, *ends)
    learned = Learned(
        *(Kind.POINTS, "viewed", None, 3.0, 3.0, found.low, found.high),
        *(found.goes_lower, found.goes_higher, 100),
    )
    assert learned.interval == words


def test_intervals_are_rounded_outwards() -> None:
    number = Number(Kind.POINTS, 0, None, -3.0, 3.0, 0.0, 15.0, 100, sign=-1.0)
    assert (
        interval(number, 0.631, 1.449).low,
        interval(number, 0.631, 1.449).high,
    ) == (
        -1.5,
        -0.63,
    )


def test_a_sheet_that_is_true_already_stays_nearly_as_it_is() -> None:
    changes = []
    for seed in range(3):
        world = plant(np.random.default_rng(seed), contacts=800, midnights=6, off=0)
        numbers = learnable(world.present, world.sample)
        free = fit(world.present, world.sample, numbers, FREEST, keeps_mean=True)
        changes.append(len(told_apart(free)) / len(numbers))
    assert np.mean(changes) <= 0.2


def test_points_keep_their_sign_unless_told_otherwise() -> None:
    rng = np.random.default_rng(5)
    present = Sheet("present", 20, [rule("good", 3, 20), rule("bad", 2, 20)], {})
    truth = replace(present, rules=[rule("good", 3, 20), rule("bad", -1.5, 20)])
    world = simulate(rng, present, truth, contacts=800, midnights=6)

    def learned(any_sign: bool) -> float:
        numbers = learnable(present, world.sample, any_sign)
        fitted = fit(present, world.sample, numbers, FREEST)
        return written(fitted)[Kind.POINTS, 1, None]

    assert learned(any_sign=False) == 0
    assert learned(any_sign=True) < 0


def test_points_of_what_is_done_to_a_contact_do_not_begin() -> None:
    present = replace(ONE, rules=[replace(ONE.rules[0], points=0, may_begin=False)])
    assert learnable(present, random_sample(1)) == []


def test_the_gradient_is_that_of_the_likelihood() -> None:
    world = plant(np.random.default_rng(2), contacts=100, activities=3, midnights=3)
    rules = [replace(each, cap=15.0) for each in world.present.rules]
    sheet = replace(world.present, rules=rules, group_caps={"all": 25.0})
    numbers = learnable(sheet, world.sample)
    likelihood = Likelihood(sheet, world.sample, numbers, keeps_mean=True)
    rng = np.random.default_rng(1)
    theta = likelihood.start() + rng.normal(0, 0.1, len(likelihood.start()))
    size = np.linalg.norm(likelihood.loss(theta)[1])
    error = check_grad(
        lambda at: likelihood.loss(at)[0], lambda at: likelihood.loss(at)[1], theta
    )
    assert error < 1e-4 * size


# ---------------------------------------------------------------- forward in time


def test_midnights_are_parted_in_the_order_of_time_and_outcomes_do_not_reach_over() -> (
    None
):
    sample = random_sample(1)
    for horizon in (7, 28, 40):
        parts = split(sample, horizon)
        nights = [
            {NIGHTS[at] for at in sample.midnight[rows]}
            for rows in (parts.learning, parts.choosing, parts.reporting)
        ]
        over = timedelta(days=horizon)
        assert max(nights[0]) + over <= min(nights[1])
        assert max(nights[1]) + over <= min(nights[2])
        assert max(nights[2]) == NIGHTS[-1]


def test_what_is_reported_on_changes_nothing_that_is_learned() -> None:
    world = plant(np.random.default_rng(8), contacts=500, activities=2, midnights=8)
    parts = split(world.sample, 28)
    turned = world.sample.has_converted ^ parts.reporting
    found = [
        find_draft(world.present, sample, parts).values
        for sample in (world.sample, replace(world.sample, has_converted=turned))
    ]
    assert found[0]
    assert found[0] == found[1]


def test_the_trial_that_changes_least_is_chosen_of_those_about_as_good() -> None:
    trials = [Trial(0, 0.7), Trial(0.1, 0.7108), Trial(1, 0.711), Trial(3, 0.705)]
    assert choose(trials) == 0.1


# ---------------------------------------------------------------- bad input


def test_too_few_midnights_are_told() -> None:
    sample = random_sample(1)
    with pytest.raises(BadInputError, match="2 midnights are too few"):
        split(sample.of(sample.midnight < 2), 28)


@pytest.mark.parametrize(
    ("converted", "words"),
    [
        (lambda sample: np.zeros(sample.count, dtype=bool), "none converted"),
        (lambda sample: np.ones(sample.count, dtype=bool), "all converted"),
        (lambda sample: sample.contact < 5, "5 of 400 converted"),
    ],
    ids=["none", "all", "few"],
)
def test_outcomes_that_tell_nothing_are_told(
    converted: Callable[[Sample], Any], words: str
) -> None:
    sample = random_sample(1)
    with pytest.raises(BadInputError, match=words):
        split(replace(sample, has_converted=converted(sample)), 28)


def test_nothing_is_learned_of_what_nobody_did() -> None:
    sample = random_sample(1)
    nothing = Amounts(np.zeros(0, dtype=np.int64), np.zeros((0, 2 * GRID_STEPS + 1)))
    sample = replace(sample, amounts=[nothing])
    with pytest.raises(BadInputError, match="no activity of the sheet one"):
        find_draft(ONE, sample, split(sample, 28))


def test_chance_alone_changes_nothing() -> None:
    sample = random_sample(4)
    found = find_draft(ONE, sample, split(sample, 28))
    changed = [number for number in found.numbers if number.is_changed]
    assert len(changed) <= 1


def test_constant_amounts_change_nothing() -> None:
    sample = random_sample(4)
    same = Amounts(np.arange(sample.count), np.ones_like(sample.amounts[0].grid))
    sample = replace(sample, amounts=[same])
    found = find_draft(ONE, sample, split(sample, 28))
    assert not any(number.is_changed for number in found.numbers)
    assert all(np.isfinite([each.low, each.high]).all() for each in found.numbers)


def test_fewer_contacts_than_numbers_are_told() -> None:
    sample = random_sample(1, contacts=20)
    many = replace(ONE, rules=[rule(f"a{at}", 1, 14, 5) for at in range(30)])
    assert len(many.rules) > 20
    with pytest.raises(BadInputError, match="too little to learn from"):
        split(replace(sample, amounts=list(sample.amounts) * 30), 28)


def test_collinear_activities_have_finite_intervals() -> None:
    sample = random_sample(1)
    twins = replace(ONE, rules=[rule("a", 1, 14), rule("b", 1, 14)])
    sample = replace(sample, amounts=list(sample.amounts) * 2)
    found = find_draft(twins, sample, split(sample, 28))
    assert all(np.isfinite([each.low, each.high]).all() for each in found.numbers)


# ---------------------------------------------------------------- where bands begin


def edges(*wishes: EdgeWish) -> dict[str, Any]:
    sample = random_sample(9)
    rng = np.random.default_rng(2)
    raw = rng.gamma(1, 6, sample.count)
    sample = replace(sample, has_converted=rng.random(sample.count) < raw / 50)
    scores = np.round(intent_scores(raw, 10), 9)
    # By the present sheet all have twice the points.
    now = np.round(intent_scores(2 * raw, 10), 9)
    scored = Scored(sample, scores, now, 1.0)
    present = {"hot": 3.0, "warm": 1.0}
    return {edge.band: edge for edge in find_edges(scored, present, wishes)}


def test_as_many_are_hot_and_warm_as_before_without_a_wish() -> None:
    found = edges()
    half = 10 * np.log(1 / (1 - np.array([3, 1]) / 5)) / 2
    expected = intent_scores(half, 10)
    assert found["hot"].after == pytest.approx(expected[0], abs=0.02)
    assert found["warm"].after == pytest.approx(expected[1], abs=0.02)


def test_a_capacity_is_kept_and_used() -> None:
    found = edges(EdgeWish("hot", capacity=20))
    assert 15 <= found["hot"].contacts <= 20


def test_a_precision_is_reached() -> None:
    found = edges(EdgeWish("hot", precision=0.5))
    assert found["hot"].precision >= 0.5
    assert found["hot"].contacts > 5


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (EdgeWish("hot", precision=0.999), "more than this score reaches"),
        (EdgeWish("hot", capacity=390), "not above warm"),
    ],
    ids=["precision", "capacity"],
)
def test_wishes_that_cannot_be_are_told(wish: EdgeWish, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        edges(wish)


# ---------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def calibrated(
    demo_shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Shop, Mapping[str, Any]]:
    """The demo shop with a draft that was learned, in a project of its own."""
    folder = tmp_path_factory.mktemp("calibrated")
    shop = demo_shop.copy_to(folder / "shop")
    shop = Shop(shop.folder, copy_project(folder / "project"))
    # So small a shop has too few buyers to learn from.
    settings = shop.project / "dbt_project.yml"
    text = settings.read_text("utf-8")
    wanted = text.replace("activities: [purchase]", "activities: [checkout_started]")
    assert wanted != text
    settings.write_text(wanted, "utf-8")
    done = shop.intent("calibrate", "--json", "--hot-capacity", "30")
    assert done.returncode == 0, done.stdout + done.stderr
    return shop, json.loads(done.stdout)


def test_the_draft_is_a_sheet_without_faults(
    calibrated: tuple[Shop, Mapping[str, Any]],
) -> None:
    shop, found = calibrated
    assert found["is_written"]
    assert check_seeds(shop.project / "seeds") == []
    models = (shop.project / "seeds/rules/score_models.csv").read_text()
    assert "purchase_learned,draft,false,10," in models
    edge = next(each for each in found["edges"] if each["band"] == "hot")
    bands = (shop.project / "seeds/rules/score_bands.csv").read_text()
    assert f"purchase_learned,hot,{edge['after']:g}," in bands


@pytest.mark.proofs
def test_a_build_scores_the_draft_as_it_was_learned(
    calibrated: tuple[Shop, Mapping[str, Any]],
) -> None:
    """The draft's AUC by the models, at the midnights that were reported on."""
    shop, found = calibrated
    reported = found["reported_at"]
    variables = {
        "intent_as_of": "2026-07-01",
        "intent_evaluation": {
            "last": reported[-1],
            "midnights": 12,
            "every_days": 28,
        },
    }
    seeded = shop.dbt("seed", "--quiet")
    assert seeded.returncode == 0, seeded.stdout
    built = shop.dbt(
        *("run", "--quiet", "--select", "int_rule_versions+,+score_quality"),
        variables=variables,
    )
    assert built.returncode == 0, built.stdout
    auc = shop.value(
        "select avg(roc_auc) from score_quality"
        " where scorer = 'purchase_learned' and horizon_days = 28"
        f" and as_of >= '{reported[0]}'"
    )
    assert auc == pytest.approx(found["compared"][0]["roc_auc"], abs=0.002)


def asked(shop: Shop, **wanted: Any) -> BadInputError:
    """What is said to who asks for what can't be."""
    folder = shop.folder
    places = Places(
        *(shop.project, shop.warehouse, shop.landing),
        *(folder / "published", folder / "ledger.duckdb", folder / "erasures"),
    )
    with pytest.raises(BadInputError) as refused:
        calibrate(places, CalibrationRequest(**wanted))
    return refused.value


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"last": date(2031, 1, 1)}, "is after"),
        ({"last": date(2020, 1, 1)}, "there is nothing before"),
        ({"sheet": "purchas"}, "did you mean"),
        ({"horizon": 9}, "are not looked at"),
        ({"midnights": 0}, "no number of midnights"),
        ({"draft": "loyalty"}, "Only drafts are replaced"),
        ({"draft": "Not A Name"}, "small letters"),
        ({"wishes": [EdgeWish("hot", capacity=0)]}, "no capacity"),
        ({"wishes": [EdgeWish("hot", precision=40)]}, "between 0 and 1"),
        ({"wishes": [EdgeWish("hot", 9, 0.4)]}, "Give one of them"),
    ],
)
def test_what_cannot_be_asked_for_is_told(
    demo_shop: Shop, wanted: dict[str, Any], words: str
) -> None:
    assert words in str(asked(demo_shop, **wanted))


def test_a_sheet_with_an_activity_that_is_unknown_is_told(
    own_shop: Shop, demo_shop: Shop
) -> None:
    rules = own_shop.project / "seeds/rules/activity_rules.csv"
    rules.write_text(rules.read_text() + "purchase,levitated,,1,7,,,,true,\n")
    shop = Shop(demo_shop.folder, own_shop.project)
    assert "intent rules check" in str(asked(shop))


def test_faults_have_an_exit_code_and_no_traceback(demo_shop: Shop) -> None:
    done = demo_shop.intent("calibrate", "--last", "tomorrow")
    assert done.returncode == 3
    assert "no day of the calendar" in done.stderr
    assert "Traceback" not in done.stderr
