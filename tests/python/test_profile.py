"""Who contacts are: fit, stage, interests, accounts and audiences, once more."""

from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest
from conftest import DEMO, FEEDS, PROJECT, Row, Shop
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import read_world, score_world
from reference.conditions import Condition, soft_share
from reference.maths import intent_score
from reference.score import Result

# ---- The demo, against the reference


@pytest.fixture(scope="module")
def expected(demo_shop: Shop) -> Result:
    world = read_world(demo_shop.landing, PROJECT / "seeds", FEEDS)
    return score_world(world, datetime.fromisoformat(DEMO.until.isoformat()))


def by_contact(shop: Shop, sql: str) -> dict[str, Row]:
    return {row["contact_id"]: row for row in shop.rows(sql)}


def test_attributes_agree_with_the_reference(expected: Result, demo_shop: Shop) -> None:
    found: dict[str, dict[str, Any]] = {
        expected.contacts[key].contact_id: {} for key in expected.profiles
    }
    sql = "select * from intent_intermediate.int_contact_attributes"
    for row in demo_shop.rows(sql):
        number = row["number_value"]
        value = row["value"] if number is None else pytest.approx(number)
        found[row["contact_id"]][row["attribute"]] = value
    assert found == {
        expected.contacts[key].contact_id: dict(profile.attributes)
        for key, profile in expected.profiles.items()
    }
    known = {name for each in found.values() for name in each}
    listed = demo_shop.rows("select attribute from intent_rules.attributes")
    assert known == {row["attribute"] for row in listed}


def test_fit_agrees_with_the_reference(expected: Result, demo_shop: Shop) -> None:
    found = by_contact(demo_shop, "from contact_fit")
    assert len(found) == len(expected.profiles)
    for key, profile in expected.profiles.items():
        row = found[expected.contacts[key].contact_id]
        fit = profile.fit
        assert row["fit_score"] == pytest.approx(fit.score)
        assert row["fit_grade"] == fit.grade
        assert row["fit_known_share"] == pytest.approx(fit.known_share)
    assert {row["fit_grade"] for row in found.values()} >= {"A", "B", "C", "D"}


def test_fit_drivers_add_up_to_the_fit(demo_shop: Shop) -> None:
    assert not demo_shop.rows(
        """
        select contact_id, fit_score, sum(points) as points
        from contact_fit left join contact_fit_drivers using (contact_id)
        group by all
        having
            abs(
                fit_score - 100 * greatest(sum(points), 0) / sum(attainable_points)
            ) > 1e-9
            or (fit_score is null) <> (coalesce(sum(attainable_points), 0) = 0)
        """
    )


def test_stages_and_grades_agree_with_the_reference(
    expected: Result, demo_shop: Shop
) -> None:
    found = by_contact(demo_shop, "from contact_intent")
    ranks = {"hot": "1", "warm": "2", "cold": "3"}
    for key, profile in expected.profiles.items():
        row = found[expected.contacts[key].contact_id]
        assert row["buying_stage"] == profile.stage
        assert row["fit_score"] == pytest.approx(profile.fit.score)
        grade = profile.fit.grade
        assert row["intent_grade"] == (grade and grade + ranks[row["segment"]])
    stages = {row["buying_stage"] for row in found.values()}
    assert stages == {"awareness", "consideration", "decision", "retention", None}


def test_interests_agree_with_the_reference(expected: Result, demo_shop: Shop) -> None:
    found: dict[str, dict[str, tuple[Any, Any]]] = {}
    for row in demo_shop.rows("from contact_interests"):
        category = (pytest.approx(row["decayed_amount"]), row["last_at"])
        found.setdefault(row["contact_id"], {})[row["product_category"]] = category
    assert found == {
        expected.contacts[key].contact_id: profile.interests
        for key, profile in expected.profiles.items()
        if profile.interests
    }
    tops = by_contact(demo_shop, "select * from contact_intent")
    for key, profile in expected.profiles.items():
        contact_id = expected.contacts[key].contact_id
        assert tops[contact_id]["top_interest"] == profile.top_interest


def test_accounts_agree_with_the_reference(expected: Result, demo_shop: Shop) -> None:
    members: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for (key, sheet), score in expected.scores.items():
        account = expected.profiles[key].account
        if account is not None:
            contact_id = expected.contacts[key].contact_id
            member = (max(score.raw_score, 0.0), contact_id)
            members.setdefault((account, sheet), []).append(member)
    rows = demo_shop.rows(
        "select account_intent.*, scale from account_intent"
        " inner join intent_rules.score_models using (score_model)"
    )
    assert len(rows) == len(members) > 50
    for row in rows:
        contacts = members[row["account_id"], row["score_model"]]
        raw_score = sum(raw for raw, _ in contacts)
        assert row["contact_count"] == len(contacts)
        assert row["raw_score"] == pytest.approx(raw_score)
        together = intent_score(raw_score, row["scale"])
        assert row["intent_score"] == pytest.approx(together)
        carriers = sorted((-round(raw, 9), each) for raw, each in contacts if raw > 0)
        tops = [row[f"top_contact_{n}"] for n in (1, 2, 3)]
        assert [each for each in tops if each] == [each for _, each in carriers[:3]]
        shares = [row[f"top_contact_{n}_share"] or 0.0 for n in (1, 2, 3)]
        assert 1 + 1e-9 >= sum(shares) >= (0.3 if carriers else 0)


def test_rules_for_audiences_make_a_difference(
    expected: Result, demo_shop: Shop
) -> None:
    """That the scores agree with the reference is for test_clocks to show."""
    types = {
        expected.contacts[key].contact_id: profile.attributes["customer_type"]
        for key, profile in expected.profiles.items()
    }
    visited = demo_shop.rows(
        "select contact_id from contact_intent_drivers"
        " where score_model = 'loyalty' and activity = 'session_started'"
    )
    assert {types[row["contact_id"]] for row in visited} == {"repeat"}


# ---- Soft ranges


def soft_share_sql(distance: str, softness: str) -> str:
    """The macro by which the models compute it."""
    text = Path(PROJECT / "macros/profile/soft_share.sql").read_text()
    module: Any = jinja2.Template(text, autoescape=True).module
    return str(module.soft_share(distance, softness))


SOFT_SHARE = f"select {soft_share_sql('$distance::double', '$softness::double')}"
amounts = st.floats(0.001, 1e6)


@settings(max_examples=200, deadline=None)
@given(amounts | st.just(0.0), amounts | st.none())
def test_the_models_fade_as_the_reference(
    distance: float, softness: float | None
) -> None:
    values = {"distance": distance, "softness": softness}
    [[share]] = duckdb.execute(SOFT_SHARE, values).fetchall()
    assert float(share) == pytest.approx(soft_share(distance, softness or 0.0))


@given(
    st.floats(-1e5, 1e5),
    st.floats(0, 1e5),
    amounts,
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20),
)
def test_soft_ranges_are_bounded_monotone_and_without_steps(
    low: float, width: float, softness: float, numbers: list[float]
) -> None:
    low, high = round(low, 3), round(low + width, 3)
    condition = Condition("age", "between", f"{low:f} to {high:f}", softness)

    def share(number: float) -> float:
        return condition.share({"age": number})

    assert share(low) == share(high) == share((low + high) / 2) == 1
    assert share(low - softness) == pytest.approx(0, abs=1e-6)
    assert share(high + softness) == pytest.approx(0, abs=1e-6)
    ordered = sorted(numbers)
    for one, other in pairwise(ordered):
        assert 0 <= share(one) <= 1
        step = abs(share(one) - share(other))
        assert step <= (other - one) / softness + 1e-9
        if other <= low:
            assert share(one) <= share(other)
        if one >= high:
            assert share(one) >= share(other)
