"""Sends parts until each of their rows has an outcome.

All that can happen to a request is decided here, the same for all destinations: what to
send again and when, what to halve, when a new token is due, when to stop.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from intent.errors import BadInputError, IntentError, RefusedError
from intent.sync.adapter import Adapter
from intent.sync.budget import Budget
from intent.sync.clerk import Clerk, Entry, Sending
from intent.sync.model import (
    WRITES,
    Advice,
    Job,
    Move,
    Outcome,
    Part,
    Quota,
    RemoteRecord,
    Request,
    Response,
    Row,
    State,
    Verdict,
)
from intent.sync.packing import Faults, Packer
from intent.sync.rates import RateLimiter
from intent.sync.redact import redact
from intent.sync.retry import LONGEST_WAIT, TRIES, Breaker, backoff, retry_after
from intent.sync.stop import Stop
from intent.sync.wire import Channel, HopelessError, NotSentError, UnansweredError

TOKENS_A_PART = 3
"""A part that is told so often that its token is no good is refused for good."""
BUSY_TRIES = 50
"""How often a part is sent that is only told to wait."""
JOB_HOURS = 6.0
"""A job of the destination that takes longer is left; the next run looks after it."""
JOB_ROUNDS = 3
"""How often rows go into a job that ends without them."""
UNANSWERED = Outcome(State.IN_DOUBT, "UNANSWERED")
NOT_PROCESSED = Outcome(State.DEFERRED, "NOT_PROCESSED")
MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
"""What an adapter may raise on an answer that the destination never gives."""


@dataclass(frozen=True)
class Reply:
    """What came back: an answer, or none."""

    request_id: str
    response: Response | None = None
    was_sent: bool = True
    fault: str = ""
    token: str | None = None
    entries: Sequence[Entry] = ()

    @property
    def server_failed(self) -> bool:
        """The destination was not reached, or failed."""
        return self.response is None or self.response.status >= 500


@dataclass
class Courier:
    """Sends the parts of one run."""

    adapter: Adapter[Any]
    channel: Channel
    clerk: Clerk
    budget: Budget
    lanes: Mapping[str, RateLimiter]
    stop: Stop
    breaker: Breaker = field(default_factory=Breaker)
    faults: Faults = field(default_factory=Faults)
    quota: Quota | None = None
    """What the destination last said."""

    @property
    def account(self) -> tuple[str, str]:
        """The destination, and its address."""
        return self.adapter.name, self.adapter.address

    # One request --------------------------------------------------------------------

    async def exchange(
        self, request: Request, asks_budget: bool = True
    ) -> Reply | None:
        """Send a request when it may be sent; None if the run was stopped first.

        Args:
            request: what.
            asks_budget: False: send it although the day's quota seems to be used up.
                Its answer may tell that a new day has begun over there.
        """
        request_id = uuid.uuid4().hex
        lane = self.lanes.get(request.lane)
        try:
            token = await self.channel.token() if request.authorised else None
        except (NotSentError, UnansweredError) as error:
            return self.not_reached(Reply(request_id, None, False, str(error)))
        except (RefusedError, BadInputError) as error:
            self.stop(str(error), error)
            return None
        ticket = await self.stop.first(lane.acquire(request.units)) if lane else None
        if asks_budget and self.budget.is_spent:
            self.stop("the day's quota of requests is used up")
        if self.stop.is_set:
            if ticket:
                ticket.answered()
            return None
        sending = Sending(request, request_id, *self.account)
        self.budget.sent()
        response, was_sent, fault, is_futile = None, True, "", False
        try:
            response = await self.stop.soon(self.channel.send(request))
            fault = "" if response else "the run was stopped before it answered"
        except (HopelessError, RefusedError, BadInputError) as error:
            self.stop(str(error), error)
            is_futile = True
        except NotSentError as error:
            was_sent, fault = False, str(error)
        except UnansweredError as error:
            fault = str(error)
        finally:
            if ticket:
                ticket.answered()
        entries = [sending.entry(self.clerk.run.run_id, response)]
        reply = Reply(request_id, response, was_sent, fault, token, entries)
        if is_futile:
            self.clerk.write(entries)
            return None
        self.note_quota(response)
        return self.not_reached(reply) if reply.server_failed else self.reached(reply)

    def not_reached(self, reply: Reply) -> Reply:
        """Count a failure of the server; many in a row stop the run."""
        self.breaker.failed()
        if self.breaker.is_open:
            why = reply.fault or "it answers with errors of its own"
            self.stop(f"{self.adapter.name} is down: {why}")
        return reply

    def reached(self, reply: Reply) -> Reply:
        """Note that the server works."""
        self.breaker.succeeded()
        return reply

    def note_quota(self, response: Response | None) -> None:
        """Note what an answer says about the day's quota."""
        if response is None:
            return
        try:
            told = self.adapter.quota(response)
        except MALFORMED:
            return
        if told is not None:
            self.quota = told
            self.budget.told(told)

    # One part -----------------------------------------------------------------------

    async def deliver(self, part: Part) -> None:
        """Send a part until each of its rows has an outcome, or the run is stopped.

        After a fault of ours it can't be known which rows were sent: all are in doubt.
        """
        try:
            if self.adapter.is_job(part):
                await self.carry_job(part, Job(), uuid.uuid4().hex)
            else:
                await self.send(part)
        except IntentError:
            raise
        except Exception:
            self.end([(row, UNANSWERED) for row in part.rows])
            raise

    async def send(self, part: Part) -> None:
        """Send a part by requests."""
        tries = Tries()
        in_doubt: Sequence[Row] = ()
        while not self.stop.is_set:
            request = await self.made(part, self.adapter.request, part)
            if request is None:
                return
            reply = await self.exchange(request)
            if reply is None:
                break
            verdict = self.judge(part, reply)
            left = self.settle(part, verdict, reply)
            in_doubt = left if verdict.advice is Advice.IN_DOUBT else ()
            if not left:
                return
            if verdict.advice is Advice.SPLIT:
                await self.split(left, verdict)
                return
            if not await self.prepare(tries, reply, verdict):
                break
            if tries.are_over:
                self.give_up(left, reply, bool(in_doubt))
                return
            if in_doubt:
                left = await self.look_after(left)
                in_doubt = left if self.stop.is_set else ()
                if not left:
                    return
            *others, part = self.packed(left) or [Part([])]
            for other in others:
                await self.send(other)
            if not part.rows:
                return
        self.end([(row, UNANSWERED) for row in in_doubt])

    async def prepare(self, tries: "Tries", reply: Reply, verdict: Verdict) -> bool:
        """Do what is needed before rows are sent again; False: send nothing more."""
        if verdict.advice in (Advice.STOP, Advice.REFUSED):
            self.halt(verdict)
            return False
        if verdict.advice is Advice.REAUTHORISE:
            tries.tokens += 1
            return await self.reauthorise(reply.token, tries.tokens)
        tries.count(reply, verdict)
        if not tries.are_over:
            await self.wait(reply, verdict, tries.failures + tries.busy)
        return True

    def judge(self, part: Part, reply: Reply) -> Verdict:
        """What a reply means for the rows of a part."""
        response = reply.response
        if response is None:
            return self.unanswered(reply.was_sent)
        try:
            verdict = self.adapter.classify(part, response)
        except MALFORMED:
            return self.unanswered(was_sent=not 400 <= response.status < 500)
        if response.status >= 500 and response.status != 503 and self.must_look:
            return Verdict(verdict.outcomes, Advice.IN_DOUBT, verdict.wait)
        return verdict

    def unanswered(self, was_sent: bool) -> Verdict:
        """The verdict on a request that has no answer that can be read."""
        return Verdict(advice=Advice.IN_DOUBT if was_sent else Advice.RESEND)

    @property
    def must_look(self) -> bool:
        """A request in doubt is looked up before it is sent again."""
        return self.adapter.limits.settle_seconds is not None

    def settle(self, part: Part, verdict: Verdict, reply: Reply) -> Sequence[Row]:
        """Write down the outcomes of a verdict; return the rows that have none."""
        ended = [
            (row, verdict.outcomes[row.seq])
            for row in part.rows
            if row.seq in verdict.outcomes
        ]
        entries = [*reply.entries, self.clerk.outcomes(ended, reply.request_id)]
        self.clerk.write(entries, len(ended))
        return [row for row in part.rows if row.seq not in verdict.outcomes]

    async def split(self, left: Sequence[Row], verdict: Verdict) -> None:
        """Send each half of the rows on its own; a single one is the guilty one."""
        if len(left) == 1:
            refused = Outcome(State.REJECTED, "REFUSED_ALONE", "", verdict.message)
            self.end([(left[0], refused)])
            return
        await self.halve(left)

    async def made(
        self, part: Part, make: Callable[..., Request], *values: Any
    ) -> Request | None:
        """The request for a part of which nothing was sent; None if we fail at it.

        Then the part is halved, down to the row at which we do.
        """
        try:
            return make(*values)
        except Exception as error:
            if len(part.rows) > 1:
                await self.halve(part.rows)
            else:
                self.end([(part.rows[0], self.faults.outcome(error))])
            return None

    async def halve(self, left: Sequence[Row]) -> None:
        """Send each half of the rows on its own."""
        middle = (len(left) + 1) // 2
        for half in (left[:middle], left[middle:]):
            for piece in self.packed(half):
                await self.deliver(piece)

    def packed(self, rows: Sequence[Row]) -> Sequence[Part]:
        """Rows in parts of their own, named by their rows."""
        packer = Packer(
            self.adapter, self.faults, lambda row, why: self.end([(row, why)])
        )
        return list(named(self.clerk.run.run_id, packer.pack(rows)))

    def end(self, ended: Sequence[tuple[Row, Outcome]]) -> None:
        """Write down outcomes that no request told."""
        self.clerk.write([self.clerk.outcomes(ended)], len(ended))

    async def reauthorise(self, stale: str | None, tokens: int) -> bool:
        """Get a new token; False if the run was stopped, as that can't be."""
        if tokens > TOKENS_A_PART:
            error = RefusedError(
                f"{self.adapter.name} refuses each new token. Check the credentials "
                "and their rights, then run again."
            )
            self.stop(str(error), error)
            return False
        try:
            await self.channel.reauthorise(stale)
        except (RefusedError, BadInputError) as error:
            self.stop(str(error), error)
            return False
        except (NotSentError, UnansweredError):
            self.breaker.failed()
            await self.stop.sleep(backoff(tokens))
        return True

    def halt(self, verdict: Verdict) -> None:
        """Stop the run, as the destination says."""
        message = redact(verdict.message, ())
        if verdict.advice is Advice.STOP:
            self.stop(message or "the day's quota of requests is used up")
            return
        error = RefusedError(
            message
            or f"{self.adapter.name} refuses the credentials. Check them and their "
            "rights, then run again."
        )
        self.stop(str(error), error)

    def give_up(self, left: Sequence[Row], reply: Reply, in_doubt: bool) -> None:
        """Leave rows for the next run."""
        vain = Outcome(State.DEFERRED, "TRIED_IN_VAIN", "", reply.fault)
        outcome = UNANSWERED if in_doubt else vain
        self.end([(row, outcome) for row in left])

    async def wait(self, reply: Reply, verdict: Verdict, tries: int) -> None:
        """Wait before sending again, as long as the destination says, or longer."""
        asked = verdict.wait
        headers = reply.response.headers if reply.response else {}
        if asked is None:
            asked = retry_after(headers, datetime.now(UTC))
        if asked is not None and asked > LONGEST_WAIT:
            self.stop(f"{self.adapter.name} asks to wait for {asked:.0f} seconds")
            return
        is_busy = reply.response is not None and reply.response.status == 429
        seconds = max(asked or 0.0, backoff(tries))
        if asked is not None or is_busy:
            for lane in self.lanes.values():
                await lane.pause(seconds)
        await self.stop.sleep(seconds)

    # In doubt -----------------------------------------------------------------------

    async def look_after(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Rows that may have been applied: return those that are to be sent again.

        Where sending twice would create a record twice, they are looked up first,
        after the time that the destination takes to show them.
        """
        pause = self.adapter.limits.settle_seconds
        if pause is None:
            return rows
        asked = {*WRITES, *self.adapter.once}
        looked_up = [row for row in rows if row.op in asked]
        again = [row for row in rows if row.op not in asked]
        await self.stop.sleep(pause)
        fields = list(self.adapter.sync.fields)
        for some in batched(looked_up, self.adapter.lookup_rows or 1):
            records = await self.look_up([row.key for row in some], fields)
            if records is None:
                self.end([(row, UNANSWERED) for row in some])
                continue
            for row in some:
                record = records.get(row.key)
                if record is not None and self.adapter.has_done(row, record):
                    told = Outcome(State.ACKNOWLEDGED, remote_id=record.remote_id)
                    self.end([(row, told)])
                else:
                    again.append(row)
        return again

    async def look_up(
        self, keys: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, RemoteRecord] | None:
        """Read records by their keys; None if the run was stopped, or it fails."""
        tries = Tries()
        while not (tries.are_over or self.stop.is_set):
            reply = await self.exchange(self.adapter.lookup(keys, fields))
            if reply is None:
                return None
            self.clerk.write(reply.entries)
            found: Mapping[str, RemoteRecord] | Verdict = Verdict()
            if reply.response is not None:
                try:
                    found = self.adapter.read_lookup(keys, fields, reply.response)
                except MALFORMED:
                    found = Verdict()
            if not isinstance(found, Verdict):
                return found
            if found.advice is Advice.SPLIT and len(keys) > 1:
                return await self.look_up_halves(keys, fields)
            if not await self.prepare(tries, reply, found):
                return None
        return None

    async def look_up_halves(
        self, keys: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, RemoteRecord] | None:
        """Read records whose answer would be too large; None if that fails."""
        middle = (len(keys) + 1) // 2
        records: dict[str, RemoteRecord] = {}
        for half in (keys[:middle], keys[middle:]):
            found = await self.look_up(half, fields)
            if found is None:
                return None
            records.update(found)
        return records

    # Jobs ---------------------------------------------------------------------------

    async def carry_job(
        self, part: Part, job: Job, job_id: str, rounds: int = 1
    ) -> None:
        """Do the steps of a job, each written down before the next.

        When the run is stopped, or the job takes too long, its rows are left in doubt,
        and the next run goes on with it.
        """
        tries, waited = Tries(), 0.0
        left: Sequence[Row] = part.rows
        verdict = Verdict()
        while job.step != "done":
            if self.stop.is_set or waited > JOB_HOURS * 3600:
                self.leave_job(left, job)
                return
            make = self.adapter.step
            has_begun = job != Job()
            request = (
                make(part, job) if has_begun else await self.made(part, make, part, job)
            )
            if request is None:
                return
            reply = await self.exchange(request)
            if reply is None:
                self.leave_job(left, job)
                return
            move = self.read_move(part, job, reply)
            verdict, has_moved = move.verdict, move.job != job
            told = [self.clerk.job(part, job_id, move.job)] if has_moved else []
            left = await self.note_move(left, verdict, reply, told)
            if self.may_have_begun(job, verdict):
                break
            job = move.job
            if has_moved or move.wait:
                tries, waited = Tries(), waited + move.wait
                await self.stop.sleep(move.wait)
            elif not await self.prepare(tries, reply, verdict) or tries.are_over:
                self.leave_job(left, job)
                return
        if left:
            await self.end_job(left, verdict, rounds)

    async def end_job(self, left: Sequence[Row], verdict: Verdict, rounds: int) -> None:
        """Do with the rows that a job ended without as its end says."""
        if verdict.advice is Advice.IN_DOUBT:
            left = await self.look_after(left)
        if verdict.advice in (Advice.STOP, Advice.REFUSED):
            self.halt(verdict)
        elif verdict.advice is Advice.SPLIT:
            await self.split(left, verdict)
        elif rounds >= JOB_ROUNDS:
            self.end([(row, NOT_PROCESSED) for row in left])
        else:
            for piece in self.packed(left):
                if self.adapter.is_job(piece):
                    await self.carry_job(piece, Job(), uuid.uuid4().hex, rounds + 1)
                else:
                    await self.send(piece)

    def read_move(self, part: Part, job: Job, reply: Reply) -> Move:
        """What a reply within a job means."""
        if reply.response is None:
            doubted = self.adapter.doubt(job) if reply.was_sent else job
            return Move(doubted, self.unanswered(reply.was_sent))
        try:
            return self.adapter.advance(part, job, reply.response)
        except MALFORMED:
            return Move(self.adapter.doubt(job), self.unanswered(was_sent=True))

    def may_have_begun(self, job: Job, verdict: Verdict) -> bool:
        """A first step is in doubt, and to repeat it could create records twice."""
        return job == Job() and verdict.advice is Advice.IN_DOUBT and self.must_look

    async def note_move(
        self,
        left: Sequence[Row],
        verdict: Verdict,
        reply: Reply,
        told: Sequence[Entry],
    ) -> Sequence[Row]:
        """Write down what an answer told; return the rows that have no outcome yet."""
        outcomes = verdict.outcomes
        ended = [(row, outcomes[row.seq]) for row in left if row.seq in outcomes]
        entries = [*reply.entries, self.clerk.outcomes(ended, reply.request_id), *told]
        await self.clerk.write(entries, len(ended))
        return [row for row in left if row.seq not in outcomes]

    def leave_job(self, left: Sequence[Row], job: Job) -> None:
        """Leave a job for the next run: its rows are in doubt, if it has begun."""
        if job == Job():
            return
        doubt = Outcome(State.IN_DOUBT, "JOB_NOT_DONE")
        self.end([(row, doubt) for row in left])


@dataclass
class Tries:
    """How often a part was sent in vain, and why."""

    failures: int = 0
    busy: int = 0
    tokens: int = 0

    def count(self, reply: Reply, verdict: Verdict) -> None:
        """Count a reply that left rows to be sent again."""
        is_busy = reply.response is not None and reply.response.status == 429
        if is_busy or verdict.wait is not None:
            self.busy += 1
        else:
            self.failures += 1

    @property
    def are_over(self) -> bool:
        """It was sent often enough for this run."""
        return self.failures >= TRIES or self.busy >= BUSY_TRIES


def named(run_id: str, parts: Iterable[Part]) -> Iterator[Part]:
    """Parts with a name by run and rows, which a crash does not change."""
    for part in parts:
        first, last = part.rows[0].seq, part.rows[-1].seq
        yield Part(
            part.rows, part.route, part.content, f"{run_id}-{first:08d}-{last:08d}"
        )


def batched(rows: Sequence[Row], most: int) -> Iterator[Sequence[Row]]:
    """Rows, so many at a time."""
    for start in range(0, len(rows), most):
        yield rows[start : start + most]
