"""A command that is forked does what it would do as a process of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import forked
from conftest import PROJECT, Shop, copy_project

CLOCKS = ("2026-07-01", "2026-06-01")
TOLD_LATER: dict[str, Any] = {
    "intent_as_of": CLOCKS[1],
    "intent_backfill": {"from": "2026-01-01", "to": "2026-02-01", "grain": "week"},
    "intent_holdout_share": 0.5,
    "intent_sheet": "another",
}


def land_an_event(shop: Shop) -> None:
    text = (
        "event_id,event_name,user_id,event_time,received_at\n"
        "e,Page Viewed,u,2026-05-31T12:00:00,2026-05-31T12:01:00\n"
    )
    shop.land("web/events", "a.csv", text)


def clock_of(shop: Shop, as_of: str) -> str:
    done = build_clock(shop, as_of)
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    return kept_clock(shop)


def build_clock(shop: Shop, as_of: str) -> subprocess.CompletedProcess[str]:
    variables = {"intent_as_of": as_of, "intent_feeds": ["web"]}
    return shop.dbt("run", "--select", "int_clock", variables=variables)


def kept_clock(shop: Shop) -> str:
    return f"{shop.value('select as_of from intent_intermediate.int_clock'):%F}"


def test_a_command_knows_nothing_of_those_before(tmp_path: Path) -> None:
    shops = [Shop(tmp_path / name) for name in ("one", "other")]
    for shop, as_of in zip(shops, CLOCKS, strict=True):
        land_an_event(shop)
        assert clock_of(shop, as_of) == as_of
    one, other = shops
    assert kept_clock(one) == CLOCKS[0]
    failed = build_clock(one, "when")
    assert failed.returncode != 0
    assert "intent_as_of" in failed.stdout
    assert kept_clock(one) == CLOCKS[0]
    assert clock_of(other, CLOCKS[0]) == CLOCKS[0]
    # It let go of the warehouse, with all that it wrote in one file.
    assert [file.name for file in other.folder.glob("*.duckdb*")] == ["intent.duckdb"]
    duckdb.connect(str(other.warehouse)).close()


def test_a_changed_project_is_read_anew(tmp_path: Path) -> None:
    shop = Shop(tmp_path, copy_project(tmp_path / "project"))
    land_an_event(shop)
    assert clock_of(shop, CLOCKS[0]) == CLOCKS[0]
    [model] = shop.project.rglob("int_clock.sql")
    model.write_text("select cast('2020-01-01' as timestamp) as as_of")
    assert clock_of(shop, CLOCKS[0]) == "2020-01-01"


def test_vars_that_are_told_later_change_nothing_that_dbt_reads(shop: Shop) -> None:
    done = shop.dbt("parse", "--no-partial-parse", variables=TOLD_LATER)
    assert done.returncode == 0, done.stdout
    with_vars = manifest_in(shop.folder / "target")
    assert with_vars == manifest_in(shop.kept(PROJECT, {}))
    assert len(with_vars["nodes"]) > 100
    assert set(TOLD_LATER) == forked.TOLD_LATER


def manifest_in(target: Path) -> dict[str, Any]:
    """All that dbt read of the project, but for when it did."""
    text = (target / "manifest.json").read_text()
    read: dict[str, Any] = json.loads(text, object_hook=without_times)
    del read["metadata"]
    return read


def without_times(node: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key != "created_at"}
