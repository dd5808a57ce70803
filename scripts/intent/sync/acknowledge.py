"""Brings the ledger forward when a run ends: what was acknowledged, refused, deleted.

It is done in one transaction, from what the run committed on its way, so that it can be
done by the next run as well if this one died.
"""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from intent.errors import IntentError
from intent.sync.deletions import settled
from intent.sync.difference import make_acked_table
from intent.sync.fields import rule_text, stored, structure
from intent.sync.ledger import Ledger, acked_table
from intent.sync.model import RECORD_OPS, State
from intent.sync.outbox import EXISTS, NO_MATCH, SHARED_RECORD, Run
from intent.sync.spec import Sync

DAYS_KEPT = 90
"""How long the rows of a run are kept, for audits and rollbacks."""
FIRST_PAUSE_HOURS = 1
LONGEST_PAUSE_HOURS = 7 * 24
"""A refused row is tried again after 1 hour, 2, 4 ... at most a week."""


@dataclass(frozen=True)
class Ending:
    """How a run ends."""

    state: str
    """As in the ledger's `runs`: done, stopped, died."""
    reason: str = ""
    """Why it was stopped, in words."""
    is_whole: bool = True
    """It was planned from all rows, unlike a rollback or the rest of a run."""


def end_run(run: Run, ending: Ending, now: datetime) -> None:
    """End a run: rows without an outcome are deferred, and the ledger goes forward.

    Raises:
        IntentError: the rows don't add up: a fault of ours.
    """
    with run.ledger.commit() as connection:
        defer_rest(connection, run.run_id, now)
        gather(connection, run.run_id)
        make_acked_table(connection, run.sync)
        fold_records(connection, run, now)
        fold_told(connection, run.sync)
        fold_unsure(connection, run)
        forget_gone(connection, run.sync)
        settle_deletions(connection, run.sync)
        hold_back(connection, run.sync, now, ending.is_whole)
        remember_mapping(connection, run.sync, ending.is_whole)
        count(connection, run.run_id, ending, now)
        prune(connection, now)
    assert_adds_up(run.ledger, run.run_id)


def defer_rest(
    connection: duckdb.DuckDBPyConnection, run_id: str, now: datetime
) -> None:
    """Give the outcome `deferred` to all rows that have none."""
    connection.execute(
        "insert into outcomes by name select $run as run_id, seq,"
        f" '{State.DEFERRED}' as state, 'NOT_SENT' as code, $now as decided_at"
        " from outbox where run_id = $run"
        " and seq not in (select seq from outcomes where run_id = $run)",
        {"run": run_id, "now": now},
    )


def gather(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Gather the last outcomes of the run's rows in the table `all_ended`.

    `ended` has the rows, with those outcomes, whose ends are new. A run that is settled
    ended before: later ones may have told of its other rows since.
    """
    connection.execute(
        "create or replace temp table all_ended as"
        " select seq, max_by(state, rowid) as state,"
        " max_by(coalesce(code, ''), rowid) as code,"
        " max_by(coalesce(field, ''), rowid) as field,"
        " max_by(coalesce(message, ''), rowid) as message,"
        " max(remote_id) as told_remote_id"
        " from outcomes where run_id = $run"
        " and seq in (select seq from outbox where run_id = $run) group by seq",
        {"run": run_id},
    )
    [(is_settled,)] = connection.execute(
        "select doubtful is not null from runs where run_id = ?", [run_id]
    ).fetchall()
    doubtful = "(select unnest(doubtful) from runs where run_id = $run)"
    connection.execute(
        "create or replace temp table ended as"
        " select outbox.*, all_ended.* exclude (seq)"
        " from outbox inner join all_ended on outbox.seq = all_ended.seq"
        " where outbox.run_id = $run"
        f"{f' and outbox.seq in {doubtful}' if is_settled else ''}",
        {"run": run_id},
    )


IS_SPARED = f"(state = '{State.SKIPPED}' and code = '{SHARED_RECORD}')"
IS_GONE = (
    f"((op in ('leave', 'delete') and (state = '{State.ACKNOWLEDGED}' or {IS_SPARED}))"
    f" or (state = '{State.SKIPPED}' and code = '{NO_MATCH}'"
    " and op in ('leave', 'delete', 'update')))"
)
IS_LEFT = "not has_record"
RECORDS = f"({', '.join(repr(str(op)) for op in RECORD_OPS)})"
TOLD = "coalesce(payload ->> '$.list', payload ->> '$.to')"
"""The list, or the segment, that a row tells."""
IS_WRITTEN = f"(op in ('create', 'update') and state = '{State.ACKNOWLEDGED}')"


def fold_records(
    connection: duckdb.DuckDBPyConnection, run: Run, now: datetime
) -> None:
    """Take over the values that were acknowledged, and the records that are gone.

    A record that was spared, as it is that of another key as well, may have the values
    of the one that is gone: it is written again by the next run.
    """
    table = acked_table(run.sync.name)
    fields = ""
    for name, rule in run.sync.fields.items():
        new = f"new_rows.told_values[{quote(name)}]"
        old = f"acked.{stored(name)}"
        kept = f"coalesce({new}, {old})" if rule.if_null == "keep" else new
        fields += f", {kept} as {stored(name)}"
    connection.execute(
        "create or replace temp table new_acked as"
        f" with new_rows as (select *, from_json(payload, {structure(run.sync)})"
        f" as told_values from ended where {IS_WRITTEN})"
        " select new_rows.match_key, new_rows.row_id,"
        " coalesce(new_rows.told_remote_id, new_rows.remote_id, acked.remote_id)"
        " as remote_id, true as has_record,"
        " coalesce(new_rows.told, acked.told_segment) as told_segment,"
        " cast($now as timestamp) as acked_at, $run as run_id,"
        " false as is_unsure, acked.unsure_told"
        f"{fields}"
        f" from new_rows left join {table} as acked"
        " on new_rows.match_key = acked.match_key",
        {"now": now, "run": run.run_id},
    )
    connection.execute(
        f"delete from {table} where match_key in (select match_key from new_acked)"
    )
    connection.execute(f"insert into {table} by name select * from new_acked")
    unset = "".join(f", {stored(name)} = null" for name in run.sync.fields)
    connection.execute(
        f"update {table} set has_record = false, is_unsure = false, run_id = ?{unset}"
        f" where match_key in (select match_key from ended where {IS_GONE})",
        [run.run_id],
    )
    connection.execute(
        f"update {table} set is_unsure = true where has_record and run_id <> ?"
        " and remote_id in (select remote_id from ended"
        f" where code = '{SHARED_RECORD}' and op in ('leave', 'delete'))",
        [run.run_id],
    )


def fold_told(connection: duckdb.DuckDBPyConnection, sync: Sync) -> None:
    """Take over which segments were told."""
    table = acked_table(sync.name)
    told = (
        "op in ('drop', 'join', 'event')"
        f" and (state = '{State.ACKNOWLEDGED}' or {IS_SPARED})"
    )
    connection.execute(
        f"update {table} as acked set told_segment = nullif(told.told, '')"
        " from (select match_key, max_by(told, seq) as told from ended"
        f" where {told} group by match_key) as told"
        " where acked.match_key = told.match_key"
    )
    connection.execute(
        f"update {table} as acked set unsure_told = null from ended where {told}"
        " and acked.match_key = ended.match_key"
        f" and (op <> 'drop' or {TOLD} = acked.unsure_told)"
    )


def fold_unsure(connection: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Note what was sent and not acknowledged: it may have been done all the same.

    The next run makes it good then, whatever the mart says: also where it has again
    what was acknowledged before, or nothing, as the contact left.
    """
    table = acked_table(run.sync.name)
    connection.execute(
        "create or replace temp table unsure as select * from ended"
        f" where state not in ('{State.ACKNOWLEDGED}', '{State.SKIPPED}')"
        " and seq in (select unnest(seqs) from sent where run_id = ?)",
        [run.run_id],
    )
    connection.execute(
        f"update {table} set is_unsure = true"
        f" where match_key in (select match_key from unsure where op in {RECORDS})"
    )
    connection.execute(
        f"insert into {table} by name select match_key, max(row_id) as row_id,"
        " false as has_record, true as is_unsure"
        " from unsure where op in ('create', 'update')"
        f" and match_key not in (select match_key from {table}) group by match_key"
    )
    connection.execute(
        f"update {table} as acked set unsure_told = unsure.told from"
        f" (select match_key, max({TOLD}) as told from unsure where op not in {RECORDS}"
        " group by match_key) as unsure"
        " where acked.match_key = unsure.match_key and acked.unsure_told is null"
    )


def forget_gone(connection: duckdb.DuckDBPyConnection, sync: Sync) -> None:
    """Forget records that are not there.

    Of one whose fields were unset the keys stay: it is to be deleted if the contact is
    erased one day. Should it come back, its segment is told anew, unless a run was only
    taken back.
    """
    table = acked_table(sync.name)
    if sync.segment_changes is None or sync.segment_changes.told_as != "lists":
        connection.execute(
            f"update {table} set told_segment = null, unsure_told = null"
            f" where {IS_LEFT} and match_key in (select match_key from ended"
            f" where {IS_GONE} and told is null)"
        )
    connection.execute(
        f"delete from {table} where {IS_LEFT} and told_segment is null"
        " and unsure_told is null and match_key in"
        f" (select match_key from ended where {IS_GONE} and not (op = 'leave'"
        f" and state = '{State.ACKNOWLEDGED}'))"
    )


def settle_deletions(connection: duckdb.DuckDBPyConnection, sync: Sync) -> None:
    """Forget what erased contacts are called, where the destination deleted them."""
    keys = [
        key
        for (key,) in connection.execute(
            "select distinct ended.match_key from ended inner join deletions"
            " on ended.sync = deletions.sync and ended.match_key = deletions.match_key"
            f" where ended.op = 'delete' and {IS_GONE} and deletions.sync = ?",
            [sync.name],
        ).fetchall()
    ]
    if keys:
        settled(connection, sync.name, keys)


def hold_back(
    connection: duckdb.DuckDBPyConnection, sync: Sync, now: datetime, is_whole: bool
) -> None:
    """Note which rows were refused, and when to try them again."""
    connection.execute(
        "create or replace temp table new_rejected as"
        " select ended.sync, ended.match_key, ended.op, max(ended.row_id) as row_id,"
        " max(coalesce(ended.trigger_hash, '')) as trigger_hash,"
        " max(ended.state) as state, max(ended.code) as code,"
        " max(nullif(ended.field, '')) as field,"
        " max(nullif(ended.message, '')) as message,"
        " coalesce(max(rejected.tries), 0) + 1 as tries,"
        " coalesce(min(rejected.first_at), $now) as first_at, $now as last_at"
        " from ended left join rejected on ended.sync = rejected.sync"
        " and ended.match_key = rejected.match_key and ended.op = rejected.op"
        f" where ended.state = '{State.REJECTED}' or (ended.state = '{State.SKIPPED}'"
        f" and ended.code in ('{NO_MATCH}', '{EXISTS}')"
        " and ended.op in ('create', 'update'))"
        " group by ended.sync, ended.match_key, ended.op",
        {"now": now},
    )
    connection.execute(
        "create temp table if not exists held_back (match_key varchar, op varchar)"
    )
    stale = (
        " or not exists (select 1 from ended where ended.match_key ="
        " rejected.match_key and ended.op = rejected.op)"
        " and not exists (select 1 from held_back where held_back.match_key ="
        " rejected.match_key and held_back.op = rejected.op)"
        if is_whole
        else ""
    )
    connection.execute(
        "delete from rejected where sync = $sync and (exists (select 1 from ended"
        " where ended.match_key = rejected.match_key and ended.op = rejected.op"
        f" and ended.state not in ('{State.DEFERRED}', '{State.IN_DOUBT}')){stale})",
        {"sync": sync.name},
    )
    connection.execute(
        "insert into rejected by name select *, $now + to_microseconds(cast("
        f" least({LONGEST_PAUSE_HOURS}, {FIRST_PAUSE_HOURS} * pow(2, tries - 1))"
        " * 3600000000 as bigint)) as next_try_at from new_rejected",
        {"now": now},
    )


def remember_mapping(
    connection: duckdb.DuckDBPyConnection, sync: Sync, is_whole: bool
) -> None:
    """Note the fields' rules, when all rows have been sent by them."""
    [(left,)] = connection.execute(
        "select count(*) from ended where state in (?, ?)",
        [State.DEFERRED, State.IN_DOUBT],
    ).fetchall()
    if left or not is_whole:
        return
    connection.execute("delete from mappings where sync = ?", [sync.name])
    connection.executemany(
        "insert into mappings values (?, ?, ?)",
        [[sync.name, name, rule_text(rule)] for name, rule in sync.fields.items()],
    )


def count(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    ending: Ending,
    now: datetime,
) -> None:
    """Write the run's end and its numbers."""
    connection.execute(
        "update runs set state = $state, finished_at = $now, reason = $reason,"
        + ", ".join(
            f" {name} = (select count(*) from all_ended where state = '{each}')"
            f"{' + coalesce(held_back, 0)' if each is State.SKIPPED else ''}"
            for name, each in (
                ("acknowledged", State.ACKNOWLEDGED),
                ("rejected", State.REJECTED),
                ("deferred", State.DEFERRED),
                ("skipped", State.SKIPPED),
                ("in_doubt", State.IN_DOUBT),
            )
        )
        + ", doubtful = (select coalesce(list(seq), []) from all_ended"
        f" where state = '{State.IN_DOUBT}') where run_id = $run",
        {
            "state": ending.state,
            "now": now,
            "reason": ending.reason,
            "run": run_id,
        },
    )


def prune(connection: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """Remove the rows of runs that are long over; `runs` itself stays."""
    old = (
        "(select run_id from runs where finished_at < cast(? as timestamp)"
        f" - to_days({DAYS_KEPT}) and in_doubt = 0)"
    )
    for table in ("outbox", "outcomes", "sent", "found", "requests", "jobs"):
        connection.execute(f"delete from {table} where run_id in {old}", [now])


def assert_adds_up(ledger: Ledger, run_id: str) -> None:
    """Check that every planned row has exactly one end.

    Raises:
        IntentError: it has not.
    """
    [(planned, outbox, ended)] = ledger.rows(
        "select planned,"
        " coalesce(held_back, 0)"
        " + (select count(*) from outbox where outbox.run_id = ?),"
        " acknowledged + rejected + deferred + skipped + in_doubt"
        " from runs where run_id = ?",
        [run_id, run_id],
    )
    if not planned == outbox == ended:
        raise IntentError(
            f"The rows of run {run_id} don't add up: {planned} were planned, {outbox} "
            f"are in the outbox, {ended} ended. This is a fault of intent: keep the "
            "ledger and report it."
        )


def quote(name: str) -> str:
    """A field's name as a key of a struct."""
    return "'" + name.replace("'", "''") + "'"
