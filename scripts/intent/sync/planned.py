"""SQL of the rows to be sent, made of what was compared.

They come out in the order in which they matter: deletions and leaves first, then the
highest scores, so that a quota that ends too early leaves out the least.
"""

from collections.abc import Mapping

from intent.sync.fields import as_json, listed, literal, quoted, roughly, stored
from intent.sync.model import MOVED_PHASE, PHASES, RECORD_OPS, Op
from intent.sync.spec import Sync

DUPLICATE_KEY = "DUPLICATE_MATCH_KEY"


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
        " moved as (select row_id from compared where record_op = 'create'),"
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
    triggers = ", ".join(
        roughly(rule, new[name]) for name, rule in fields if rule.trigger
    )
    # What an unanswered request may have written can be in any field.
    changed = ", ".join(
        f"case when compared.is_unsure or {new[name]} is distinct from {old[name]}"
        f" then {literal(name)} end"
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
        f" md5(cast(json_array({triggers}) as varchar)) as trigger_hash,"
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


def held_with_them() -> str:
    """SQL that holds back what hangs on the records that are held back."""
    records = ", ".join(f"'{op}'" for op in RECORD_OPS)
    return (
        "update planned set is_held = true where refusal is null"
        f" and op not in ({records}) and match_key in"
        f" (select match_key from planned where is_held and op in ({records}))"
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
