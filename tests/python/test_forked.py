"""A command that is forked does what it would do as a process of its own."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Shop, copy_project

CLOCKS = ("2026-07-01", "2026-06-01")
TOLD_LATER: dict[str, Any] = {
    "intent_as_of": CLOCKS[1],
    "intent_backfill": {"from": "2026-01-01", "to": "2026-02-01", "grain": "week"},
    "intent_holdout_share": 0.5,
    "intent_sheet": "another",
}


def clock_of(shop: Shop, as_of: str) -> str:
    variables = {"intent_as_of": as_of}
    done = shop.dbt("run", "--select", "int_clock", variables=variables)
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    return kept_clock(shop)


def kept_clock(shop: Shop) -> str:
    return f"{shop.value('select as_of from intent_intermediate.int_clock'):%F}"


def test_a_command_knows_nothing_of_those_before(tmp_path: Path) -> None:
    shops = [Shop(tmp_path / name) for name in ("one", "other")]
    for shop, as_of in zip(shops, CLOCKS, strict=True):
        shop.folder.mkdir()
        assert clock_of(shop, as_of) == as_of
    one, other = shops
    assert kept_clock(one) == CLOCKS[0]
    failed = one.dbt("run", "--select", "int_clock", variables={"intent_as_of": "when"})
    assert failed.returncode == 1
    assert "intent_as_of" in failed.stdout
    assert kept_clock(one) == CLOCKS[0]
    assert clock_of(other, CLOCKS[0]) == CLOCKS[0]
    # It let go of the warehouse, with all that it wrote in one file.
    assert [file.name for file in other.folder.glob("*.duckdb*")] == ["intent.duckdb"]
    duckdb.connect(str(other.warehouse)).close()


def test_a_changed_project_is_read_anew(tmp_path: Path) -> None:
    shop = Shop(tmp_path, copy_project(tmp_path / "project"))
    assert clock_of(shop, CLOCKS[0]) == CLOCKS[0]
    [model] = shop.project.rglob("int_clock.sql")
    model.write_text("select cast('2020-01-01' as timestamp) as as_of")
    assert clock_of(shop, CLOCKS[0]) == "2020-01-01"


@pytest.mark.parametrize("variables", [TOLD_LATER])
def test_what_dbt_reads_is_not_changed_by_vars_that_are_told_later(
    tmp_path: Path, variables: dict[str, Any]
) -> None:
    found = []
    for name, told in (("without", {}), ("with", variables)):
        shop = Shop(tmp_path / name)
        shop.folder.mkdir()
        done = shop.dbt("parse", "--no-partial-parse", variables=told)
        assert done.returncode == 0, done.stdout
        found.append(read_of(shop))
    assert found[0] == found[1]
    assert len(found[0]["nodes"]) > 100


def read_of(shop: Shop) -> dict[str, Any]:
    """All that dbt read of the project, but for when it did."""
    text = (shop.folder / "target" / "manifest.json").read_text()
    read: dict[str, Any] = json.loads(text, object_hook=without_times)
    del read["metadata"]
    return read


def without_times(node: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key != "created_at"}
