"""Reads from the ledger what runs came to."""

from collections.abc import Sequence

from intent.sync.ledger import Ledger
from intent.sync.model import State
from intent.sync.results import Rejection, RunResult
from intent.sync.spec import Sync

RESULTS = (
    "select runs.run_id, sync, destination, state, finished_at, coalesce(planned, 0),"
    " coalesce(acknowledged, 0), coalesce(rejected, 0), coalesce(deferred, 0),"
    " coalesce(skipped, 0), coalesce(in_doubt, 0), coalesce(unchanged, 0),"
    " (select count(*) from requests where requests.run_id = runs.run_id),"
    " coalesce(epoch(finished_at - started_at), 0.0), coalesce(reason, '') from runs"
)


def read_result(ledger: Ledger, run_id: str, seconds: float) -> Sequence[RunResult]:
    """What a run came to, which took so many seconds in all; none if it never began."""
    return [
        RunResult(*before, seconds, reason, rejections(ledger, run_id))
        for *before, _, reason in ledger.rows(
            f"{RESULTS} where runs.run_id = ?", [run_id]
        )
    ]


def read_results(ledger: Ledger) -> Sequence[RunResult]:
    """What the last run of each sync came to."""
    return [
        RunResult(*found, rejections(ledger, found[0]))
        for found in ledger.rows(
            f"{RESULTS} where runs.rowid in (select max(rowid) from runs group by sync)"
            " order by sync"
        )
    ]


def rejections(ledger: Ledger, run_id: str) -> dict[str, int]:
    """A run's rejected rows by code."""
    return dict(
        ledger.rows(
            "select code, count(*) from (select seq, max_by(state, rowid) as state,"
            " max_by(code, rowid) as code from outcomes where run_id = ? group by seq)"
            f" where state = '{State.REJECTED}' group by code order by 2 desc, 1",
            [run_id],
        )
    )


def read_rejected(ledger: Ledger, sync: Sync) -> Sequence[Rejection]:
    """The rows of a sync that are refused, the newest first."""
    return [
        Rejection(*found)
        for found in ledger.rows(
            "select sync, row_id, op, code, field, message, tries, first_at,"
            " next_try_at from rejected where sync = ?"
            f" and state = '{State.REJECTED}' order by last_at desc, row_id, op",
            [sync.name],
        )
    ]
