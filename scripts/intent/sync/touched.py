"""SQL that finds the few rows of which something may have to be told, among all.

Ten million rows are joined by their key. What counts at any change is compared by one
hash of all of it, made on the way: texts would be large to join. No value is kept as a
hash, and the few rows that are found are compared by their values afterwards.
"""

from collections.abc import Collection, Iterable

from intent.sync.desired import desired_rows
from intent.sync.fields import (
    SECONDS_A_DAY,
    SQL_TYPES,
    carried,
    distance,
    listed,
    moved,
    stored,
    value,
)
from intent.sync.ledger import acked_table
from intent.sync.source import Source
from intent.sync.spec import FieldRule, FieldType, Mode, Sync, Trigger


def touched_rows(sync: Sync, source: Source, remapped: Collection[str]) -> str:
    """SQL of the rows as they should be, with the place of what was acknowledged.

    Rows that should not be there have no `match_key`, but an `acked_key`. There may be
    some of which nothing is to be told after all.
    """
    watched = [
        name
        for name, rule in sync.fields.items()
        if sync.mode is not Mode.CREATE_ONLY and (rule.trigger or name in remapped)
    ]
    measured = [
        name
        for name in watched
        if isinstance(sync.fields[name].trigger, Trigger) and name not in remapped
    ]
    exact = [name for name in watched if name not in measured]
    new = [value(sync.fields[name], is_cut=name in remapped) for name in exact]
    new += [f"{carried(sync.fields[name].column or '')} is null" for name in measured]
    old = [stored(name) for name in exact]
    old += [f"{stored(name)} is null" for name in measured]
    due = [far(sync.fields[name], name) for name in measured]
    kept = [stored(name) for name in measured]
    if sync.resend_after_days and sync.mode is not Mode.CREATE_ONLY:
        due.append(resend_is_due(sync.resend_after_days))
        kept.append("acked_at")
    is_plain = "has_record and not coalesce(is_unsure, false) and unsure_told is null"
    return (
        f"with rows as ({desired_rows(sync, source, sync.fields)}),"
        f" desired as (select *, {hash_of(sync, new)} as exact from rows"
        " where match_key is not null),"
        f" acked as (select {', '.join(['match_key', *kept])}, rowid as acked_row,"
        f" case when {is_plain} then {hash_of(sync, old)} end as exact"
        f" from {acked_table(sync.name)})"
        " select desired.* exclude (exact), acked.match_key as acked_key,"
        " acked.acked_row"
        " from desired full join acked on desired.match_key = acked.match_key"
        " where desired.exact is distinct from acked.exact"
        " or desired.match_key is null"
        f"{''.join(f' or {each}' for each in due)}"
    )


def hash_of(sync: Sync, values: Iterable[str]) -> str:
    """SQL of a hash of values, and of the segment that is told."""
    told = [told_segment(sync)] if sync.segment_changes else []
    return f"hash({', '.join(['0', *values, *told])})"


def far(rule: FieldRule, field: str) -> str:
    """SQL that is true at least where a value moved by enough.

    It is measured before it is rounded, which costs less: hence the slack.
    """
    slack = 10.0 ** -(rule.decimals if rule.decimals is not None else 9)
    if rule.type is FieldType.DATETIME:
        slack = 1 / SECONDS_A_DAY
    new = f"try_cast(desired.{carried(rule.column or '')} as {SQL_TYPES[rule.type]})"
    enough = rule.trigger.moved_by if isinstance(rule.trigger, Trigger) else 0.0
    return f"{distance(rule, new, f'acked.{stored(field)}')} >= {enough - slack}"


def told_segment(sync: Sync) -> str:
    """SQL of what is told of the segment: itself, or the list that it has."""
    changes = sync.segment_changes
    if changes is None or changes.told_as == "events":
        return "told_segment"
    return listed("told_segment", changes.lists)


def changed_enough(sync: Sync, remapped: Collection[str]) -> str:
    """SQL that is true where a record that was acknowledged is to be written again."""
    changes = [
        moved(rule, field, any_change=field in remapped)
        for field, rule in sync.fields.items()
        if rule.trigger or field in remapped
    ]
    if sync.resend_after_days:
        changes.append(resend_is_due(sync.resend_after_days))
    return f"({' or '.join(changes)})"


def resend_is_due(days: float) -> str:
    """SQL that is true where something is sent again because it was long ago."""
    span = f"to_microseconds({int(days * 86_400e6)})"
    return f"acked.acked_at <= cast($now as timestamp) - {span}"
