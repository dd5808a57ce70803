"""Publishes what runs came to, for dbt: Parquet files, without personal data.

They are written whole, from the ledger, after each run: `sync_runs.parquet`,
`sync_rejected.parquet`, and a file for each day in `sync_rows`, of which only those are
written in which something changed. What the ledger does not keep any more stays there.
Match keys and values are not published; rows are named by our own ids.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import duckdb

from intent.erasure.files import written_aside
from intent.errors import UnavailableError
from intent.settings import Places
from intent.sync.ledger import Ledger
from intent.sync.results import RunResult

STAMP = "stamp"
"""The key of a file's metadata that tells what it was written from."""

PUBLISHED = (
    *("run_id", "sync", "destination", "state", "finished_at", "planned"),
    *("acknowledged", "rejected", "deferred", "skipped", "in_doubt", "unchanged"),
    *("without_key", "requests"),
)
"""The columns of a published run that its result has by the same names."""
RUNS = """
    with asked as (
        select
            run_id,
            count(*) as requests,
            cast(sum(bytes_sent) as bigint) as bytes_sent
        from requests
        group by run_id
    )
    select
        runs.run_id, runs.sync, runs.destination, runs.state, runs.started_at,
        runs.finished_at, runs.as_of, runs.source_rows, runs.without_key,
        runs.unchanged, runs.planned, runs.acknowledged, runs.rejected, runs.deferred,
        runs.skipped, runs.in_doubt, coalesce(asked.requests, 0) as requests,
        coalesce(asked.bytes_sent, 0) as bytes_sent,
        nullif(runs.reason, '') as reason, runs.rolls_back as follows_run_id
    from runs
    left join asked on runs.run_id = asked.run_id
    order by runs.started_at, runs.run_id
"""
REJECTED = """
    with destinations as (
        select sync, max_by(destination, started_at) as destination
        from runs
        group by sync
    )
    select
        rejected.sync, destinations.destination, rejected.row_id, rejected.op,
        rejected.state, rejected.code, rejected.field, rejected.message,
        cast(rejected.tries as bigint) as tries, rejected.first_at, rejected.last_at,
        rejected.next_try_at
    from rejected
    left join destinations on rejected.sync = destinations.sync
    order by rejected.sync, rejected.last_at
"""
ENDED_DAYS = """
    select
        cast(started_at as date) as day,
        md5(string_agg(
            concat_ws(
                ' ', run_id, state, finished_at, acknowledged, rejected, deferred,
                skipped, in_doubt
            ),
            ' ' order by run_id
        )) as stamp
    from runs
    where state <> 'running' and run_id in (select run_id from outbox)
    group by day
    order by day
"""
ENDED_ROWS = """
    with of_day as (
        select run_id, destination
        from runs
        where cast(started_at as date) = '{day}' and state <> 'running'
    ),
    last as (
        select
            run_id,
            seq,
            max_by(state, rowid) as state,
            nullif(max_by(coalesce(code, ''), rowid), '') as code,
            nullif(max_by(coalesce(field, ''), rowid), '') as field,
            nullif(max_by(coalesce(message, ''), rowid), '') as message,
            max(decided_at) as decided_at
        from outcomes
        where run_id in (select run_id from of_day)
        group by run_id, seq
    )
    select
        outbox.run_id, outbox.seq, outbox.sync, of_day.destination, outbox.row_id,
        outbox.op, last.state, last.code, last.field, last.message,
        nullif(array_to_string(outbox.changed, '; '), '') as changed_fields,
        last.decided_at
    from outbox
    inner join of_day on outbox.run_id = of_day.run_id
    inner join last on outbox.run_id = last.run_id and outbox.seq = last.seq
"""


def publish_audit(ledger: Ledger, places: Places) -> None:
    """Write the ledger's accounts to where dbt reads them.

    Raises:
        UnavailableError: the folder can't be written. Each file there is whole.
    """
    connection, folder = ledger.connection, places.audit
    write(connection, folder / "sync_rejected.parquet", REJECTED)
    runs = folder / "sync_runs.parquet"
    write(connection, runs, with_kept(runs, RUNS))
    written = stamps(connection, folder)
    for day, stamp in connection.execute(ENDED_DAYS).fetchall():
        file = folder / "sync_rows" / f"{day}.parquet"
        if written.get(file.name) != stamp:
            write(connection, file, with_kept(file, ENDED_ROWS.format(day=day)), stamp)


def read_audit(places: Places, most: int = 1) -> Sequence[RunResult]:
    """What the last runs of each sync came to, as published; none if none was.

    For when the ledger is in use.
    """
    file = places.audit / "sync_runs.parquet"
    if not file.exists():
        return []
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select {', '.join(PUBLISHED)}, coalesce(reason, '') as reason,"
            " coalesce(epoch(finished_at - started_at), 0.0) as seconds"
            f" from read_parquet({text(file)}) qualify row_number() over ("
            "partition by sync order by started_at desc) <= ?"
            " order by sync, started_at desc",
            [most],
        )
        names = [column[0] for column in found.description or ()]
        rows = found.fetchall()
    return [RunResult(**dict(zip(names, row, strict=True))) for row in rows]


def with_kept(file: Path, rows: str) -> str:
    """SQL of rows, and of those in a file before whose runs the ledger lacks."""
    if not file.exists():
        return rows
    return (
        f"with anew as ({rows}), before as (from read_parquet({text(file)})) "
        "select * from anew union all by name select * from before "
        "where run_id not in (select run_id from anew) order by all"
    )


def stamps(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, str]:
    """What the files of the days were written from, by their names."""
    files = sorted((folder / "sync_rows").glob("*.parquet"))
    if not files:
        return {}
    rows = connection.execute(
        "select parse_filename(file_name), decode(value) from parquet_kv_metadata("
        f"[{', '.join(map(text, files))}]) where decode(key) = '{STAMP}'"
    ).fetchall()
    return dict(rows)


def write(
    connection: duckdb.DuckDBPyConnection, file: Path, rows: str, stamp: str = ""
) -> None:
    """Write a file aside, and put it in its place."""
    try:
        with written_aside(file) as aside:
            connection.execute(
                f"copy ({rows}) to {text(aside)} (format parquet, compression zstd, "
                f"kv_metadata {{{STAMP}: '{stamp}'}})"
            )
    except duckdb.Error as error:
        raise UnavailableError(
            f"The audit {file} can't be written ({type(error).__name__}); it is as it "
            "was. Is the disk full? The next run writes it."
        ) from error


def text(path: Path) -> str:
    """A path as an SQL text."""
    return "'" + os.fspath(path).replace("'", "''") + "'"
