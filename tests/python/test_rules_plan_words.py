"""What a plan says of past midnights, how it looks, and what it leaves behind."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from errno import ENOSPC
from io import StringIO
from pathlib import Path

import duckdb
import pytest
from intent.errors import UnavailableError
from intent.rules.live.model import Finding, Movement, Mover, Quality, SheetPlan, Writes
from intent.rules.live.render import print_plan
from intent.rules.live.standing import (
    NO_EVALUATION,
    OLD_EVALUATION,
    TOO_LITTLE,
    read_quality,
)
from intent.rules.live.writes import COPIES, count_writes, folder_of_copies
from intent.settings import places
from rich.console import Console

EVALUATED = """
    create schema intent_intermediate;
    create table intent_intermediate.int_rule_versions as select 3 as rule_version;
    create table intent_intermediate.int_evaluation_subjects as
    select 3 as rule_version;
    create table score_quality (
        as_of timestamp, scorer varchar, kind varchar, horizon_days bigint,
        roc_auc double, top_decile_lift double
    );
    insert into score_quality values
    ('2026-04-01', 'old', 'sheet', 7, 0.70, 2.0),
    ('2026-05-01', 'old', 'sheet', 7, 0.80, 3.0),
    ('2026-06-01', 'old', 'sheet', 7, 0.90, 4.0),
    ('2026-05-01', 'old', 'sheet', 28, 0.80, 3.0),
    ('2026-04-01', 'new', 'sheet', 7, 0.72, 2.5),
    ('2026-05-01', 'new', 'sheet', 7, 0.84, 3.5),
    -- nobody or everybody did it, too few did, and another kind
    ('2026-06-01', 'new', 'sheet', 7, null, 0.1),
    ('2026-05-01', 'new', 'sheet', 28, 0.10, 0.1),
    ('2026-06-01', 'new', 'baseline', 7, 0.10, 0.1);
    create table score_outcomes as
    -- By 7 days 100 of 200 contacts did it, half at either midnight; by 28, 99.
    select
        cast(midnight as timestamp) as as_of,
        contact_id,
        'old' as scorer,
        horizon_days,
        contact_id < case when horizon_days = 7 then 100 else 99 end
        and contact_id % 2 = case when midnight = '2026-04-01' then 0 else 1 end
        as has_converted
    from range(200) as contacts (contact_id)
    cross join (values ('2026-04-01'), ('2026-05-01')) as midnights (midnight)
    cross join (values (7), (28)) as horizons (horizon_days);
"""


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def test_both_sheets_are_compared_where_both_were_measured(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert read_quality(warehouse, "old", "new") == ([], NO_EVALUATION)
    warehouse.execute(EVALUATED)
    [quality], why_not = read_quality(warehouse, "old", "new")
    assert why_not == ""
    assert (quality.horizon_days, quality.midnights) == (7, 2)
    assert quality.roc_auc_before == pytest.approx(0.75)
    assert quality.roc_auc_after == pytest.approx(0.78)
    assert quality.roc_auc_spread == pytest.approx(0.02 / 2**0.5)
    assert (quality.lift_before, quality.lift_after) == (2.5, 3.0)
    assert read_quality(warehouse, "old", "other") == ([], TOO_LITTLE)
    warehouse.execute("insert into intent_intermediate.int_rule_versions values (4)")
    assert read_quality(warehouse, "old", "new") == ([], OLD_EVALUATION)


PLAN = SheetPlan(
    sheet="purchase_2",
    primary="purchase",
    as_of=datetime(2026, 7, 1),
    movement=Movement({("hot", "hot"): 1_234_567, ("hot", "warm"): 89_012}, 2.0, 1.0),
    movers=[
        Mover(
            contact_id="25486d4a8c8ad6bd3c4b11bba2d1a1d2",
            segment_before="warm",
            segment_after="cold",
            score_before=1.75,
            score_after=0.25,
            reasons={
                "personalised_content_used": -1.0,
                "recommendation_clicked": -0.75,
                "purchase": 0.25,
                "cart_added": -0.004,
            },
        ),
        Mover("b" * 32, "warm", "hot", 2.5, 2.5, {}),
    ],
    quality=[
        Quality(28, 12, 0.7, 0.725, 0.01, 3.25, None),
        Quality(7, 1, 0.7, 0.725, None, 3.25, 3.5),
    ],
    no_quality="",
    writes=[
        Writes(
            sync="salesforce_opportunities",
            destination="Opportunity of salesforce",
            now=12_345,
            then=1_234_567,
            requests=61_729,
            minutes=123.4,
            stops=["shrinking: 2,000 of 9,000 rows ..."],
        ),
        Writes("files", "contact of files", 0, 12, 1, 0.5, []),
    ],
    no_writes="",
    findings=[Finding("never_fires", "nobody did", [f"rule_{n}" for n in range(9)])],
    guards=["moved: 89,012 of 1,323,579 contacts (6.7%) change their segment"],
    seeds="",
)


@pytest.mark.parametrize("width", [80, 120])
def test_a_plan_is_read_at_any_width(width: int) -> None:
    text = StringIO()
    print_plan(PLAN, Console(file=text, width=width, color_system=None))
    lines = text.getvalue().splitlines()
    assert max(len(line) for line in lines) <= width
    for words in (
        "89,012 of 1,323,579 contacts (6.7%) would be in another segment",
        "25486d4a        warm → cold  1.75 → 0.25  personalised_content_used -1.00,",
        "other edges of the bands",
        "28 days           0.700 → 0.725  +0.025 ± 0.010            3.25 → -",
        "12,345  1,234,567    61,729  123 min",
        "salesforce_opportunities would be stopped: shrinking: 2,000 of 9,000 rows ...",
        "rule_4, rule_5 and 3 more: nobody did",
        "- moved: 89,012 of 1,323,579",
    ):
        assert any(words in line for line in lines), (words, text.getvalue())
    assert "25486d4a8" not in text.getvalue()
    assert "cart_added" not in text.getvalue()


def test_copies_of_a_killed_plan_are_removed_and_those_at_work_stay(
    tmp_path: Path,
) -> None:
    killed = tmp_path / f"{COPIES}killed"
    killed.mkdir()
    (killed / "intent.duckdb").write_bytes(b"people")
    with folder_of_copies(tmp_path) as one, folder_of_copies(tmp_path) as other:
        assert set(tmp_path.iterdir()) == {one, other}
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told_of_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        del source, target
        raise OSError(ENOSPC, "No space left on device")

    place = replace(places(), warehouse=tmp_path / "intent.duckdb")
    duckdb.connect(str(place.warehouse)).close()
    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(UnavailableError, match="no copy can be made: No space left"):
        count_writes(place, "loyalty", datetime(2026, 7, 1), [])
    assert [path.name for path in tmp_path.iterdir()] == ["intent.duckdb"]
