"""What is to be sent: the marts, compared in SQL with what was acknowledged.

Only columns that a sync maps count. A record is written when a trigger moved enough,
or when the rule of a field changed and its value with it; what else changed goes along.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import duckdb

from intent.sync.desired import desired_rows
from intent.sync.fields import (
    SQL_TYPES,
    broken,
    listed,
    literal,
    quoted,
    rule_text,
    stored,
    values,
)
from intent.sync.ledger import Ledger, acked_table
from intent.sync.planned import held_with_them, planned_rows
from intent.sync.source import Source
from intent.sync.spec import Mode, Sync
from intent.sync.touched import changed_enough, touched_rows

ACKED_COLUMNS = (
    "match_key varchar, row_id varchar, remote_id varchar, has_record boolean,"
    " told_segment varchar, acked_at timestamp, run_id varchar, is_unsure boolean,"
    " unsure_told varchar"
)


@dataclass(frozen=True)
class Difference:
    """What a comparison found; its rows are in the temporary table `planned`."""

    source_rows: int
    without_key: int
    acked_rows: int
    unchanged: int
    leaving: int
    """Rows that were acknowledged and are no longer to be sent."""
    downgrades: int
    deletions: int
    """Of records that a mirror has no more; those of erased contacts don't count."""
    is_first: bool
    """Not all rows were sent yet, ever: segments are told as they are, not as changes
    from none."""


def make_acked_table(connection: duckdb.DuckDBPyConnection, sync: Sync) -> None:
    """Have the table of acknowledged values with a column for each field."""
    table = acked_table(sync.name)
    connection.execute(f"create table if not exists {table} ({ACKED_COLUMNS})")
    present = {
        name: kind
        for name, kind in connection.execute(
            "select column_name, lower(data_type) from duckdb_columns()"
            " where database_name = current_database() and table_name = ?",
            [f"acked_{sync.name}"],
        ).fetchall()
        if name.startswith("field:")
    }
    wanted = {
        f"field:{field}": SQL_TYPES[rule.type] for field, rule in sync.fields.items()
    }
    for name, kind in present.items():
        if wanted.get(name) != kind:
            connection.execute(f"alter table {table} drop column {quoted(name)}")
    for name, kind in wanted.items():
        if present.get(name) != kind:
            connection.execute(f"alter table {table} add column {quoted(name)} {kind}")


def compare(ledger: Ledger, sync: Sync, source: Source, now: datetime) -> Difference:
    """Compare, and leave the rows to be sent in the temporary table `planned`."""
    connection = ledger.connection
    make_acked_table(connection, sync)
    acked = acked_table(sync.name)
    clock = {"now": now} if sync.resend_after_days else {}
    remapped = remapped_fields(ledger, sync)
    [[source_rows, all_rows]] = ledger.rows(
        f"with desired as ({desired_rows(sync, source)})"
        " select count(match_key), count(*) from desired"
    )
    [[acked_rows, is_first]] = ledger.rows(
        "select count(*) filter (has_record),"
        f" not exists (select 1 from mappings where sync = ?) from {acked}",
        [sync.name],
    )
    with as_written(connection):
        connection.execute(
            "create or replace temp table touched as"
            f" {touched_rows(sync, source, remapped)}",
            clock or None,
        )
    connection.execute(
        "create or replace temp table duplicated as"
        f" with desired as ({desired_rows(sync, source)})"
        " select match_key from desired"
        " where match_key in (select match_key from touched)"
        " group by match_key having count(*) > 1"
    )
    connection.execute(
        "create or replace temp table compared as"
        f" {compared_rows(sync, source, changed_enough(sync, remapped))}",
        clock or None,
    )
    connection.execute("drop table touched")
    connection.execute(
        f"create or replace temp table planned as {planned_rows(sync, is_first)}",
        {"sync": sync.name, "now": now},
    )
    connection.execute(held_with_them())
    [[changed, leaving, downgrades, deletions]] = ledger.rows(
        "select count(distinct match_key) filter (is_desired),"
        " count(*) filter (was_acked and not is_desired),"
        " count(*) filter (is_downgrade), count(*) filter (record_op = 'delete')"
        " from compared"
    )
    connection.execute("drop table compared")
    return Difference(
        source_rows=source_rows,
        without_key=all_rows - source_rows,
        acked_rows=acked_rows,
        unchanged=max(0, source_rows - changed),
        leaving=leaving,
        downgrades=downgrades,
        deletions=deletions,
        is_first=is_first,
    )


@contextmanager
def as_written(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let what is acknowledged be put into memory to be joined, not the wider marts.

    DuckDB would guess which is smaller, and guesses wrong: it can't know that nearly
    all contacts may be told.
    """
    connection.execute("set disabled_optimizers = 'build_side_probe_side'")
    try:
        yield
    finally:
        connection.execute("reset disabled_optimizers")


def remapped_fields(ledger: Ledger, sync: Sync) -> Collection[str]:
    """The fields whose rule is another than when all rows were last sent by it."""
    before = dict(
        ledger.rows("select field, rule from mappings where sync = ?", [sync.name])
    )
    if not before:
        return ()
    return [
        field
        for field, rule in sync.fields.items()
        if before.get(field) != rule_text(rule)
    ]


def compared_rows(sync: Sync, source: Source, changes: str) -> str:
    """SQL of the rows of which something is to be told."""
    update = "'update'" if sync.mode is not Mode.CREATE_ONLY else "null"
    leave = "'delete'" if sync.mode is Mode.MIRROR else "'leave'"
    fields = "".join(
        f", desired.{stored(name)} as {stored(name)},"
        f" acked.{stored(name)} as {quoted(f'before:{name}')}"
        for name in sync.fields
    )
    return (
        f"with acked as (select *, rowid as acked_row from {acked_table(sync.name)}),"
        f" desired as (select *, {broken(sync)} as broken"
        f"{values(sync, sync.fields)} from touched),"
        " joined as (select"
        " coalesce(desired.match_key, desired.acked_key) as match_key,"
        " coalesce(desired.row_id, acked.row_id) as row_id,"
        " desired.match_key is not null as is_desired,"
        " coalesce(acked.is_unsure, false) as is_unsure,"
        " coalesce(acked.has_record, false) as was_acked,"
        " case when desired.match_key is null"
        f" then case when acked.has_record or acked.is_unsure then {leave} end"
        " when not coalesce(acked.has_record, false) then 'create'"
        f" when acked.is_unsure or {changes} then {update} end as record_op,"
        f" {told_is_due(sync)} as is_told,"
        " desired.told_segment as new_segment, acked.told_segment as old_segment,"
        " acked.unsure_told,"
        f" {is_downgrade(sync, source)} as is_downgrade,"
        # A record that was left may be gone by now: it is found by its key again.
        " case when desired.match_key is null or acked.has_record"
        " then acked.remote_id end as remote_id, desired.weight, desired.since,"
        f" desired.broken{fields}"
        " from desired"
        " left join acked on desired.acked_row = acked.acked_row)"
        " select * from joined where record_op is not null or is_told"
    )


def told_is_due(sync: Sync) -> str:
    """SQL that is true where a change of the segment is to be told."""
    if sync.segment_changes is None:
        return "false"
    if sync.segment_changes.told_as == "events":
        return (
            "(desired.match_key is not null and (acked.unsure_told is not null"
            " or desired.told_segment is distinct from acked.told_segment))"
        )
    lists = sync.segment_changes.lists
    new, old = (
        listed("desired.told_segment", lists),
        listed("acked.told_segment", lists),
    )
    return f"({new} is distinct from {old} or acked.unsure_told is not null)"


def is_downgrade(sync: Sync, source: Source) -> str:
    """SQL that is true where a contact falls to a lower segment, or leaves."""
    pair = segment_pair(sync)
    if pair is None:
        return "false"
    new, old, ranks = *pair, source.ranks
    lowest = max(ranks.values(), default=0)
    field = next(
        (rule for rule in sync.fields.values() if rule.column == "segment"), None
    )
    labels = (field.labels if field else None) or {}
    names = {**ranks, **{labels.get(name, name): r for name, r in ranks.items()}}
    cases = " ".join(f"when {literal(name)} then {r}" for name, r in names.items())

    def rank(sql: str) -> str:
        return f"case {sql} {cases} else {lowest + 1} end"

    return f"({rank(new)} > {rank(old)} and {rank(old)} < {lowest})"


def segment_pair(sync: Sync) -> tuple[str, str] | None:
    """The segment to be told and the one told before; None if a sync has neither."""
    for field, rule in sync.fields.items():
        if rule.column == "segment":
            return f"desired.{stored(field)}", f"acked.{stored(field)}"
    if sync.segment_changes is not None:
        return "desired.told_segment", "acked.told_segment"
    return None
