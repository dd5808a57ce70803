"""Carries out a run: phase by phase, looks up, sends, and settles what died before."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from intent.errors import IntentError, UnavailableError
from intent.sync.adapter import Adapter, needs_look_up
from intent.sync.clerk import Clerk
from intent.sync.clock import utc_now
from intent.sync.courier import Courier, batched, named
from intent.sync.local_checks import LocalChecks
from intent.sync.model import WRITES, Job, Outcome, Part, Row, State
from intent.sync.outbox import (
    EXISTS,
    NO_MATCH,
    PORTION,
    Run,
    begin_phase,
    hold_doubtful,
    phases,
    read_rows,
    rows_of,
    spare_shared,
)
from intent.sync.packing import Packer, of_ours
from intent.sync.spec import Mode

DIED = Outcome(State.DEFERRED, "DIED")
ABSENT = Outcome(State.SKIPPED, NO_MATCH)
PRESENT = Outcome(State.SKIPPED, EXISTS)
NOT_FOUND_OUT = Outcome(State.DEFERRED, "LOOK_UP_FAILED")


@dataclass
class Runner:
    """Carries out the run of one clerk."""

    adapter: Adapter[Any]
    clerk: Clerk
    courier: Courier
    checks: LocalChecks
    _refused: list[tuple[Row, Outcome]] = field(default_factory=list)

    async def deliver(self) -> None:
        """Send all rows of the run, until they are sent or it is stopped."""
        run = self.clerk.run
        await self.clerk.call(hold_doubtful, run, utc_now())
        for phase, first, last in await self.clerk.call(phases, run):
            if self.courier.stop.is_set:
                break
            await self.clerk.flush()
            await self.clerk.call(begin_phase, run, phase, utc_now())
            if self.must_look_up():
                await self.look_up_all(first, last)
            await self.clerk.call(spare_shared, run, phase, utc_now())
            await self.send_all(first, last)
        await self.clerk.flush()

    # Sending ------------------------------------------------------------------------

    async def send_all(self, first: int, last: int) -> None:
        """Send the rows between two numbers, many parts at once."""
        packer = Packer(self.adapter, self.courier.faults, self.refuse)
        rows = self.checked(first, last)
        parts = named(self.clerk.run.run_id, packer.pack(rows))
        limits = self.adapter.limits
        active: set[asyncio.Task[None]] = set()
        most = 1
        try:
            while not self.courier.stop.is_set:
                taken = await self.taken(parts, max(1, most - len(active)))
                self.end_refused()
                if not taken:
                    break
                is_job = any(self.adapter.is_job(part) for part in taken)
                most = limits.jobs_at_once if is_job else limits.concurrent
                active |= {
                    asyncio.create_task(self.courier.deliver(part)) for part in taken
                }
                while len(active) >= most:
                    active = await self.one_less(active)
        finally:
            while active:
                active = await self.one_less(active)
            self.end_refused()

    async def taken(self, parts: Iterator[Part], most: int) -> Sequence[Part]:
        """The next parts; none if they can't be packed, which stops the run."""
        try:
            return await self.clerk.take(parts, most)
        except UnavailableError:
            raise
        except Exception as error:
            self.fail(error)
            return ()

    def fail(self, error: BaseException) -> None:
        """Stop the run by an error, which may be a fault of ours."""
        fault = error if isinstance(error, IntentError) else of_ours(error)
        self.courier.stop(str(fault), fault)

    async def one_less(
        self, active: set[asyncio.Task[None]]
    ) -> set[asyncio.Task[None]]:
        """Wait until a worker is done; a fault of one stops all."""
        done, left = await asyncio.wait(active, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if error := task.exception():
                self.fail(error)
        return left

    def checked(self, first: int, last: int) -> Iterator[Row]:
        """The rows that our own checks let through; the others are remembered."""
        for row in read_rows(self.clerk.run, first, last):
            refusal = self.checks.refusal(row)
            if refusal is None:
                yield row
            else:
                self.refuse(row, refusal)

    def refuse(self, row: Row, refusal: Outcome) -> None:
        """Remember a row that is not to be sent."""
        self._refused.append((row, refusal))

    def end_refused(self) -> None:
        """Write down the rows that our own checks refused."""
        refused, self._refused = self._refused, []
        if refused:
            self.courier.end(refused)

    # Looking up ---------------------------------------------------------------------

    def must_look_up(self) -> bool:
        """Some rows of the run may need to be read first."""
        mode = self.adapter.sync.mode
        return self.adapter.lookup_rows > 0 and (
            mode not in self.adapter.native_modes
            or not self.adapter.native_leave
            or bool(self.adapter.needs_remote_id)
        )

    async def look_up_all(self, first: int, last: int) -> None:
        """Read the records that rows depend on, before any of them is sent."""
        for start in range(first, last + 1, PORTION):
            end = min(start + PORTION - 1, last)
            rows: list[Row] = await self.clerk.call(
                list, read_rows(self.clerk.run, start, end)
            )
            wanted = [row for row in rows if needs_look_up(self.adapter, row)]
            some = list(batched(wanted, self.adapter.lookup_rows))
            limit = asyncio.Semaphore(self.adapter.limits.concurrent)
            await asyncio.gather(*(self.look_up(each, limit) for each in some))
            if self.courier.stop.is_set:
                return
        await self.clerk.flush()

    async def look_up(self, rows: Sequence[Row], limit: asyncio.Semaphore) -> None:
        """Read the records of some rows, and end the rows that need not be sent."""
        async with limit:
            records = await self.courier.look_up([row.key for row in rows], [])
        if records is None:
            self.courier.end([(row, NOT_FOUND_OUT) for row in rows])
            return
        found, ended = [], []
        for row in rows:
            record = records.get(row.key)
            if record is None:
                if not self.may_create(row):
                    ended.append((row, ABSENT))
            elif row.op in WRITES and self.adapter.sync.mode is Mode.CREATE_ONLY:
                ended.append((row, PRESENT))
            else:
                found.append((row, record.remote_id))
        entries = [self.clerk.found(found), self.clerk.outcomes(ended)]
        self.clerk.write(entries, len(ended))

    def may_create(self, row: Row) -> bool:
        """A row may be sent although there is no record of it yet."""
        return row.op in WRITES and self.adapter.sync.mode is not Mode.UPDATE_ONLY

    # What died before ---------------------------------------------------------------

    async def settle(self) -> None:
        """Settle a run that died, or left rows in doubt.

        Jobs are carried on by their ids. Rows in doubt are looked up where sending
        them again would create a record twice; all others are left to the next plan.
        """
        run = self.clerk.run
        jobs, doubtful = await self.clerk.call(read_unsettled, run)
        if self.courier.must_look:  # and a job without an id can't be carried on with
            jobs = [each for each in jobs if each[1] != Job()]
        await asyncio.gather(
            *(
                self.courier.carry_job(part, self.adapter.doubt(job), job_id)
                for job_id, job, part in jobs
            )
        )
        in_jobs = {row.seq for _, _, part in jobs for row in part.rows}
        rows = [row for row in doubtful if row.seq not in in_jobs]
        if self.courier.must_look and rows:
            rows = list(await self.courier.look_after(rows))
        self.courier.end([(row, DIED) for row in rows])
        await self.clerk.flush()


def read_unsettled(
    run: Run,
) -> tuple[Sequence[tuple[str, Job, Part]], Sequence[Row]]:
    """The jobs of a run that are not done, and the rows that are in doubt."""
    jobs = []
    for job_id, vendor_id, step, detail, route, seqs in run.ledger.rows(
        "select job_id, max_by(vendor_id, rowid), max_by(step, rowid),"
        " max_by(detail, rowid), max_by(route, rowid), max_by(seqs, rowid)"
        " from jobs where run_id = ? group by job_id"
        " having max_by(step, rowid) <> 'done' order by min(rowid)",
        [run.run_id],
    ):
        rows = rows_of(run, unsettled(run, seqs))
        if rows:
            first, last = rows[0].seq, rows[-1].seq
            name = f"{run.run_id}-{first:08d}-{last:08d}"
            job = Job(step, vendor_id, orjson.loads(detail))
            jobs.append((job_id, job, Part(rows, route, b"", name)))
    sent = [
        seq
        for (seq,) in run.ledger.rows(
            "select distinct unnest(seqs) as seq from sent where run_id = ? order by 1",
            [run.run_id],
        )
    ]
    return jobs, rows_of(run, unsettled(run, sent))


def unsettled(run: Run, seqs: Sequence[int]) -> Sequence[int]:
    """Those of some rows that have no outcome, or one that is in doubt."""
    return [
        seq
        for (seq,) in run.ledger.rows(
            "with asked as (select unnest($seqs) as seq),"
            " last as (select seq, max_by(state, rowid) as state from outcomes"
            " where run_id = $run group by seq)"
            " select asked.seq from asked left join last on asked.seq = last.seq"
            f" where last.state is null or last.state = '{State.IN_DOUBT}'"
            " order by 1",
            {"seqs": list(seqs), "run": run.run_id},
        )
    ]
