"""What will become of scores: live scores elsewhere, in CRMs, and until when."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from conftest import DEMO, FEEDS, PROJECT, Row, Shop
from formulas import Node, read_formula
from intent.crm_formula import crm_fields, salesforce_formula
from intent.warehouse import open_warehouse
from later import DAY, all_known, amounts_of, check_cooling
from reference import read_world, score_world
from reference.live import Amount, live_score
from reference.world import World

END = datetime(DEMO.until.year, DEMO.until.month, DEMO.until.day)
LATER = [
    END + timedelta(days=days)
    for days in (0, 1 / 1440, 0.26, 1, 3.5, 7, 12.34, 30, 100.5, 365, 1000)
]
DOCS = (PROJECT / "docs" / "future.md").read_text(encoding="utf-8")
TOLERANCE = 1e-9

Scores = dict[tuple[str, str], float]
"""By contact and sheet."""


@pytest.fixture(scope="module")
def world(demo_shop: Shop) -> World:
    return read_world(demo_shop.landing, PROJECT / "seeds", FEEDS)


# ------------------------------------------------------------- the live score, anywhere


def documented_sql(moment: datetime) -> str:
    [sql] = re.findall(r"```sql\n(.*?)```", DOCS, re.DOTALL)
    assert sql.count("2026-07-15 12:00:00") == 1
    return str(sql.replace("2026-07-15 12:00:00", f"{moment:%F %T.%f}"))


def scores_by_sql(shop: Shop, moments: Sequence[datetime]) -> list[Scores]:
    with open_warehouse(shop.warehouse) as connection:
        return [
            {
                (contact, sheet): score
                for contact, sheet, score in connection.execute(
                    documented_sql(moment)
                ).fetchall()
            }
            for moment in moments
        ]


def test_the_state_gives_every_score_at_any_later_moment(
    demo_shop: Shop, world: World
) -> None:
    by_sql = scores_by_sql(demo_shop, LATER)
    state = amounts_of(demo_shop.rows("from contact_decay_state"))
    compared = 0
    for known in all_known(world, END):
        for sheet in known.sheets(world):
            key = known.contact_id, sheet.name
            for moment, scores in zip(LATER, by_sql, strict=True):
                expected = known.score(sheet, moment)
                days = (moment - END) / DAY
                by_python = live_score(state.get(key, ()), sheet.scale, days)
                assert abs(by_python - expected) <= TOLERANCE, (key, moment)
                assert abs(scores.get(key, 0.0) - expected) <= TOLERANCE, (key, moment)
                compared += expected > 0
    assert compared > 10_000


def test_only_what_falls_due_by_time_alone_is_not_foreseen(
    demo_shop: Shop, world: World
) -> None:
    later = END + timedelta(days=20)
    [live] = scores_by_sql(demo_shop, [later])
    result = score_world(world, later)
    scores = {
        (result.contacts[contact].contact_id, sheet): row.intent_score
        for (contact, sheet), row in result.scores.items()
    }
    known_then = {known.contact_id: known for known in all_known(world, later)}
    reasons: Counter[str] = Counter()
    for known in all_known(world, END):
        then = known_then[known.contact_id]
        differs = {
            "derived": then.derived != known.derived,
            "audiences": then.audiences != known.audiences,
            "taken back": then.done != known.done,
        }
        reasons.update(name for name, is_other in differs.items() if is_other)
        assert then.members == known.members
        if not any(differs.values()):
            for sheet in world.sheets:
                key = known.contact_id, sheet.name
                assert abs(live.get(key, 0.0) - scores[key]) <= TOLERANCE, key
    assert 0 < reasons["derived"] < len(known_then) / 4
    assert reasons["audiences"] + reasons["taken back"] < len(known_then) / 50


def test_the_documented_example_is_right() -> None:
    amounts = [
        Amount(3, np.log(2) / 3, 9, "cart", None),
        Amount(6, np.log(2) / 7, 6, "browse", 8),
        Amount(1, np.log(2) / 7, 4, "browse", 8),
    ]
    for days, score in ((0, "2.28134"), (3.5, "1.71402")):
        assert f"{live_score(amounts, 10, days):.5f}" == score
        assert score in DOCS


# -------------------------------------------------------------------------------- a CRM


def formula() -> Node:
    return read_formula(salesforce_formula(10))


def test_the_formula_reads_the_fields_of_the_mart(demo_shop: Shop) -> None:
    columns = {
        row["column_name"] for row in demo_shop.rows("describe contact_decay_fields")
    }
    assert {field.column for field in crm_fields()} <= columns
    assert formula().fields() == {field.api_name for field in crm_fields()}
    numbered = [name for name in columns if re.search(r"_\d+$", name)]
    assert len(numbered) + 1 == len(crm_fields())
    assert demo_shop.value("select distinct scale from contact_decay_fields") == 10


def test_the_formula_stands_in_the_docs() -> None:
    assert f"```\n{salesforce_formula(10)}\n```" in DOCS


def test_the_formula_takes_other_names_and_any_scale() -> None:
    text = salesforce_formula(12.25, prefix="Hot_")
    assert "/ 12.25)" in text
    assert read_formula(text).fields() == {f.api_name for f in crm_fields("Hot_")}
    assert "/ 1000000)" in salesforce_formula(1_000_000)


def test_the_formula_fits_into_a_formula_field() -> None:
    assert len(salesforce_formula(10)) < 3_900
    assert len(formula().sql()) < 5_000


def field_values(rows: Sequence[Row]) -> dict[str, Any]:
    """Fields as the CRM holds them, moments in days after the clock."""
    values: dict[str, Any] = {
        field.api_name: np.array([row[field.column] for row in rows])
        for field in crm_fields()
        if field.column != "as_of"
    }
    return {**values, "Intent_As_Of__c": 0.0}


def errors_by_day(shop: Shop) -> tuple[Any, Any]:
    """Return how far the formula is off on each day of a year, and max_error."""
    rows = shop.rows("from contact_decay_fields order by contact_id")
    keys = [(row["contact_id"], row["score_model"]) for row in rows]
    values, text = field_values(rows), formula()
    days = [*range(366), *np.arange(0.25, 12, 0.5)]
    moments = [rows[0]["as_of"] + timedelta(days=float(day)) for day in days]
    found = []
    for day, scores in zip(days, scores_by_sql(shop, moments), strict=True):
        by_formula = text.value({**values, "NOW()": float(day)})
        right = np.array([scores.get(key, 0.0) for key in keys])
        found.append(np.abs(by_formula - right))
    return np.array(found), np.array([row["max_error"] for row in rows])


def test_the_formula_is_never_off_by_more_than_it_says(demo_shop: Shop) -> None:
    errors, max_error = errors_by_day(demo_shop)
    assert errors.shape[0] > 365
    assert errors.shape[1] > 900
    assert (errors <= max_error + TOLERANCE).all()
    # It says little enough to be of use, and is not kept by being far too much.
    assert np.quantile(max_error, 0.99) < 0.1
    assert np.quantile(errors.max(axis=0), 0.99) < 0.05
    assert (errors.max(axis=0) > max_error / 20).mean() > 0.1


def test_blank_fields_are_no_points() -> None:
    values: dict[str, Any] = {field.api_name: 0.0 for field in crm_fields()}
    assert formula().value({**values, "NOW()": 400.0}) == 0


def test_a_formula_that_is_none_is_told() -> None:
    for text in ("1 +", "EXP(1", "2 )", "* 3"):
        with pytest.raises((ValueError, IndexError)):
            read_formula(text)


# --------------------------------------------------------------------------- until when


def test_contacts_leave_their_band_in_the_minute_that_was_told(
    demo_shop: Shop,
) -> None:
    contacts = check_cooling(demo_shop)
    assert len(contacts) > 100
    assert any(contact.has_negative_amounts() for contact in contacts)
