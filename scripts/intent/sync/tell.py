"""Reads from the ledger what runs came to."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from intent.sync.ledger import Ledger
from intent.sync.model import State
from intent.sync.outbox import HELD_BACK
from intent.sync.results import Rejection, RunResult
from intent.sync.spec import Sync

COUNTS = (
    "planned",
    "acknowledged",
    "rejected",
    "deferred",
    "skipped",
    "in_doubt",
    "unchanged",
    "without_key",
)
RESULTS = (
    "select run_id, sync, destination, state, finished_at, coalesce(reason, ''),"
    " (select count(*) from requests where requests.run_id = runs.run_id),"
    " coalesce(epoch(finished_at - started_at), 0.0), coalesce(held_back, 0), "
    + ", ".join(f"coalesce({name}, 0)" for name in COUNTS)
    + " from runs"
)


def read_result(ledger: Ledger, run_id: str, seconds: float) -> Sequence[RunResult]:
    """What a run came to, which took so many seconds in all; none if it never began."""
    return [
        replace(as_result(ledger, found), seconds=seconds)
        for found in ledger.rows(f"{RESULTS} where run_id = ?", [run_id])
    ]


def read_results(ledger: Ledger, most: int = 1) -> Sequence[RunResult]:
    """What the last runs of each sync came to, of each the newest first."""
    last = (
        "where rowid in (select id from (select rowid as id, row_number() over ("
        "partition by sync order by rowid desc) as number from runs)"
        " where number <= ?) order by sync, rowid desc"
    )
    return [
        as_result(ledger, found) for found in ledger.rows(f"{RESULTS} {last}", [most])
    ]


def as_result(ledger: Ledger, found: Sequence[Any]) -> RunResult:
    """A row of the ledger's runs as a result."""
    run_id, sync, destination, state, finished_at, reason, requests, seconds = found[:8]
    held_back = {HELD_BACK: found[8]} if found[8] else {}
    return RunResult(
        run_id=run_id,
        sync=sync,
        destination=destination,
        state=state,
        finished_at=finished_at,
        reason=reason,
        requests=requests,
        seconds=seconds,
        rejections=by_code(ledger, run_id, State.REJECTED),
        skips=held_back | by_code(ledger, run_id, State.SKIPPED),
        **dict(zip(COUNTS, found[9:], strict=True)),
    )


def by_code(ledger: Ledger, run_id: str, state: State) -> dict[str, int]:
    """A run's rows that ended in a state, by code."""
    return dict(
        ledger.rows(
            "select code, count(*) from (select seq, max_by(state, rowid) as state,"
            " max_by(code, rowid) as code from outcomes where run_id = ? group by seq)"
            " where state = ? group by code order by 2 desc, 1",
            [run_id, state],
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
