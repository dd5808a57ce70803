"""Runs of before: what they left, and how it is taken up again or taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from intent.errors import BadInputError
from intent.sync.fields import as_json, literal
from intent.sync.ledger import Ledger, acked_table
from intent.sync.model import PHASES, Op, State
from intent.sync.outbox import Run
from intent.sync.spec import Sync

TELLING = (Op.CREATE, Op.UPDATE, Op.JOIN, Op.EVENT)
"""What tells a destination something of a contact, instead of taking it back."""


@dataclass(frozen=True)
class EarlierRun:
    """A run as the ledger has it."""

    run_id: str
    state: str
    reason: str
    left: int

    @property
    def has_left_rows(self) -> bool:
        """It died, or left rows to be sent."""
        return self.state == "running" or self.left > 0


RUNS = (
    "select run_id, state, coalesce(reason, ''),"
    " coalesce(deferred, 0) + coalesce(in_doubt, 0) from runs where sync = ?"
)


def last_run(ledger: Ledger, sync: Sync) -> EarlierRun | None:
    """The last run of a sync."""
    found = ledger.rows(f"{RUNS} order by rowid desc limit 1", [sync.name])
    return EarlierRun(*found[0]) if found else None


def unsettled_runs(ledger: Ledger, sync: Sync) -> Sequence[EarlierRun]:
    """The runs that died, and those with rows in doubt, the oldest first."""
    found = ledger.rows(
        f"{RUNS} and (state = 'running' or in_doubt > 0) order by rowid", [sync.name]
    )
    return [EarlierRun(*each) for each in found]


def run_of(ledger: Ledger, run_id: str) -> str:
    """The name of the sync that a run was of.

    Raises:
        BadInputError: there is no such run, or its rows are no longer kept.
    """
    found = ledger.rows("select sync from runs where run_id = ?", [run_id])
    if not found:
        raise BadInputError(
            f"There is no run {run_id}. `intent sync status` lists the last ones."
        )
    if not ledger.rows("select 1 from outbox where run_id = ? limit 1", [run_id]):
        raise BadInputError(
            f"The rows of run {run_id} are not kept any more, or it had none."
        )
    name: str = found[0][0]
    return name


def begin(run: Run, now: datetime, rows: str, before: str) -> None:
    """Store a run whose rows come from an earlier one, by SQL without `seq`."""
    sync, run_id = run.sync, run.run_id
    with run.ledger.commit() as connection:
        connection.execute(
            "insert into outbox by name select $run as run_id, $sync as sync,"
            " row_number() over (order by phase, earlier_seq) as seq,"
            f" rest.* exclude (earlier_seq) from ({rows}) as rest",
            {"run": run_id, "sync": sync.name, "before": before},
        )
        connection.execute(
            "insert into runs by name select $run as run_id, $sync as sync,"
            " $destination as destination, 'running' as state, $now as started_at,"
            " (select max(as_of) from runs where run_id = $before) as as_of,"
            " 0 as source_rows, 0 as without_key, 0 as unchanged,"
            " (select count(*) from outbox where run_id = $run) as planned,"
            " $before as rolls_back",
            {
                "run": run_id,
                "sync": sync.name,
                "destination": sync.destination,
                "now": now,
                "before": before,
            },
        )


LAST = (
    "(select seq, max_by(state, rowid) as state from outcomes where run_id = $before"
    " group by seq)"
)
"""How the rows of a run ended."""
IS_ALLOWED = "outbox.match_key in (select match_key from allowed)"
"""Today's marts say that the contact may be told; see `note_allowed`."""


def copy_rest(run: Run, before: str, now: datetime, knows_allowed: bool) -> None:
    """Begin a run of the rows that an earlier one left.

    Args:
        run: the new one.
        before: the earlier one.
        now: the moment (UTC).
        knows_allowed: the table `allowed` is there: who objected since is not told.
    """
    tells = ", ".join(f"'{op}'" for op in TELLING)
    allowed = f" and (outbox.op not in ({tells}) or {IS_ALLOWED})"
    rows = (
        "select outbox.seq as earlier_seq, outbox.* exclude (run_id, sync, seq)"
        f" from outbox inner join {LAST} as last on outbox.seq = last.seq"
        f" where outbox.run_id = $before and last.state = '{State.DEFERRED}'"
        f"{allowed if knows_allowed else ''}"
        " and $sync is not null and $run is not null"
    )
    begin(run, now, rows, before)


def copy_reversed(run: Run, before: str, now: datetime) -> None:
    """Begin a run that takes an earlier one back.

    Only rows whose last acknowledged write was that run's, and of whom today's marts
    say that they may be told; fields of a record that it created are unset.
    """
    rows = [records_before(run.sync)]
    changes = run.sync.segment_changes
    if changes and changes.told_as == "lists":
        rows.append(lists_before(run.sync, changes.lists))
    begin(run, now, " union all by name ".join(rows), before)


def records_before(sync: Sync) -> str:
    """SQL of the records as they were before a run.

    Events can't be taken back: of a record that is unset, what they told stays told.
    """
    unset = as_json(sync, dict.fromkeys(sync.fields, "null"))
    return (
        "select outbox.seq as earlier_seq, cast(1 as tinyint) as phase,"
        " case when outbox.before is null then 'leave' else 'update' end as op,"
        " outbox.match_key, outbox.row_id,"
        f" coalesce(outbox.before, {unset}) as payload,"
        " outbox.payload as before, outbox.changed, md5('') as trigger_hash,"
        " case when outbox.before is null then acked.told_segment end as told,"
        " cast(null as varchar) as event_id,"
        " coalesce(acked.remote_id, outbox.remote_id) as remote_id"
        f" from outbox inner join {LAST} as last on outbox.seq = last.seq"
        f" left join {acked_table(sync.name)} as acked"
        " on outbox.match_key = acked.match_key"
        f" where outbox.run_id = $before and last.state = '{State.ACKNOWLEDGED}'"
        " and (outbox.op in ('create', 'update') and acked.run_id = $before"
        " or outbox.op = 'leave' and not coalesce(acked.has_record, false))"
        f" and (outbox.before is null or {IS_ALLOWED})"
        " and $sync is not null and $run is not null"
    )


def lists_before(sync: Sync, lists: Mapping[str, str]) -> str:
    """SQL of the lists to be joined and left, so that they are as before a run.

    Only of contacts whose lists no later run changed.
    """
    segments = " ".join(
        f"when {literal(list_id)} then {literal(segment)}"
        for segment, list_id in lists.items()
    )
    was_left = f"outbox.op = '{Op.DROP}'"
    return (
        "select outbox.seq as earlier_seq,"
        f" cast(case when {was_left} then {PHASES[Op.JOIN]} else {PHASES[Op.DROP]} end"
        " as tinyint) as phase,"
        f" case when {was_left} then '{Op.JOIN}' else '{Op.DROP}' end as op,"
        " outbox.match_key, outbox.row_id, outbox.payload,"
        " cast(null as varchar) as before, outbox.changed, outbox.trigger_hash,"
        f" case when {was_left} then"
        f" case outbox.payload ->> '$.list' {segments} else '' end else '' end as told,"
        " cast(null as varchar) as event_id,"
        " coalesce(acked.remote_id, outbox.remote_id) as remote_id"
        f" from outbox inner join {LAST} as last on outbox.seq = last.seq"
        " inner join (select match_key, nullif(max_by(told, seq), '') as told"
        f" from outbox where run_id = $before and op in ('{Op.DROP}', '{Op.JOIN}')"
        " group by match_key) as left_at on outbox.match_key = left_at.match_key"
        f" inner join {acked_table(sync.name)} as acked"
        " on outbox.match_key = acked.match_key"
        " and acked.told_segment is not distinct from left_at.told"
        f" where outbox.run_id = $before and last.state = '{State.ACKNOWLEDGED}'"
        f" and (outbox.op = '{Op.JOIN}' or {was_left} and {IS_ALLOWED})"
    )


def forget_pauses(ledger: Ledger, sync: Sync, now: datetime) -> None:
    """Let all rows be tried again that were refused."""
    with ledger.commit() as connection:
        connection.execute(
            "update rejected set next_try_at = ? where sync = ?", [now, sync.name]
        )
