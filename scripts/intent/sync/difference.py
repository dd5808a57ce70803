"""What is to be sent: the marts, compared in SQL with what was acknowledged.

Only columns that a sync maps count. A record is written when a trigger moved enough,
or when the rule of a field changed and its value with it; what else changed goes along.
The rows come out in the order in which they matter: deletions and leaves first, then
the highest scores, so that a quota that ends too early leaves out the least.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from intent.sync.desired import desired_rows
from intent.sync.fields import (
    SQL_TYPES,
    as_json,
    literal,
    moved,
    quoted,
    rule_text,
    stored,
)
from intent.sync.ledger import Ledger, acked_table
from intent.sync.model import MOVED_PHASE, PHASES, Op
from intent.sync.source import Source
from intent.sync.spec import Mode, Sync

DUPLICATE_KEY = "DUPLICATE_MATCH_KEY"
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
    """Compare, and leave the rows to be sent in the temporary table `planned`.

    Ten million rows are joined by nothing but their keys and triggers; the other fields
    are only looked at of the few rows that this finds.
    """
    connection = ledger.connection
    make_acked_table(connection, sync)
    acked = acked_table(sync.name)
    clock = {"now": now} if sync.resend_after_days else {}
    remapped = remapped_fields(ledger, sync)
    changes = changed_enough(sync, remapped)
    watched = [
        name for name, rule in sync.fields.items() if rule.trigger or name in remapped
    ]
    [[source_rows, all_rows]] = ledger.rows(
        f"with desired as ({desired_rows(sync, source, ())})"
        " select count(match_key), count(*) from desired"
    )
    [[acked_rows, is_first]] = ledger.rows(
        "select count(*) filter (has_record),"
        f" not exists (select 1 from mappings where sync = ?) from {acked}",
        [sync.name],
    )
    connection.execute(
        "create or replace temp table touched as"
        f" with desired as ({desired_rows(sync, source, watched)}),"
        f" acked as (select *, rowid as acked_row from {acked})"
        " select distinct desired.match_key, acked.acked_row from desired"
        " full join acked on desired.match_key = acked.match_key"
        f" where {is_due(sync, changes)}",
        clock or None,
    )
    connection.execute(
        "create or replace temp table touched_rows as"
        f" {desired_rows(sync, source, sync.fields, only_touched=True)}"
    )
    connection.execute(
        "create or replace temp table compared as"
        f" with acked as (select *, rowid as acked_row from {acked})"
        f" {compared_rows(sync, source, changes)}",
        clock or None,
    )
    connection.execute(
        "create or replace temp table duplicated as select match_key from touched_rows"
        " group by match_key having count(*) > 1"
    )
    connection.execute(
        f"create or replace temp table planned as {planned_rows(sync, is_first)}",
        {"sync": sync.name, "now": now},
    )
    [[changed, downgrades, deletions]] = ledger.rows(
        "select count(distinct match_key) filter (is_desired),"
        " count(*) filter (is_downgrade), count(*) filter (record_op = 'delete')"
        " from compared"
    )
    return Difference(
        source_rows=source_rows,
        without_key=all_rows - source_rows,
        acked_rows=acked_rows,
        unchanged=max(0, source_rows - changed),
        downgrades=downgrades,
        deletions=deletions,
        is_first=is_first,
    )


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


def changed_enough(sync: Sync, remapped: Collection[str]) -> str:
    """SQL that is true where a record that was acknowledged is to be written again."""
    changes = [
        moved(rule, field, any_change=field in remapped)
        for field, rule in sync.fields.items()
        if rule.trigger or field in remapped
    ]
    if sync.resend_after_days:
        changes.append(
            "acked.acked_at <= cast($now as timestamp)"
            f" - to_microseconds({int(sync.resend_after_days * 86_400e6)})"
        )
    return f"({' or '.join(changes)})"


def is_due(sync: Sync, changes: str) -> str:
    """SQL that is true where something of a key is to be told."""
    told = f" or {told_is_due(sync)}" if sync.segment_changes else ""
    update = "" if sync.mode is Mode.CREATE_ONLY else f" or {changes}"
    return (
        "(desired.match_key is not null or acked.match_key is not null) and"
        " (coalesce(acked.is_unsure, false)"
        " or case when desired.match_key is null then acked.has_record"
        f" else not coalesce(acked.has_record, false) end{update}{told})"
    )


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
        ", joined as (select"
        " coalesce(desired.match_key, acked.match_key) as match_key,"
        " coalesce(desired.row_id, acked.row_id) as row_id,"
        " desired.match_key is not null as is_desired,"
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
        " from touched"
        " left join touched_rows as desired on touched.match_key = desired.match_key"
        " left join acked on touched.acked_row = acked.acked_row)"
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


def listed(segment: str, lists: Mapping[str, str]) -> str:
    """The list of a segment, null where it has none."""
    if not lists:
        return "cast(null as varchar)"
    cases = " ".join(
        f"when {literal(name)} then {literal(of)}" for name, of in lists.items()
    )
    return f"case {segment} {cases} end"


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


def planned_rows(sync: Sync, is_first: bool) -> str:
    """SQL of the rows to be sent, in their order."""
    parts = [record_rows(sync, is_first), deletion_rows()]
    if sync.segment_changes is not None:
        if sync.segment_changes.told_as == "events":
            parts.append(event_rows(is_first))
        else:
            parts += [list_rows(sync, Op.DROP), list_rows(sync, Op.JOIN)]
    phases = " ".join(f"when '{op}' then {phase}" for op, phase in PHASES.items())
    return (
        f"with gathered as ({' union all '.join(parts)}),"
        " moved as (select distinct row_id from gathered where op = 'create'),"
        " phased as (select *, case when op in ('leave', 'delete')"
        f" and row_id in (select row_id from moved) then {MOVED_PHASE}"
        f" else case op {phases} end end as phase from gathered)"
        " select row_number() over (order by phased.phase,"
        " phased.op not in ('delete', 'leave'), phased.weight desc nulls last,"
        " phased.match_key) as seq,"
        " phased.* exclude (weight),"
        # One that was refused later than now was by a clock that was ahead.
        " coalesce(rejected.next_try_at > $now and rejected.last_at <= $now, false)"
        " and phased.refusal is null as is_held"
        " from phased left join rejected on rejected.sync = $sync"
        " and rejected.match_key = phased.match_key and rejected.op = phased.op"
        " and rejected.trigger_hash = phased.trigger_hash"
    )


def record_rows(sync: Sync, is_first: bool) -> str:
    """SQL of the records to be written or left."""
    fields = list(sync.fields.items())
    new = {name: f"compared.{stored(name)}" for name in sync.fields}
    old = {name: f"compared.{quoted(f'before:{name}')}" for name in sync.fields}
    payload = as_json(sync, new)
    unset = as_json(sync, dict.fromkeys(sync.fields, "null"))
    triggers = {name: new[name] for name, rule in fields if rule.trigger}
    changed = ", ".join(
        f"case when {new[name]} is distinct from {old[name]} then {literal(name)} end"
        for name, _ in fields
    )
    baseline = (
        "compared.new_segment"
        if is_first
        and sync.segment_changes is not None
        and sync.segment_changes.told_as == "events"
        else "cast(null as varchar)"
    )
    first_told = f"case when compared.old_segment is null then {baseline} end"
    return (
        "select compared.record_op as op, compared.match_key, compared.row_id,"
        " case when compared.is_desired"
        f" then {payload} else {unset} end as payload,"
        f" case when compared.was_acked then {as_json(sync, old)} end as before,"
        f" list_filter([{changed}], lambda name: name is not null) as changed,"
        f" md5({as_json(sync, triggers)}) as trigger_hash,"
        f" {first_told} as told,"
        " cast(null as varchar) as event_id, compared.remote_id,"
        " case when duplicated.match_key is not null"
        f" and compared.is_desired then '{DUPLICATE_KEY}'"
        " else compared.broken end as refusal,"
        " compared.weight"
        " from compared left join duplicated"
        " on compared.match_key = duplicated.match_key"
        " where compared.record_op is not null"
        " and compared.match_key not in"
        " (select match_key from deletions where sync = $sync)"
    )


def deletion_rows() -> str:
    """SQL of the records of erased contacts."""
    return (
        "select distinct 'delete' as op, match_key, cast(null as varchar) as row_id,"
        " '{}' as payload, cast(null as varchar) as before,"
        " cast([] as varchar[]) as changed, md5('') as trigger_hash,"
        " cast(null as varchar) as told, cast(null as varchar) as event_id, remote_id,"
        " cast(null as varchar) as refusal, cast(null as double) as weight"
        " from deletions where sync = $sync"
    )


def event_rows(is_first: bool) -> str:
    """SQL of the changes of segments, told as events.

    The id is made of what changed and since when, so that it is the same if a change
    is planned twice because nobody answered. One that may have been told, and was
    undone since, is taken back by another.
    """
    since = "strftime(compared.since, '%Y-%m-%dT%H:%M:%SZ')"
    is_undone = "compared.new_segment is not distinct from compared.old_segment"
    undone = f"case when {is_undone} then compared.unsure_told"
    old = f"{undone} else compared.old_segment end"
    known = " and compared.old_segment is not null" if is_first else ""
    return (
        "select 'event' as op, compared.match_key, compared.row_id,"
        f" cast(json_object('from', {old}, 'to', compared.new_segment,"
        f" 'at', {since}) as varchar) as payload,"
        " cast(null as varchar) as before, cast([] as varchar[]) as changed,"
        " md5(coalesce(compared.new_segment, '')) as trigger_hash,"
        " coalesce(compared.new_segment, '') as told,"
        " md5(concat_ws('|', $sync, compared.match_key,"
        f" coalesce({old}, ''), coalesce(compared.new_segment, ''),"
        f" coalesce({since}, ''))) as event_id,"
        " compared.remote_id, cast(null as varchar) as refusal, compared.weight"
        f" from compared where compared.is_told and compared.is_desired{known}"
        " and compared.match_key not in (select match_key from duplicated)"
        " and compared.match_key not in"
        " (select match_key from deletions where sync = $sync)"
    )


def list_rows(sync: Sync, op: Op) -> str:
    """SQL of the lists to be left (DROP) or joined (JOIN).

    A contact leaves what it is not to be on, and was put on, or may have been.
    """
    lists: Mapping[str, str] = (
        sync.segment_changes.lists if sync.segment_changes else {}
    )
    new = listed("case when compared.is_desired then compared.new_segment end", lists)
    old = listed("compared.old_segment", lists)
    if op is Op.DROP:
        of, told, due = "held.list", "''", f"held.list is distinct from {new}"
        held = (
            f" cross join lateral (select distinct unnest([{old},"
            " compared.unsure_told])) as held(list)"
        )
    else:
        of, told, due, held = new, "coalesce(compared.new_segment, '')", "true", ""
    return (
        f"select '{op}' as op, compared.match_key, compared.row_id,"
        f" cast(json_object('list', {of}) as varchar) as payload,"
        " cast(null as varchar) as before, cast([] as varchar[]) as changed,"
        f" md5({of}) as trigger_hash, {told} as told,"
        " cast(null as varchar) as event_id, compared.remote_id,"
        " cast(null as varchar) as refusal, compared.weight"
        f" from compared{held}"
        f" where compared.is_told and {of} is not null and {due}"
        " and compared.match_key not in (select match_key from duplicated)"
        " and compared.match_key not in"
        " (select match_key from deletions where sync = $sync)"
    )
