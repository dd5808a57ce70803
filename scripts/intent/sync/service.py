"""What the commands call: each function is one of them, without its printing."""

import asyncio
import gc
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from intent.erasure.certificate import cut_short
from intent.errors import (
    BadInputError,
    GuardError,
    LockedError,
    UnavailableError,
)
from intent.settings import Places
from intent.sync.acknowledge import Ending, end_run
from intent.sync.audit import publish_audit
from intent.sync.clock import now, utc_now
from intent.sync.deletions import has_traces, leave_no_trace, note_told
from intent.sync.desired import note_allowed
from intent.sync.destinations import find_adapter
from intent.sync.difference import compare
from intent.sync.earlier import (
    copy_rest,
    copy_reversed,
    forget_pauses,
    last_run,
    run_of,
    unsettled_runs,
)
from intent.sync.ledger import Ledger, open_ledger
from intent.sync.load import load_syncs
from intent.sync.mapping_check import check_fields, refuse_fields
from intent.sync.outbox import Run, store_plan
from intent.sync.planning import describe_plan, find_guards, stopping
from intent.sync.reconcile import compare_records
from intent.sync.results import (
    Drift,
    Finding,
    Plan,
    Rejection,
    RunResult,
    SetUp,
)
from intent.sync.secrets import blank_settings, setting_states
from intent.sync.session import (
    Session,
    make_adapter,
    moment_of_run,
    new_run_id,
    open_session,
    stopped_by_signals,
)
from intent.sync.source import attached, refuse_mapping
from intent.sync.spec import Sync
from intent.sync.stop import Stop
from intent.sync.tell import read_rejected, read_result, read_results

SELDOM = 200_000
"""New objects between two looks for cycles, while rows are sent."""


class Progress(Protocol):
    """Is told how far a run is; a bar in a terminal, or nothing."""

    def planned(self, rows: int) -> None:
        """So many rows are to be sent."""

    def ended(self, rows: int) -> None:
        """So many more rows have an outcome."""


class RunStopped(KeyboardInterrupt):
    """A run was stopped by a signal, and is in good order."""

    def __init__(self, result: RunResult) -> None:
        """Carry along what it came to."""
        super().__init__()
        self.result = result


def setup(sync: Sync) -> SetUp:
    """What is to be created over there and to be set here; needs no credentials."""
    kind = find_adapter(sync.destination)
    adapter = kind(sync, blank_settings(kind.settings), now())
    return SetUp(
        sync=sync.name,
        destination=sync.destination,
        object=sync.object,
        steps=list(adapter.setup()),
        settings=setting_states(kind.settings),
    )


def check(places: Places, sync: Sync) -> Sequence[Finding]:
    """Check credentials, the destination's schema, and the mapping against it.

    Raises:
        BadInputError: a setting is missing.
        RefusedError: the credentials are refused.
        UnavailableError: the destination can't be reached.
    """
    adapter = make_adapter(sync)

    async def describe(ledger: Ledger) -> Sequence[Finding]:
        async with open_session(ledger, adapter, Stop()) as session:
            return check_fields(sync, await session.describe())

    with open_ledger(places.ledger) as ledger:
        findings = asyncio.run(describe(ledger))
    return [Finding("credentials", True, "accepted"), *findings]


def plan(
    places: Places, sync: Sync, sample: int = 3, allowed: Collection[str] = ()
) -> Plan:
    """Work out what a run would do; nothing is sent or written.

    Args:
        places: where the warehouse and the ledger are.
        sync: what to send where.
        sample: so many rows are shown, masked.
        allowed: guards that would not stop it.
    """
    adapter = make_adapter(sync, with_secrets=False)
    with (
        open_ledger(places.ledger) as ledger,
        attached(ledger, places.warehouse) as source,
    ):
        refuse_mapping(sync, source)
        ledger.connection.execute("begin transaction")
        try:
            difference = compare(ledger, sync, source, utc_now())
            found = describe_plan(ledger, adapter, source, difference, sample)
        finally:
            ledger.roll_back()
    stops = stopping(found.guards, allowed)
    return replace(found, guards=stops)


def run(
    places: Places,
    sync: Sync,
    progress: Progress,
    allowed: Collection[str] = (),
    wait: float = 0.0,
) -> RunResult:
    """Settle the run before, plan anew, and send.

    Args:
        places: where the warehouse and the ledger are.
        sync: what to send where.
        progress: is told how far it is.
        allowed: guards that are not to stop it: shrinking, downgrades, deletions.
        wait: for how many seconds to wait for the ledger or the warehouse.

    Raises:
        GuardError: a guard stopped it before anything was sent.
        RefusedError: the credentials are refused.
        LockedError: another sync runs, or dbt builds.
        BadInputError: a setting, column or mart is missing.
        UnavailableError: a place can't be read or written.
        RunStopped: it was stopped by a signal, and is in good order.
    """

    def plan_anew(session: Session, run_id: str) -> Ending:
        store_difference(session, places, run_id, allowed, wait)
        return Ending("done")

    return carry_out(places, sync, progress, plan_anew, wait)


def store_difference(
    session: Session,
    places: Places,
    run_id: str,
    allowed: Collection[str],
    wait: float,
) -> None:
    """Compare, and store what is to be sent; the warehouse is let go of at once."""
    ledger, sync = session.ledger, session.adapter.sync
    stop = session.stop
    with attached(ledger, places.warehouse, wait, lambda: stop.is_set) as source:
        refuse_mapping(sync, source)
        moment = utc_now()
        difference = compare(ledger, sync, source, moment)
        if found := stopping(find_guards(sync, source, difference), allowed):
            raise GuardError(
                "\n".join(
                    [
                        f"the sync {sync.name} was stopped, nothing was sent:",
                        *(f"- {each}" for each in found),
                        "Look at the marts. If they are right, go on with "
                        + " ".join(f"--allow {e.partition(':')[0]}" for e in found),
                    ]
                )
            )
        store_plan(Run(ledger, sync, run_id), source, difference, moment)


def resume(places: Places, sync: Sync, progress: Progress) -> RunResult | None:
    """Finish the run before as it was planned, also while the warehouse is away.

    If it can be read, contacts that may not be told any more are left out. None: the
    run before is finished.
    """
    with open_ledger(places.ledger) as ledger:
        before = last_run(ledger, sync)
        if before is None or not before.has_left_rows:
            return None

    def plan_rest(session: Session, run_id: str) -> Ending:
        run = Run(session.ledger, sync, run_id)
        copy_rest(run, before.run_id, utc_now(), knows_allowed(session, places))
        return Ending("done", is_whole=False)

    return carry_out(places, sync, progress, plan_rest)


def retry(places: Places, sync: Sync, progress: Progress) -> RunResult:
    """Run, and try all rows again that were refused before."""

    def plan_all(session: Session, run_id: str) -> Ending:
        forget_pauses(session.ledger, sync, utc_now())
        store_difference(session, places, run_id, (), 0.0)
        return Ending("done")

    return carry_out(places, sync, progress, plan_all)


def rollback(places: Places, run_id: str, progress: Progress) -> RunResult:
    """Send what was acknowledged before a run again, for each row it changed.

    Rows that were changed by a later run stay as they are. Records that the run
    created get their fields unset; what it deleted can't be brought back, nor can the
    events that it told. Nothing is told of contacts of whom that is not allowed today.

    Args:
        places: where the ledger and the syncs are.
        run_id: the run.
        progress: is told how far it is.

    Raises:
        BadInputError: there is no such run, or it is too old.
        LockedError: another sync runs, or dbt builds.
        UnavailableError: the warehouse can't be read.
    """
    with open_ledger(places.ledger) as ledger:
        name = run_of(ledger, run_id)
    [sync] = load_syncs(places.syncs, [name])

    def plan_back(session: Session, new_id: str) -> Ending:
        with attached(session.ledger, places.warehouse) as source:
            refuse_mapping(sync, source)
            note_allowed(session.ledger, sync, source)
        copy_reversed(Run(session.ledger, sync, new_id), run_id, utc_now())
        return Ending("done", is_whole=False)

    return carry_out(places, sync, progress, plan_back)


def knows_allowed(session: Session, places: Places) -> bool:
    """Note who may be told today; False if the warehouse can't be asked at present."""
    sync = session.adapter.sync
    try:
        with attached(session.ledger, places.warehouse) as source:
            refuse_mapping(sync, source)
            note_allowed(session.ledger, sync, source)
    except (LockedError, UnavailableError, BadInputError):
        return False
    return True


def rejected(places: Places, sync: Sync) -> Sequence[Rejection]:
    """The rows that are refused, the newest first."""
    with open_ledger(places.ledger) as ledger:
        return read_rejected(ledger, sync)


def status(places: Places, most: int = 1) -> Sequence[RunResult]:
    """The last runs of each sync, of each the newest first."""
    with open_ledger(places.ledger) as ledger:
        return read_results(ledger, most)


def reconcile(places: Places, sync: Sync, limit: int | None = None) -> Drift:
    """Read records back and compare them with what was acknowledged.

    Args:
        places: where the ledger is.
        sync: whose records.
        limit: at most so many, chosen at random; None: all.

    Raises:
        BadInputError: records of this destination can't be read back.
    """
    adapter = make_adapter(sync)
    if adapter.lookup_rows == 0:
        raise BadInputError(
            f"{adapter.name} can't be asked what it has: there is nothing to compare."
        )

    async def look(ledger: Ledger) -> Drift:
        stop = Stop()
        async with open_session(ledger, adapter, stop) as session:
            with stopped_by_signals(stop):
                await session.describe()  # some know their fields by numbers
                return await compare_records(session, limit)

    with open_ledger(places.ledger) as ledger:
        return asyncio.run(look(ledger))


def carry_out(
    places: Places,
    sync: Sync,
    progress: Progress,
    plan_rows: Callable[[Session, str], Ending],
    wait: float = 0.0,
) -> RunResult:
    """Settle what is unsettled, plan, send, bring the ledger forward, publish.

    Args:
        places: where the ledger is.
        sync: what to send where.
        progress: is told how far it is.
        plan_rows: stores the rows of a new run, and says how it ends if all goes well.
        wait: for how many seconds to wait for the ledger.
    """
    started = time.monotonic()
    make_adapter(sync)  # what is wrong with its settings is said without waiting
    with open_ledger(places.ledger, wait) as ledger:
        refuse_cut_short(places)
        moment = moment_of_run(ledger, sync)
        adapter = make_adapter(sync, planned_at=moment)
        run_id = new_run_id(sync, moment)

        async def go() -> None:
            stop = Stop()
            async with open_session(ledger, adapter, stop) as session:
                with stopped_by_signals(stop):
                    await session.describe()
                    refuse_fields(sync, session.schema)
                    await settle_earlier(session)
                    # In a thread, so that signals are heard while it waits for dbt.
                    ending = await asyncio.to_thread(plan_rows, session, run_id)
                    await send(session, run_id, progress, ending)
                if stop.error:
                    raise stop.error

        with accounted_for(places, ledger):
            try:
                asyncio.run(go())
            except KeyboardInterrupt as stopped:
                for result in read_result(ledger, run_id, time.monotonic() - started):
                    raise RunStopped(result) from stopped
                raise
            [result] = read_result(ledger, run_id, time.monotonic() - started)
    return result


def refuse_cut_short(places: Places) -> None:
    """Raise BadInputError if an erasure is not done: the marts still have its contact.

    Looked at while the ledger is ours: an erasure needs it as well.
    """
    if begun := cut_short(places.erasures):
        raise BadInputError(
            f"The erasure {begun[0]} was cut short. Finish it first: give the same "
            "`intent forget` again."
        )


@contextmanager
def accounted_for(places: Places, ledger: Ledger) -> Iterator[None]:
    """Publish the audit at the end of the block, and forget who was erased by then.

    However it ends. The ledger is closed afterwards, if erased contacts were deleted in
    the block, or in a run that died before it came to this.
    """
    try:
        yield
    finally:
        try:
            publish_audit(ledger, places)
        finally:
            if has_traces(ledger):
                note_told(ledger.connection, places.erasures)
                leave_no_trace(ledger)


@contextmanager
def few_collections() -> Iterator[None]:
    """Let Python seldom look for cycles of objects: rows are many, and are in none."""
    before = gc.get_threshold()
    gc.set_threshold(SELDOM, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def settle_earlier(session: Session) -> None:
    """Settle the runs that died, and those that left rows in doubt."""
    for before in unsettled_runs(session.ledger, session.adapter.sync):
        async with session.runner(before.run_id) as runner:
            await runner.settle()
            run = runner.clerk.run
        if session.stop.error:
            raise session.stop.error
        state = "died" if before.state == "running" else before.state
        ending = Ending(state, before.reason, is_whole=False)
        end_run(run, ending, utc_now())


async def send(
    session: Session, run_id: str, progress: Progress, ending: Ending
) -> None:
    """Send the rows of a run, and bring the ledger forward."""
    ledger = session.ledger
    [(planned,)] = ledger.rows(
        "select count(*) from outbox where run_id = $run and seq not in"
        " (select seq from outcomes where run_id = $run)",
        {"run": run_id},
    )
    progress.planned(planned)
    with ledger.small(), few_collections():
        async with session.runner(run_id, progress.ended) as runner:
            await runner.deliver()
            run = runner.clerk.run
    if session.stop.is_set:
        ending = Ending("stopped", session.stop.reason, ending.is_whole)
    end_run(run, ending, utc_now())
