"""The feeds of a large shop: demo shops of bounded size, side by side.

One shop after another is made by the demo's generator and written as Parquet, its
identifiers marked with its number, so that no two shops share any. What is received
from the cut on waits in a second folder.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from intent.bench.spec import DAYS, UNTIL, BenchSpec
from intent.demo import DemoSpec, write_demo_feeds

SHARED_IDS = ("product_id", "campaign_id")
"""Ids of the catalogue and of campaigns, which are the same in all shops."""


@dataclass(frozen=True)
class Feeds:
    """How many rows of the event tables were written, landed and still to land."""

    landed: int
    arriving: int


def make_feeds(spec: BenchSpec) -> Feeds:
    """Write the feeds, what is new apart from what is there already."""
    landed = arriving = 0
    for number, contacts in enumerate(spec.shops):
        aside = spec.folder / "making"
        shutil.rmtree(aside, ignore_errors=True)
        write_demo_feeds(
            aside / "landing",
            DemoSpec(
                contacts=contacts, days=DAYS, until=UNTIL, seed=spec.seed + number
            ),
        )
        for table in sorted(path for path in (aside / "landing").glob("*/*")):
            rows = mark_table(table, number, spec)
            if table.name == "events" and table.parent.name in {"web", "email"}:
                landed, arriving = landed + rows.landed, arriving + rows.arriving
        shutil.rmtree(aside)
    return Feeds(landed, arriving)


def mark_table(table: Path, number: int, spec: BenchSpec) -> Feeds:
    """Write one table of one shop, its identifiers marked with the shop's number."""
    key = f"{table.parent.name}/{table.name}"
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set memory_limit = '4GB'")
        source = reader(table)
        columns = connection.execute(f"describe select * from {source}").fetchall()
        connection.execute(
            f"create view marked as select "
            f"{', '.join(marked(name, kind, number) for name, kind, *_ in columns)} "
            f"from {source}"
        )
        written = [
            write_part(connection, folder / key, number, condition)
            for folder, condition in (
                (spec.landing, f"received_at < '{spec.cut}'"),
                (spec.arriving, f"received_at >= '{spec.cut}'"),
            )
        ]
    return Feeds(*written)


def reader(table: Path) -> str:
    """How DuckDB is to read the files of a table. What CSV files hold stays text."""
    files = f"'{table}/*.*'"
    kind = next(table.iterdir()).name.removesuffix(".gz").rpartition(".")[2]
    if kind == "csv":
        return f"read_csv({files}, all_varchar = true)"
    if kind == "ndjson":
        return f"read_json({files}, format = 'newline_delimited', sample_size = -1)"
    return f"read_parquet({files})"


def marked(name: str, kind: str, number: int) -> str:
    """A column, marked with the shop's number if it names somebody or something."""
    mark = f"{number:03d}"
    if name == "email":
        return f"replace({name}, '@', '.s{mark}@') as {name}"
    if name == "phone":
        return f"{name} || '{mark}' as {name}"
    if name.endswith("_id") and name not in SHARED_IDS:
        return f"case when trim({name}) <> '' then {name} || '-{mark}' end as {name}"
    return f"cast({name} as bigint) as {name}" if kind == "HUGEINT" else name


def write_part(
    connection: duckdb.DuckDBPyConnection, folder: Path, number: int, condition: str
) -> int:
    """Write the rows of a condition to a file of their own, in order of arrival."""
    folder.mkdir(parents=True, exist_ok=True)
    order = "" if folder.name == "events" else "order by received_at"
    file = folder / f"part_{number:03d}_{'new' if '>' in condition else 'old'}.parquet"
    found = connection.execute(
        f"copy (select * from marked where {condition} {order}) "
        f"to '{file}' (format parquet, compression zstd)"
    ).fetchone()
    rows = int(found[0]) if found else 0
    if not rows:
        file.unlink()
    return rows
