"""How many rows syncs would send if another sheet were shown.

The marts of the shown sheet are built once more, by dbt, in a copy of the warehouse
that is thrown away; syncs then plan on a copy of the ledger. So the numbers are those
that `intent sync plan` gives after the next build, but for what contacts do until then.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb

from intent.dbt import run_dbt
from intent.errors import LockedError, UnavailableError
from intent.rules.live.model import Writes
from intent.settings import Places
from intent.sync import service
from intent.sync.choose import all_syncs, choose
from intent.sync.results import Plan
from intent.sync.spec import Sync
from intent.warehouse import LOCK_WORDS, in_use

OF_SHOWN_SHEET = (
    *("int_contact_stages", "int_cooling_times", "int_decay_curves"),
    *("int_decay_errors", "contact_interests", "contact_intent", "next_best_action"),
    "contact_decay_fields",
)
"""The models that differ by the sheet that is shown, and are no views of others."""
COPIES = ".rules_plan_"
"""How the folders of copies begin, beside the warehouse."""
NO_SYNC = (
    "No sync is switched on, and none ever ran. Name one to count them all the same: "
    "--sync hubspot."
)
NOT_ASKED = "Not counted."
ROOM = 1.2
"""As many times the warehouse's size a copy takes on the disk, with what is built."""


def relevant_syncs(places: Places, names: Sequence[str]) -> list[Sync]:
    """The named syncs; without names, those that are switched on or ever ran.

    Raises:
        BadInputError: there is no such sync, or its file can't be used.
    """
    found = choose(places, names) if names else all_syncs(places)
    if found.faults:
        raise found.faults[0].error
    if names:
        return found.results
    ran = syncs_that_ran(places.ledger)
    return [sync for sync in found.results if sync.enabled or sync.name in ran]


def syncs_that_ran(ledger: Path) -> set[str]:
    """The names of the syncs that the ledger has runs of."""
    if not ledger.exists():
        return set()
    with reading(ledger, "ledger") as connection:
        return {
            name
            for (name,) in connection.execute(
                "select distinct sync from runs"
            ).fetchall()
        }


def count_writes(
    places: Places, sheet: str, as_of: datetime, syncs: Sequence[Sync]
) -> list[Writes]:
    """Count what each sync has to send now, and would have with a sheet shown.

    Raises:
        UnavailableError: there is no room for the copies, a file is in use, or dbt
            fails.
        BadInputError: a sync's file does not fit the marts.
    """
    try:
        with copies(places) as now:
            plans = [service.plan(now, sync, sample=0) for sync in syncs]
            show(now, sheet, as_of)
            return [
                writes_of(before, service.plan(now, sync, sample=0))
                for before, sync in zip(plans, syncs, strict=True)
            ]
    except OSError as error:
        raise UnavailableError(
            f"Beside the warehouse {places.warehouse} no copy can be made: "
            f"{error.strerror}. Mend that, or leave the writes uncounted with "
            "--no-writes."
        ) from error


def writes_of(now: Plan, then: Plan) -> Writes:
    """What two plans of a sync say together."""
    return Writes(
        sync=now.sync,
        destination=f"{now.object} of {now.destination}",
        now=sum(now.by_op.values()),
        then=sum(then.by_op.values()),
        requests=then.requests,
        minutes=then.minutes,
        stops=then.guards,
    )


@contextmanager
def copies(places: Places) -> Iterator[Places]:
    """Copies of the warehouse and the ledger, for as long as the block goes on."""
    room = shutil.disk_usage(places.warehouse.parent).free
    needed = int(ROOM * places.warehouse.stat().st_size)
    if room < needed:
        raise UnavailableError(
            f"Beside the warehouse {places.warehouse} there is no room for a copy: "
            f"{needed:,} bytes are needed, {room:,} are free. Make room, or leave the "
            "writes uncounted with --no-writes."
        )
    with folder_of_copies(places.warehouse.parent) as folder:
        # Views name the catalog that they were made in, so the copy keeps its name.
        copied = replace(
            places,
            warehouse=folder / places.warehouse.name,
            ledger=folder / "told" / places.ledger.name,
        )
        copied.ledger.parent.mkdir()
        copy(places.warehouse, copied.warehouse, "warehouse")
        if places.ledger.exists():
            copy(places.ledger, copied.ledger, "ledger")
        yield copied


@contextmanager
def folder_of_copies(beside: Path) -> Iterator[Path]:
    """A folder for as long as the block goes on; what killed plans left is removed."""
    with locked(beside):
        for left in beside.glob(f"{COPIES}*"):
            remove_if_left(left)
        made = tempfile.TemporaryDirectory(prefix=COPIES, dir=beside)
        held = os.open(made.name, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        with made as name:
            yield Path(name)
    finally:
        os.close(held)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder against others who do so; a crash lets go of it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def remove_if_left(folder: Path) -> None:
    """Remove the copies of a plan that is no more."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    except BlockingIOError:
        pass  # another plan is at work there
    finally:
        os.close(handle)


def copy(source: Path, target: Path, what: str) -> None:
    """Copy a DuckDB file that nobody writes to meanwhile."""
    with reading(source, what):
        shutil.copyfile(source, target)
        log = source.with_name(f"{source.name}.wal")
        if log.exists():
            shutil.copyfile(log, target.with_name(f"{target.name}.wal"))
    target.chmod(0o600)


@contextmanager
def reading(file: Path, what: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB file, open for reading, so that no other process writes to it.

    Raises:
        LockedError: another process does.
        UnavailableError: it can't be read.
    """
    try:
        connection = duckdb.connect(str(file), read_only=True)
    except duckdb.Error as error:
        if not any(words in str(error) for words in LOCK_WORDS):
            raise UnavailableError(
                f"The {what} {file} can't be read ({type(error).__name__})."
            ) from error
        if what == "warehouse":
            raise in_use(file) from error
        raise LockedError(
            f"The {what} {file} is in use: a sync runs. Plan again when it is done, or "
            "leave the writes uncounted with --no-writes."
        ) from error
    with connection:
        yield connection


def show(copied: Places, sheet: str, as_of: datetime) -> None:
    """Build the marts of the shown sheet anew, by another sheet and the same clock."""
    folder = copied.warehouse.parent
    midnight = as_of.date().isoformat()
    run_dbt(
        copied,
        [
            *("run", "--select", *OF_SHOWN_SHEET),
            *("--target-path", os.fspath(folder / "target")),
            *("--log-path", os.fspath(folder / "logs")),
        ],
        {
            "intent_sheet": sheet,
            # What is built knows its clock; by this, no landed file is looked at.
            "intent_backfill": {"from": midnight, "to": midnight, "grain": "day"},
        },
        label=f"what would be sent by {sheet}",
    )
