"""Opens a destination, and carries out runs of the ledger with it."""

import asyncio
import secrets
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from intent.errors import DeferredError, IntentError, UnavailableError
from intent.sync.adapter import Adapter
from intent.sync.budget import Budget, read_budget, store_quota
from intent.sync.channels import open_channel
from intent.sync.clerk import Clerk
from intent.sync.clock import now, utc_now
from intent.sync.courier import MALFORMED, Courier, Tries
from intent.sync.destinations import find_adapter
from intent.sync.ledger import Ledger
from intent.sync.local_checks import LocalChecks
from intent.sync.model import RemoteField, Response, Verdict
from intent.sync.outbox import Run
from intent.sync.rates import RateLimiter
from intent.sync.retry import TRIES, backoff
from intent.sync.runner import Runner
from intent.sync.secrets import blank_settings, read_settings
from intent.sync.spec import Sync
from intent.sync.stop import Stop
from intent.sync.wire import Channel

Schema = Mapping[str, RemoteField] | None
MOMENT, MOMENT_LENGTH = "%Y%m%dT%H%M%S", 15
"""How the name of a run begins."""


def make_adapter(
    sync: Sync, with_secrets: bool = True, planned_at: datetime | None = None
) -> Adapter[Any]:
    """The adapter of a sync, for rows that are planned now, or at another moment (UTC).

    Raises:
        BadInputError: there is no such destination, or a setting is missing.
    """
    kind = find_adapter(sync.destination)
    read = read_settings if with_secrets else blank_settings
    return kind(sync, read(kind.settings), planned_at or now())


def moment_of_run(ledger: Ledger, sync: Sync) -> datetime:
    """The moment that a new run is known by: now, but later than any run before.

    Some destinations keep what has the latest moment, and files are read in the order
    of their names: a clock that was put back must not make new values look old.
    """
    moment = now().replace(microsecond=0)
    [(name,)] = ledger.rows("select max(run_id) from runs where sync = ?", [sync.name])
    if name is None:
        return moment
    before = datetime.strptime(name[:MOMENT_LENGTH], MOMENT).replace(tzinfo=UTC)
    return max(moment, before + timedelta(seconds=1))


def new_run_id(sync: Sync, moment: datetime) -> str:
    """The name of a new run: when, of what. Names sort by time."""
    return f"{moment:{MOMENT}}-{sync.name}-{secrets.token_hex(3)}"


@dataclass
class Session:
    """A destination that is open for the runs of one command."""

    ledger: Ledger
    adapter: Adapter[Any]
    channel: Channel
    stop: Stop
    lanes: Mapping[str, RateLimiter]
    budget: Budget
    schema: Schema = None

    @asynccontextmanager
    async def runner(
        self, run_id: str, on_ended: Callable[[int], None] = lambda _: None
    ) -> AsyncIterator[Runner]:
        """A runner for one run."""
        run = Run(self.ledger, self.adapter.sync, run_id)
        async with Clerk(run, on_ended) as clerk:
            courier = Courier(
                self.adapter, self.channel, clerk, self.budget, self.lanes, self.stop
            )
            checks = LocalChecks(self.adapter, self.schema, courier.faults)
            yield Runner(self.adapter, clerk, courier, checks)
            await clerk.flush()
            if courier.quota is not None:
                account = courier.account
                store_quota(self.ledger, account, courier.quota, utc_now())

    async def describe(self) -> Schema:
        """The destination's fields; this proves the credentials as well.

        Raises:
            RefusedError: the credentials are refused.
            UnavailableError: the destination can't be reached, or does not answer.
        """
        async with self.runner("") as runner:
            answers = [
                await ask(runner.courier, request)
                for request in self.adapter.describe_requests()
            ]
        try:
            self.schema = self.adapter.read_fields(answers)
        except MALFORMED:
            raise UnavailableError(
                f"{self.adapter.name} does not describe its fields as it should. Is "
                "the address right?"
            ) from None
        return self.schema


async def ask(courier: Courier, request: Any) -> Response:
    """The answer to a request that only reads.

    Raises:
        RefusedError: the credentials are refused.
        DeferredError: the quota of the day is used up, or the destination is down.
        UnavailableError: there is none.
    """
    tries = Tries()
    name = courier.adapter.name
    while not tries.are_over:
        reply = await courier.exchange(request, asks_budget=False)
        if reply is None:
            break
        courier.clerk.write(reply.entries)
        response = reply.response
        if response is None:
            tries.count(reply, Verdict())
            if tries.failures >= TRIES // 2:
                raise UnavailableError(f"{reply.fault}")
            await courier.stop.sleep(backoff(tries.failures))
            continue
        try:
            verdict = courier.adapter.refuses(response)
        except MALFORMED:
            verdict = Verdict()
        if verdict is None:
            return response
        if not await courier.prepare(tries, reply, verdict):
            break
    if courier.stop.error:
        raise courier.stop.error
    if courier.stop.is_set:
        raise DeferredError(f"Nothing was sent: {courier.stop.reason}")
    raise UnavailableError(f"{name} does not answer at present.")


@asynccontextmanager
async def open_session(
    ledger: Ledger, adapter: Adapter[Any], stop: Stop
) -> AsyncIterator[Session]:
    """A session with a destination, within its rates and what is left of its quota."""
    channel = open_channel(adapter)
    account = (adapter.name, adapter.address)
    limits = adapter.limits
    try:
        yield Session(
            ledger,
            adapter,
            channel,
            stop,
            lanes={
                lane: RateLimiter(windows, recent(ledger, account, lane, windows))
                for lane, windows in limits.windows.items()
            },
            budget=read_budget(
                ledger,
                account,
                (limits.requests_a_day, adapter.sync.requests_a_day),
                utc_now(),
            ),
        )
    finally:
        await channel.close()


def recent(
    ledger: Ledger, account: tuple[str, str], lane: str, windows: Any
) -> Iterator[tuple[float, int]]:
    """The requests that still count in rate windows: their age, and their units."""
    longest = max((window.seconds for window in windows), default=0.0)
    moment = utc_now()
    for sent_at, units in ledger.rows(
        "select sent_at, units from requests where destination = ? and account = ?"
        " and lane = ? and sent_at > ?",
        [*account, lane, moment - timedelta(seconds=2 * longest)],
    ):
        yield (moment - sent_at).total_seconds(), units


@contextmanager
def stopped_by_signals(stop: Stop) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM stop the run in good order, within the block.

    Raises:
        KeyboardInterrupt: at the end, if one came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    came: list[int] = []

    def interrupt(number: int) -> None:
        came.append(number)
        stop("it was stopped")

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        loop.add_signal_handler(number, interrupt, number)
    try:
        yield
    except IntentError:
        # A command that is stopped fails by that, not by what it could not do any more.
        if not came:
            raise
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt
