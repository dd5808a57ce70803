"""What BI users read: whole copies of good builds, and nothing else."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from conftest import SMALL, Shop, copy_project
from intent.demo import write_demo_feeds
from intent.errors import UnavailableError
from intent.publish import publish
from intent.settings import Places
from intent.warehouse import open_warehouse

CLOCKS = ("2026-06-01", "2026-07-01")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("published")
    shop = Shop(folder, copy_project(folder / "project"))
    write_demo_feeds(shop.landing, SMALL)
    build(shop, CLOCKS[0])
    return shop


def build(shop: Shop, as_of: str) -> None:
    done = shop.intent("build", "--as-of", as_of, "--json", tested=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["as_of"].startswith(as_of)


def bi_file(shop: Shop) -> str:
    return str(shop.folder / "published" / "intent_bi.duckdb")


def as_of(connection: duckdb.DuckDBPyConnection) -> str:
    [[found]] = connection.execute(
        "select distinct cast(as_of as date)::varchar from intent.contact_intent"
    ).fetchall()
    return str(found)


def test_a_reader_stays_open_through_a_build(published: Shop) -> None:
    with duckdb.connect(bi_file(published), read_only=True) as reader:
        assert as_of(reader) == CLOCKS[0]
        build(published, CLOCKS[1])
        assert as_of(reader) == CLOCKS[0]
        with duckdb.connect() as another:
            another.execute(f"attach '{bi_file(published)}' as bi (read_only)")
            another.execute("use bi")
            assert as_of(another) == CLOCKS[1]


def test_all_public_marts_are_published_as_they_are(published: Shop) -> None:
    folder = published.folder / "published"
    names = [
        row["table_name"]
        for row in published.rows(
            "select table_name from information_schema.tables"
            " where table_schema = 'intent' order by 1"
        )
    ]
    assert {
        "contact_intent",
        "contact_scores",
        "contact_intent_drivers",
        "segment_hot",
        "segment_warm",
        "segment_cold",
    } <= set(names)
    assert sorted(file.name for file in folder.iterdir()) == sorted(
        [*(f"{name}.parquet" for name in names), "intent_bi.duckdb", "published.json"]
    )
    for name in names:
        sql = "select count(*), sum(hash(t)::hugeint) from {} as t"
        with duckdb.connect(bi_file(published), read_only=True) as reader:
            copy = reader.execute(sql.format(f"intent.{name}")).fetchall()
            file = reader.execute(sql.format(f"'{folder}/{name}.parquet'")).fetchall()
        with open_warehouse(published.warehouse) as warehouse:
            mart = warehouse.execute(sql.format(name)).fetchall()
        assert copy == mart == file, name


def test_a_failed_build_leaves_the_last_good_copy(published: Shop) -> None:
    stamp = (published.folder / "published" / "published.json").read_bytes()
    rules = published.project / "seeds" / "rules" / "activity_rules.csv"
    good = rules.read_text()
    rules.write_text(good.replace("cart_added,,2,7,8", "cart_added,,2,-7,8"))
    try:
        done = published.intent("build", "--as-of", CLOCKS[0])
    finally:
        rules.write_text(good)
    assert done.returncode == 3
    assert "purchase, cart_added" in done.stderr
    assert "half_life_days" in done.stderr
    assert "Traceback" not in done.stderr
    assert (published.folder / "published" / "published.json").read_bytes() == stamp
    with duckdb.connect(bi_file(published), read_only=True) as reader:
        assert as_of(reader) == CLOCKS[1]


def test_a_failed_assertion_leaves_the_last_good_copy(published: Shop) -> None:
    stamp = (published.folder / "published" / "published.json").read_bytes()
    failing = published.project / "tests" / "assert_nothing_holds.sql"
    failing.write_text("select 1 as fault from {{ ref('contact_intent') }}")
    try:
        done = published.intent("build", "--as-of", CLOCKS[0])
    finally:
        failing.unlink()
    assert done.returncode == 1
    assert "assert_nothing_holds" in done.stderr
    assert (published.folder / "published" / "published.json").read_bytes() == stamp


def test_publishing_without_a_warehouse_says_so(tmp_path: Path) -> None:
    places = Places(
        project=tmp_path,
        warehouse=tmp_path / "none.duckdb",
        landing=tmp_path,
        published=tmp_path / "out",
        ledger=tmp_path / "ledger.duckdb",
        erasures=tmp_path / "erasures",
    )
    with pytest.raises(UnavailableError, match="intent build"):
        publish(places)
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
