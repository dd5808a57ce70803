"""What a run is to send: stored before anything is sent, and read in small portions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from intent.sync.difference import Difference, make_acked_table
from intent.sync.fields import listed
from intent.sync.ledger import Ledger, acked_table
from intent.sync.model import RECORD_OPS, WRITES, Op, Row, State, Value
from intent.sync.source import Source
from intent.sync.spec import Sync

PORTION = 10_000
"""Rows that are read at once."""
OPS = {str(op): op for op in Op}
HELD_BACK = "HELD_BACK"
RECORD_REFUSED = "RECORD_REFUSED"
NO_MATCH = "NO_MATCH"
EXISTS = "EXISTS"
STILL_IN_DOUBT = "STILL_IN_DOUBT"
SHARED_RECORD = "SHARED_RECORD"
TAKES_AWAY = f"('{Op.LEAVE}', '{Op.DELETE}', '{Op.DROP}')"
"""Ops that take something from a record."""
CHANGED = f"case when outbox.op = '{Op.UPDATE}' then outbox.changed end"
"""A row's `changed`, where it means something: lists are dear to read."""


@dataclass(frozen=True)
class Run:
    """One run of a sync, in the ledger."""

    ledger: Ledger
    sync: Sync
    run_id: str


def store_plan(run: Run, source: Source, difference: Difference, now: datetime) -> None:
    """Store the rows of `planned` as a run's, all or none.

    Those that our own checks refuse have their outcome from the beginning. Those that
    were refused before, and whose time has not come, are only counted: there can be
    many, in each of many runs.
    """
    with run.ledger.commit() as connection:
        connection.execute(
            "insert into runs by name select $run as run_id, $sync as sync,"
            " $destination as destination, 'running' as state, $now as started_at,"
            " cast($as_of as timestamp) as as_of, $rows as source_rows,"
            " $without as without_key, $same as unchanged,"
            " (select count(*) from planned) as planned,"
            " (select count(*) from planned where is_held) as held_back",
            {
                "run": run.run_id,
                "sync": run.sync.name,
                "destination": run.sync.destination,
                "now": now,
                "as_of": source.as_of,
                "rows": difference.source_rows,
                "without": difference.without_key,
                "same": difference.unchanged,
            },
        )
        connection.execute(
            "insert into outbox by name select ? as run_id, ? as sync,"
            " planned.* exclude (refusal, is_held) from planned where not is_held"
            " order by seq",
            [run.run_id, run.sync.name],
        )
        connection.execute(
            "insert into outcomes by name select ? as run_id, seq,"
            f" '{State.REJECTED}' as state, refusal as code,"
            " cast(? as timestamp) as decided_at"
            " from planned where refusal is not null order by seq",
            [run.run_id, now],
        )
        connection.execute(
            "create or replace temp table held_back as"
            " select match_key, op from planned where is_held"
        )


def hold_doubtful(run: Run, now: datetime) -> None:
    """Leave the rows of keys that have rows of earlier runs which are still in doubt.

    Sent now, they could create a record twice, or be overtaken by an earlier job.
    """
    with run.ledger.commit() as connection:
        connection.execute(
            "insert into outcomes by name"
            " with last as (select run_id, seq, max_by(state, rowid) as state"
            " from outcomes where run_id in (select run_id from runs"
            " where sync = $sync and run_id <> $run and in_doubt > 0)"
            " group by run_id, seq),"
            " doubtful as (select distinct outbox.match_key from outbox"
            " inner join last on outbox.run_id = last.run_id and outbox.seq = last.seq"
            f" where last.state = '{State.IN_DOUBT}')"
            f" select $run as run_id, outbox.seq, '{State.DEFERRED}' as state,"
            f" '{STILL_IN_DOUBT}' as code, cast($now as timestamp) as decided_at"
            " from outbox inner join doubtful"
            " on outbox.match_key = doubtful.match_key where outbox.run_id = $run"
            " and outbox.seq not in (select seq from outcomes where run_id = $run)",
            {"run": run.run_id, "sync": run.sync.name, "now": now},
        )


def begin_phase(run: Run, phase: int, now: datetime) -> None:
    """Prepare what the rows of a phase need to know of the ones before.

    Rows whose key has a row in an earlier phase that was not acknowledged don't go.
    """
    with run.ledger.commit() as connection:
        connection.execute(
            "create or replace temp table remote_ids as"
            " select outbox.match_key,"
            " max_by(outcomes.remote_id, outcomes.rowid) as remote_id"
            " from outcomes inner join outbox on outbox.run_id = outcomes.run_id"
            " and outbox.seq = outcomes.seq"
            " where outcomes.run_id = ? and outcomes.remote_id is not null"
            " group by outbox.match_key",
            [run.run_id],
        )
        connection.execute(
            "insert into outcomes by name"
            " with earlier as (select outbox.match_key,"
            " max_by(outcomes.state, outcomes.rowid) as state,"
            f" max_by(outcomes.code, outcomes.rowid) = '{SHARED_RECORD}' as is_spared"
            " from outbox left join outcomes on outbox.run_id = outcomes.run_id"
            " and outbox.seq = outcomes.seq"
            " where outbox.run_id = $run and outbox.phase < $phase"
            " group by outbox.match_key, outbox.seq),"
            " unsent as (select match_key,"
            f" bool_or(coalesce(state, '{State.DEFERRED}') in"
            f" ('{State.DEFERRED}', '{State.IN_DOUBT}')) as is_later"
            f" from earlier where coalesce(state, '') <> '{State.ACKNOWLEDGED}'"
            " and not coalesce(is_spared, false)"
            " group by match_key)"
            " select $run as run_id, outbox.seq,"
            f" case when unsent.is_later then '{State.DEFERRED}'"
            f" else '{State.SKIPPED}' end as state,"
            f" '{RECORD_REFUSED}' as code, cast($now as timestamp) as decided_at"
            " from outbox inner join unsent on outbox.match_key = unsent.match_key"
            " where outbox.run_id = $run and outbox.phase = $phase"
            " and outbox.seq not in (select seq from outcomes where run_id = $run)",
            {"run": run.run_id, "phase": phase, "now": now},
        )


def spare_shared(run: Run, phase: int, now: datetime) -> None:
    """Take nothing from records that are also those of other keys, which stay.

    Such as contacts that were merged over there, or whose key changed on both sides.
    Deleting one because of an erasure is for people to decide, as it is in part
    somebody else's.
    """
    asked = (
        "select 1 from outbox where run_id = ? and phase = ?"
        f" and op in {TAKES_AWAY} limit 1"
    )
    if not run.ledger.rows(asked, [run.run_id, phase]):
        return
    changes = run.sync.segment_changes
    on_list = listed("acked.told_segment", changes.lists if changes else {})
    with run.ledger.commit() as connection:
        make_acked_table(connection, run.sync)
        connection.execute(
            "insert into outcomes by name"
            " with rows as (select outbox.*, coalesce(last.remote_id, found.remote_id,"
            " outbox.remote_id) as known_id, last.state from outbox"
            " left join found on found.run_id = $run and found.seq = outbox.seq"
            " left join (select seq, max_by(state, rowid) as state,"
            " max(remote_id) as remote_id from outcomes where run_id = $run"
            " group by seq) as last on outbox.seq = last.seq"
            " where outbox.run_id = $run),"
            " takers as (select seq, op, match_key, known_id,"
            " payload = '{}' as is_erased, payload ->> '$.list' as list from rows"
            f" where op in {TAKES_AWAY}"
            " and phase = $phase and state is null and known_id is not null),"
            f" users as (select acked.match_key, acked.remote_id, {on_list} as list"
            f" from {acked_table(run.sync.name)} as acked where acked.has_record"
            " and acked.remote_id in (select known_id from takers)"
            " union all select match_key, known_id, null from rows"
            f" where op in ('{Op.CREATE}', '{Op.UPDATE}')"
            f" and state = '{State.ACKNOWLEDGED}')"
            " select $run as run_id, takers.seq,"
            f" case when takers.is_erased then '{State.REJECTED}'"
            f" else '{State.SKIPPED}' end as state, '{SHARED_RECORD}' as code,"
            " case when takers.is_erased then 'the record is that of another contact as"
            " well: look at it by hand' end as message,"
            " cast($now as timestamp) as decided_at"
            " from takers where exists (select 1 from users"
            " where users.remote_id = takers.known_id"
            " and users.match_key <> takers.match_key"
            f" and (takers.op <> '{Op.DROP}' or users.list = takers.list)"
            " and users.match_key not in (select match_key from rows"
            f" where op in ('{Op.LEAVE}', '{Op.DELETE}')))",
            {"run": run.run_id, "phase": phase, "now": now},
        )


def phases(run: Run) -> list[tuple[int, int, int]]:
    """The phases of a run, each with its first and last row."""
    return [
        (phase, first, last)
        for phase, first, last in run.ledger.rows(
            "select phase, min(seq), max(seq) from outbox where run_id = ?"
            " group by phase order by phase",
            [run.run_id],
        )
    ]


def read_rows(run: Run, first: int, last: int) -> Iterator[Row]:
    """The rows between two numbers that have no outcome.

    They are read a portion at a time, as they are asked for.
    """
    start = first
    while start <= last:
        end = min(start + PORTION - 1, last)
        found = run.ledger.rows(
            "select outbox.seq, outbox.op, outbox.match_key, outbox.payload,"
            f" {CHANGED}, outbox.event_id,"
            " coalesce(found.remote_id, remote_ids.remote_id, outbox.remote_id)"
            " from outbox"
            " left join found on found.run_id = $run and found.seq = outbox.seq"
            " left join remote_ids on remote_ids.match_key = outbox.match_key"
            " where outbox.run_id = $run and outbox.seq between $first and $last"
            " and outbox.seq not in (select seq from outcomes where run_id = $run"
            " and seq between $first and $last)"
            " order by outbox.seq",
            {"run": run.run_id, "first": start, "last": end},
        )
        for each in found:
            yield read_row(run.sync, *each)
        start = end + 1


def rows_of(run: Run, seqs: Sequence[int]) -> list[Row]:
    """The rows with these numbers, whatever became of them."""
    found = run.ledger.rows(
        "select outbox.seq, outbox.op, outbox.match_key, outbox.payload,"
        f" {CHANGED}, outbox.event_id,"
        " coalesce(found.remote_id, outbox.remote_id) from outbox"
        " left join found on found.run_id = $run and found.seq = outbox.seq"
        " where outbox.run_id = $run and outbox.seq in (select unnest($seqs))"
        " order by outbox.seq",
        {"run": run.run_id, "seqs": list(seqs)},
    )
    return [read_row(run.sync, *each) for each in found]


def read_row(sync: Sync, *columns: Any) -> Row:
    """A row of the outbox."""
    seq, name, key, payload, changed, event_id, remote_id = columns
    op = OPS[name]
    values = read_payload(payload, op, sync)
    known = frozenset(changed) if op is Op.UPDATE and changed else None
    return Row(seq, op, key, values, event_id, remote_id, known)


def read_payload(payload: str, op: Op, sync: Sync) -> dict[str, Value]:
    """The values of a row; without the nulls of fields that are to be kept then.

    Texts come without NUL characters, which no destination takes. Fields that the sync
    had when the row was planned, and has no more, are left out.
    """
    values: dict[str, Value] = orjson.loads(payload)
    if "\\u0000" in payload:
        values = {
            name: value.replace("\0", "") if isinstance(value, str) else value
            for name, value in values.items()
        }
    if op not in RECORD_OPS:
        return values
    if not values.keys() <= sync.fields.keys():
        values = {name: each for name, each in values.items() if name in sync.fields}
    if op in WRITES:
        for name in sync.kept:
            if name in values and values[name] is None:
                del values[name]
    return values
