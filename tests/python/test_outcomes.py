"""Scores at past midnights, what came next and the measures of it, on the demo shop.

The rows of `score_outcomes` are held against the reference scorer, and each measure
against its definition, computed from these rows in plain Python.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import DEMO, EVALUATED, FEEDS, PROJECT, Row, Shop
from reference import read_world
from reference.outcomes import (
    Asked,
    Subject,
    inputs_of,
    internal_identifiers,
    subjects_at,
)
from reference.quality import average_precision, ks, psi, roc_auc, tenths, wilson
from reference.values import EPOCH
from reference.world import World

SEEDS = PROJECT / "seeds"
HORIZONS = (7, 14, 28)
MIDNIGHTS = [
    datetime.fromisoformat(EVALUATED["last"])
    - timedelta(days=EVALUATED["every_days"] * number)
    for number in reversed(range(EVALUATED["midnights"]))
]
SHEETS = {"purchase", "loyalty", "sample"}
SCORERS = {*SHEETS, "recency", "undecayed", "rfm"}
TOLERANCE = 1e-9


class Group(NamedTuple):
    """What there is a row of measures of."""

    as_of: datetime
    scorer: str
    horizon_days: int


def seconds(moment: datetime) -> float:
    return (moment - EPOCH).total_seconds()


@pytest.fixture(scope="module")
def world(demo_shop: Shop) -> World:
    return read_world(demo_shop.landing, SEEDS, FEEDS)


@pytest.fixture(scope="module")
def expected(world: World) -> dict[datetime, list[Subject]]:
    asked = Asked(("purchase",), HORIZONS, 90, internal_identifiers(world, SEEDS))
    now = seconds(datetime.combine(DEMO.until, datetime.min.time()))
    return {at: subjects_at(world, seconds(at), asked, now) for at in MIDNIGHTS}


@pytest.fixture(scope="module")
def groups(demo_shop: Shop) -> Mapping[Group, list[Row]]:
    """The rows of score_outcomes, the highest scores first."""
    found: dict[Group, list[Row]] = defaultdict(list)
    for row in demo_shop.rows(
        "from score_outcomes"
        " order by as_of, scorer, horizon_days, score desc, contact_id"
    ):
        key = Group(row["as_of"], row["scorer"], row["horizon_days"])
        found[key].append(row)
    return found


def test_every_score_agrees_with_the_reference(
    groups: Mapping[Group, list[Row]], expected: dict[datetime, list[Subject]]
) -> None:
    assert {each.as_of for each in groups} == set(MIDNIGHTS)
    for midnight, subjects in expected.items():
        assert len(subjects) > 200
        for scorer in SCORERS:
            found = {r["contact_id"]: r for r in groups[Group(midnight, scorer, 7)]}
            assert found.keys() == {each.contact_id for each in subjects}
            for each in subjects:
                score, band = each.scores[scorer]
                row = found[each.contact_id]
                assert row["score"] == pytest.approx(score, abs=2 * TOLERANCE)
                assert row["segment"] == band
                assert row["kind"] == ("sheet" if scorer in SHEETS else "baseline")


def test_every_outcome_agrees_with_the_reference(
    demo_shop: Shop, expected: dict[datetime, list[Subject]]
) -> None:
    found = {
        (row["as_of"], row["contact_id"], row["horizon_days"]): row
        for row in demo_shop.rows("""
            select subjects.as_of, subjects.contact_id, outcomes.*
            from intent_intermediate.int_evaluation_outcomes as outcomes
            inner join intent_intermediate.int_evaluation_subjects as subjects
                using (subject_id)
        """)
    }
    told = {
        (midnight, each.contact_id, horizon): count
        for midnight, subjects in expected.items()
        for each in subjects
        for horizon, count in each.outcomes.items()
    }
    assert {key: row["conversions"] for key, row in found.items()} == told
    assert sum(map(bool, told.values())) > 200
    for (as_of, _, horizon), row in found.items():
        assert row["has_converted"] == (row["conversions"] > 0)
        if row["has_converted"]:
            end = as_of + timedelta(days=horizon)
            assert as_of <= row["converted_at"] < end
        else:
            assert row["converted_at"] is None


def test_the_outcome_is_that_of_the_contact_in_all_rows(
    demo_shop: Shop, groups: Mapping[Group, list[Row]]
) -> None:
    for each, rows in groups.items():
        same = groups[Group(each.as_of, "recency", each.horizon_days)]
        one, other = (
            {row["contact_id"]: row["has_converted"] for row in some}
            for some in (rows, same)
        )
        assert one == other
    subjects = demo_shop.value(
        "select count(*) from intent_intermediate.int_evaluation_subjects"
    )
    assert sum(map(len, groups.values())) == subjects * len(SCORERS) * len(HORIZONS)


def arrays(rows: Sequence[Row]) -> tuple[Any, Any]:
    return (
        np.array([row["score"] for row in rows]),
        np.array([row["has_converted"] for row in rows]),
    )


def close(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, abs=TOLERANCE)


def test_quality_is_by_its_definition(
    demo_shop: Shop, groups: Mapping[Group, list[Row]]
) -> None:
    found = {
        Group(row["as_of"], row["scorer"], row["horizon_days"]): row
        for row in demo_shop.rows("from score_quality")
    }
    assert found.keys() == groups.keys()
    for each, rows in groups.items():
        scores, has_converted = arrays(rows)
        hits = int(has_converted.sum())
        row = found[each]
        assert (row["contacts"], row["conversions"]) == (len(rows), hits)
        assert row["base_rate"] == close(hits / len(rows))
        assert row["roc_auc"] == close(roc_auc(scores, has_converted))
        assert row["pr_auc"] == close(average_precision(scores, has_converted))
        top = has_converted[tenths(range(len(rows)))[0]].mean()
        assert row["top_decile_lift"] == close(top / (hits / len(rows)))
        assert row["has_enough"] == (hits >= 100 and len(rows) - hits >= 100)
        for name, bands in (
            ("share_caught_hot", {"hot"}),
            ("share_caught_hot_or_warm", {"hot", "warm"}),
        ):
            caught = [r["segment"] in bands for r in rows if r["has_converted"]]
            share = sum(caught) / hits if each.scorer in SHEETS else None
            assert row[name] == close(share)


def test_deciles_are_by_their_definition(
    demo_shop: Shop, groups: Mapping[Group, list[Row]]
) -> None:
    found = defaultdict(list)
    for row in demo_shop.rows("from score_deciles order by decile"):
        found[Group(row["as_of"], row["scorer"], row["horizon_days"])].append(row)
    assert found.keys() == groups.keys()
    for each, rows in groups.items():
        _, has_converted = arrays(rows)
        hits, so_far = int(has_converted.sum()), 0
        parts = tenths(range(len(rows)))
        assert [row["decile"] for row in found[each]] == list(range(1, 11))
        for row, part in zip(found[each], parts, strict=True):
            its_hits = int(has_converted[part].sum())
            so_far += its_hits
            assert (row["contacts"], row["conversions"]) == (len(part), its_hits)
            assert row["conversion_rate"] == close(its_hits / len(part))
            assert row["lift"] == close(its_hits / len(part) / (hits / len(rows)))
            assert row["share_of_conversions"] == close(its_hits / hits)
            assert row["cumulative_share"] == close(so_far / hits)


def test_bands_are_by_their_definition(
    demo_shop: Shop, groups: Mapping[Group, list[Row]]
) -> None:
    found = demo_shop.rows("from band_conversions")
    assert len(found) == 3 * len(MIDNIGHTS) * len(SHEETS) * len(HORIZONS)
    for row in found:
        key = Group(row["as_of"], row["score_model"], row["horizon_days"])
        its = [r for r in groups[key] if r["segment"] == row["band"]]
        check_rate(row, its)


def check_rate(row: Row, its: Sequence[Row]) -> None:
    hits = sum(each["has_converted"] for each in its)
    assert (row["contacts"], row["conversions"]) == (len(its), hits)
    assert row["conversion_rate"] == (close(hits / len(its)) if its else None)
    low, high = wilson(hits, len(its)) or (None, None)
    assert (row["wilson_low"], row["wilson_high"]) == (close(low), close(high))


def test_calibration_is_by_its_definition(
    demo_shop: Shop, groups: Mapping[Group, list[Row]]
) -> None:
    found = demo_shop.rows("from score_calibration")
    sizes = {each: len(rows) for each, rows in groups.items() if each.scorer in SHEETS}
    told: dict[Group, int] = defaultdict(int)
    for row in found:
        key = Group(row["as_of"], row["score_model"], row["horizon_days"])
        told[key] += row["contacts"]
        edge = row["score_bin"]
        its = in_bin(groups[key], edge)
        check_rate(row, its)
        assert row["mean_score"] == close(float(np.mean([r["score"] for r in its])))
        earlier = [
            r
            for other, rows in groups.items()
            if other[1:] == key[1:]
            and other.as_of + timedelta(days=key.horizon_days) <= key.as_of
            for r in in_bin(rows, edge)
        ]
        rate = np.mean([r["has_converted"] for r in earlier]) if earlier else None
        assert row["expected_rate"] == close(rate)
    assert told == sizes
    firsts = {r["expected_rate"] for r in found if r["as_of"] == MIDNIGHTS[0]}
    assert firsts == {None}


def in_bin(rows: Sequence[Row], edge: float) -> list[Row]:
    return [
        row
        for row in rows
        if (row["score"] == 0 if edge == 0 else edge - 0.5 < row["score"] <= edge)
    ]


def test_drift_is_by_its_definition(
    demo_shop: Shop,
    world: World,
    expected: dict[datetime, list[Subject]],
    groups: Mapping[Group, list[Row]],
) -> None:
    inputs: dict[datetime, list[dict[str, int]]] = {
        at: [
            inputs_of(each, world.sheets, seconds(at), EVALUATED["every_days"])
            for each in subjects
        ]
        for at, subjects in expected.items()
    }
    found = {
        (row["as_of"], row["kind"], row["subject"]): row
        for row in demo_shop.rows("from score_drift")
    }
    activities = {name for rows in inputs.values() for row in rows for name in row}
    names = [("score", sheet) for sheet in SHEETS]
    names += [("input", activity) for activity in activities]
    assert found.keys() == {(at, *name) for at in MIDNIGHTS[1:] for name in names}
    for before, now in pairwise(MIDNIGHTS):
        for kind, subject in names:
            one, other = (
                [row["score"] for row in groups[Group(at, subject, 7)]]
                if kind == "score"
                else [row.get(subject, 0) for row in inputs[at]]
                for at in (before, now)
            )
            row = found[now, kind, subject]
            assert row["previous_as_of"] == before
            assert row["psi"] == close(psi(one, other))
            assert row["ks"] == close(ks(one, other))
