"""However the rows arrive, the tables end up the same as if all had come at once."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from conftest import UNTESTED, Shop
from intent.demo import DemoSpec, write_demo_feeds

pytestmark = pytest.mark.proofs

SPEC = DemoSpec(contacts=300, days=365, until=date(2026, 7, 1), seed=11)
SLICES = 5
TABLES = {
    "web/events": "parquet",
    "web/identifies": "parquet",
    "email/events": "json",
    "shop/customers": "csv",
    "shop/orders": "csv",
    "shop/order_lines": "csv",
    "shop/returns": "csv",
    "shop/subscriptions": "csv",
    "crm/contacts": "csv",
    "crm/interactions": "csv",
    "crm/identifier_links": "csv",
    "loyalty/events": "parquet",
    "reviews/reviews": "csv",
    "support/tickets": "json",
    "support/ratings": "csv",
    "surveys/responses": "json",
    "social/events": "json",
}
SUFFIXES = {"parquet": ".parquet", "json": ".ndjson", "csv": ".csv"}

# What a build counts; run_id tells runs apart and nothing else.
COMPARED = {
    "intent_intermediate.int_activities": "exclude (run_id)",
    "intent_intermediate.int_activity_days": "exclude (run_id)",
    "intent_intermediate.int_orders": "exclude (run_id)",
    "intent_intermediate.int_derived_days": "",
    "intent_intermediate.int_identifier_contacts": "exclude (run_id)",
    "intent_intermediate.int_contacts": "",
    "intent.feed_accounts": "",
}
SCORED = {
    "intent.contact_scores": ["raw_score", "intent_score"],
    "intent.contact_intent_drivers": [
        "decayed_amount",
        "activity_score",
        "net_points",
        "contribution",
    ],
    "intent.contact_intent": ["intent_score", "score_change_7d", "score_percentile"],
}


def slices_of(landing: Path, table: str, kind: str) -> Iterator[tuple[int, str]]:
    """Number and query of each slice: by arrival, with 3% of the rows late by two."""
    reader = {"parquet": "read_parquet", "json": "read_json", "csv": "read_csv"}[kind]
    options = ", all_varchar = true" if kind == "csv" else ""
    files = f"{landing}/{table}/*{SUFFIXES[kind]}*"  # some are gzipped
    for number in range(1, SLICES + 1):
        yield (
            number,
            f"""
            with numbered as (
                select
                    *,
                    row_number() over (order by received_at, rows::varchar) as n,
                    count(*) over () as total
                from {reader}('{files}'{options}) as rows
            ),
            sliced as (
                select
                    * exclude (n, total),
                    least({SLICES}, 1 + (n - 1) * {SLICES} // total
                        + case when n % 33 = 0 then 2 else 0 end) as slice
                from numbered
            )
            select * exclude (slice) from sliced where slice = {number}
        """,
        )


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop fed in five slices with a build after each; two slices come twice."""
    whole = tmp_path_factory.mktemp("whole") / "landing"
    write_demo_feeds(whole, SPEC)
    shop = Shop(tmp_path_factory.mktemp("fed"))
    for number in range(1, SLICES + 1):
        land_slice(whole, shop.landing, number)
        if number in (3, 5):
            repeat_slice(shop.landing, number - 1)
        build(shop)
    return shop


def land_slice(whole: Path, landing: Path, number: int) -> None:
    with duckdb.connect() as connection:
        for table, kind in TABLES.items():
            folder = landing / table
            folder.mkdir(parents=True, exist_ok=True)
            for slice_number, query in slices_of(whole, table, kind):
                if slice_number == number and has_rows(connection, query):
                    file = folder / f"slice_{number:02}{SUFFIXES[kind]}"
                    connection.execute(f"copy ({query}) to '{file}' (format {kind})")


def has_rows(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    """Tell if there is anything to land: small tables have nothing for some slices."""
    return connection.execute(f"from ({query}) limit 1").fetchone() is not None


def repeat_slice(landing: Path, number: int) -> None:
    for table, kind in TABLES.items():
        file = landing / table / f"slice_{number:02}{SUFFIXES[kind]}"
        if file.exists():
            shutil.copy(file, file.with_stem(f"{file.stem}_again"))


@pytest.fixture(scope="module")
def whole(fed: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The same files, counted in one build."""
    folder = tmp_path_factory.mktemp("at_once")
    shop = Shop(folder)
    shop.landing.symlink_to(fed.landing)
    build(shop)
    return shop


def differences(fed: Shop, whole: Shop, relation: str, columns: str) -> int:
    """Rows that are in one of the two warehouses and not in the other."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{fed.warehouse}' as fed (read_only)")
        connection.execute(f"attach '{whole.warehouse}' as whole (read_only)")
        [[one, other, common]] = connection.execute(f"""
            with fed_rows as (select * {columns} from fed.{relation}),
            whole_rows as (select * {columns} from whole.{relation})
            select
                (select count(*) from (from fed_rows except all from whole_rows)),
                (select count(*) from (from whole_rows except all from fed_rows)),
                (select count(*) from (from fed_rows intersect all from whole_rows))
        """).fetchall()
    assert common > 0, relation
    return int(one) + int(other)


def test_five_slices_count_as_one(fed: Shop, whole: Shop) -> None:
    for relation, exclude in COMPARED.items():
        assert differences(fed, whole, relation, exclude) == 0, relation


def test_five_slices_score_as_one(fed: Shop, whole: Shop) -> None:
    for relation, numbers in SCORED.items():
        rounded = ", ".join(f"round({name}, 9) as {name}" for name in numbers)
        columns = f"replace ({rounded})"
        assert differences(fed, whole, relation, columns) == 0, relation


def test_slices_that_came_twice_are_duplicates(fed: Shop) -> None:
    assert fed.value("select sum(duplicates) from feed_accounts") > 1000


def test_a_build_with_nothing_new_counts_nothing(fed: Shop, tmp_path: Path) -> None:
    again = fed.copy_to(tmp_path)
    runs = "select max(run_id) from intent_intermediate.{}"
    before = again.value(runs.format("int_activity_days"))
    verdicts = (
        "from intent_intermediate.int_machine_activities"
        " where activity_key <> 'all' order by all"
    )
    judged = again.rows(verdicts)
    build(again)
    assert again.rows(verdicts) == judged
    assert again.value(runs.format("int_activities")) <= before
    assert again.value(runs.format("int_activity_days")) == before
    assert again.value(runs.format("int_clock")) > before


def build(shop: Shop) -> None:
    """Build without the data's tests, which other tests run."""
    shop.build(SPEC.until.isoformat(), *UNTESTED)
