"""The ledger: what each destination was told, and what it said.

A DuckDB file of its own (`INTENT_LEDGER`), since dbt rebuilds the warehouse and locks
it while it does. DuckDB lets one process have it open, so it is also the lock that
keeps two runs apart; the system takes it away from a process that dies.

Everything that is written during a run is appended, so that a commit is cheap and a
crash leaves what was committed. `acked_<sync>` has the values that the destination last
acknowledged, with a column of its own type for each field; it is brought forward from
the outcomes when a run ends, or by the next one if it died.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from intent.errors import LockedError, UnavailableError

TABLES = """
-- One row per run of a sync; state: running, done, stopped (deferred rows are left),
-- died (found by the next run), rolled back. `held_back` rows are among those planned
-- and skipped, but not in the outbox. `doubtful` are the rows that it left in doubt,
-- null while it runs: what became of its others has been taken over.
create table if not exists runs (
    run_id text not null,
    sync text not null,
    destination text not null,
    state text not null,
    started_at timestamp not null,
    finished_at timestamp,
    as_of timestamp,
    source_rows bigint,
    without_key bigint,
    unchanged bigint,
    planned bigint,
    held_back bigint,
    acknowledged bigint,
    rejected bigint,
    deferred bigint,
    skipped bigint,
    in_doubt bigint,
    doubtful bigint[],
    reason text,
    rolls_back text
);

-- What a run is to send, planned before anything is sent. `payload` and `before` are
-- JSON: field -> value, before: as acknowledged before (null: never). `told` is the
-- segment that the destination has been told when the row is acknowledged (null: as
-- before; '': none).
create table if not exists outbox (
    run_id text not null,
    sync text not null,
    seq bigint not null,
    phase tinyint not null,
    op text not null,
    match_key text not null,
    row_id text,
    payload text not null,
    before text,
    changed text[],
    trigger_hash text,
    told text,
    event_id text,
    remote_id text
);

-- Records that were looked up before rows are sent, as the mode or the op needs it.
create table if not exists found (
    run_id text not null,
    seq bigint not null,
    remote_id text not null
);

-- Rows that were handed to the network, before they were: without an outcome after a
-- crash, they are in doubt.
create table if not exists sent (
    run_id text not null,
    request_id text not null,
    job_id text,
    seqs bigint[] not null,
    sent_at timestamp not null
);

-- How rows ended. The last one of a row holds.
create table if not exists outcomes (
    run_id text not null,
    seq bigint not null,
    state text not null,
    code text,
    field text,
    message text,
    remote_id text,
    request_id text,
    decided_at timestamp not null
);

-- Requests and their answers, without their contents.
create table if not exists requests (
    run_id text,
    request_id text not null,
    destination text not null,
    account text not null,
    lane text not null,
    units bigint not null,
    method text not null,
    sent_at timestamp not null,
    answered_at timestamp,
    status integer,
    bytes_sent bigint not null,
    bytes_received bigint
);

-- Where the destination's asynchronous jobs stand. The last row of a job holds.
create table if not exists jobs (
    run_id text not null,
    job_id text not null,
    vendor_id text not null,
    step text not null,
    detail text not null,
    route text not null,
    seqs bigint[] not null,
    moved_at timestamp not null
);

-- Rows that are not tried again before `next_try_at`, unless a trigger of theirs
-- changes: refused ones, and skipped ones (no such record). One per sync, key and op.
create table if not exists rejected (
    sync text not null,
    match_key text not null,
    op text not null,
    row_id text,
    trigger_hash text not null,
    state text not null,
    code text not null,
    field text,
    message text,
    tries integer not null,
    first_at timestamp not null,
    last_at timestamp not null,
    next_try_at timestamp not null
);

-- What an account's answers last said of the requests it has used today.
create table if not exists quota (
    destination text not null,
    account text not null,
    used bigint not null,
    daily_limit bigint not null,
    told_at timestamp not null
);

-- The rules of a sync's fields when all rows had been sent by them.
create table if not exists mappings (
    sync text not null,
    field text not null,
    rule text not null
);

-- What erased contacts are called in the destinations, until these have deleted them.
create table if not exists deletions (
    sync text not null,
    match_key text not null,
    remote_id text,
    erasure_id text not null,
    requested_at timestamp not null
);

-- Not empty: names of erased contacts were deleted here, and old pages of the file
-- still have them, until it is written anew.
create table if not exists traces (
    noted_at timestamp not null
);
"""

MOST_MEMORY = "4GB"
"""For ten million contacts; more of them spill to the disk."""
SENDING_MEMORY = "400MB"
"""While rows are sent, which takes long: what is read then is small."""
COLUMNS = (
    "select table_name, column_name, data_type from duckdb_columns()"
    " where schema_name = 'main' and not internal"
)
MOVE_IT_AWAY = (
    "Move it away: the next sync sends everything once more, deletes nothing and tells "
    "no events."
)
LOCK_WORDS = ("Could not set lock on file", "Conflicting lock is held")


class Ledger:
    """The open ledger: the only place where a run writes to it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, file: Path) -> None:
        """Take over a connection to the ledger's file."""
        self.connection = connection
        self.file = file

    @contextmanager
    def commit(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction: all of it is on the disk when the block ends, or none.

        Raises:
            UnavailableError: the disk is full. The ledger is as it was before.
        """
        self.connection.execute("begin transaction")
        try:
            yield self.connection
            self.connection.execute("commit")
        except duckdb.Error as error:
            self.roll_back()
            raise UnavailableError(
                f"The ledger {self.file} can't be written; it is as it was before. Is "
                f"the disk full? {kind_of(error)}"
            ) from error
        except BaseException:
            self.roll_back()
            raise

    def roll_back(self) -> None:
        """End a transaction that failed, unless it ended already."""
        try:
            self.connection.execute("rollback")
        except duckdb.Error:
            return

    def rows(
        self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """What a query gives."""
        given = dict(values) if isinstance(values, Mapping) else list(values)
        return self.connection.execute(sql, given).fetchall()

    @contextmanager
    def small(self) -> Iterator[None]:
        """Keep little of the file in memory, within the block."""
        self.connection.execute(f"set memory_limit = '{SENDING_MEMORY}'")
        try:
            yield
        finally:
            self.connection.execute(f"set memory_limit = '{MOST_MEMORY}'")

    def close(self) -> None:
        """Close the file, and let others have it."""
        self.connection.close()


def kind_of(error: duckdb.Error) -> str:
    """What kind of error it is, without the values that its text may quote."""
    return type(error).__name__


@contextmanager
def open_ledger(file: Path, wait: float = 0.0) -> Iterator[Ledger]:
    """Open the ledger, and make it if there is none.

    Args:
        file: the DuckDB file.
        wait: for how many seconds to wait if another process has it.

    Raises:
        LockedError: another process has it, and still has after waiting.
        UnavailableError: it can't be opened or made.
    """
    deadline = time.monotonic() + wait
    while True:
        try:
            ledger = connect(file)
            break
        except LockedError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.2)
    try:
        yield ledger
    finally:
        ledger.close()


def connect(file: Path) -> Ledger:
    """Open the ledger's file at once, or fail."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(str(file), config={"memory_limit": MOST_MEMORY})
        connection.execute("set enable_progress_bar = false")
        connection.execute("set timezone = 'UTC'")
        connection.execute(TABLES)
        refuse_other_version(connection, file)
    except OSError as error:
        raise UnavailableError(
            f"The folder of the ledger {file} can't be made: {error.strerror}. Set "
            "INTENT_LEDGER to another place."
        ) from error
    except duckdb.Error as error:
        if any(words in str(error) for words in LOCK_WORDS):
            raise LockedError(
                f"The ledger {file} is in use: another sync runs. Wait until it is "
                "done; `intent sync run --wait 60` does so."
            ) from error
        if not os.access(file if file.exists() else file.parent, os.W_OK):
            raise UnavailableError(
                f"The ledger {file} can't be written. Give us the right, or set "
                "INTENT_LEDGER to another place."
            ) from error
        raise UnavailableError(
            f"The ledger {file} can't be opened ({kind_of(error)}). Is it damaged, or "
            f"no ledger? {MOVE_IT_AWAY}"
        ) from error
    return Ledger(connection, file)


def refuse_other_version(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Raise UnavailableError if the ledger's tables are not those of this version."""
    with duckdb.connect() as fresh:
        wanted = fresh.execute(TABLES).execute(COLUMNS).fetchall()
    if set(wanted) - {*connection.execute(COLUMNS).fetchall()}:
        connection.close()
        raise UnavailableError(
            f"The ledger {file} was made by another version of intent, which can't be "
            f"carried on with. {MOVE_IT_AWAY}"
        )


def acked_table(sync: str) -> str:
    """The table of what a sync's destination last acknowledged.

    One row per match key: `match_key`, `row_id`, `remote_id`, `has_record` (false: the
    record was left, its fields unset; an erasure finds it by this row, and
    `told_segment` may still have to be taken back), `told_segment` (the segment that
    was told as an event or list), `acked_at`, `run_id`, `is_unsure` (the record may
    have other values, as something was sent that nobody acknowledged), `unsure_told`
    (a list or segment that may have been told likewise), then a column for each field,
    named `field:` and the field's name.
    """
    return f'"acked_{sync}"'
