"""What becomes of rows when requests fail, are slow, or a run is stopped under way."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from intent.errors import IntentError, RefusedError, UnavailableError
from intent.sync import courier as courier_module
from intent.sync.acknowledge import Ending, end_run
from intent.sync.adapter import Adapter
from intent.sync.budget import Budget
from intent.sync.clerk import Clerk
from intent.sync.clock import utc_now
from intent.sync.courier import Courier
from intent.sync.ledger import Ledger, open_ledger
from intent.sync.local_checks import LocalChecks
from intent.sync.model import (
    ACKNOWLEDGED,
    Advice,
    Job,
    Limits,
    Move,
    Outcome,
    Part,
    RemoteRecord,
    Request,
    Response,
    Row,
    State,
    Verdict,
    Window,
)
from intent.sync.outbox import Run
from intent.sync.rates import RateLimiter
from intent.sync.runner import Runner
from intent.sync.secrets import Settings
from intent.sync.spec import Mode, Sync
from intent.sync.stop import Stop
from intent.sync.wire import NotSentError, RedirectedError, UnansweredError

SYNC = Sync.model_validate(
    {
        "name": "toy",
        "destination": "toy",
        "object": "record",
        "match": {"field": "key", "column": "contact_id"},
        "fields": {"segment": {"column": "segment", "trigger": True}},
    }
)
CANARY = "canary-1f2e3d"


class Toy(Adapter[Settings]):
    """Takes one row a request; its answer says what it means."""

    name = "toy"
    settings = Settings
    hosts = ("api.toy.test",)
    native_modes = frozenset(Mode)
    native_leave = True
    address = "https://api.toy.test"
    limits = Limits(rows=1, size=1000, concurrent=4)
    lookup_rows = 2
    by_job = False

    def authorise(
        self, request: Request, token: str | None, now: datetime
    ) -> Mapping[str, str]:
        raise NotImplementedError

    def pack(self, rows: Iterable[Row]) -> Iterator[Part]:
        for row in rows:
            yield Part([row])

    def request(self, part: Part) -> Request:
        return Request("POST", "/write", part.rows[0].key.encode())

    def classify(self, part: Part, response: Response) -> Verdict:
        if response.status == 200:
            return Verdict({row.seq: ACKNOWLEDGED for row in part.rows})
        if response.status == 507:
            return Verdict(advice=Advice.STOP, message=response.content.decode())
        return Verdict(advice=Advice.RESEND)

    def is_job(self, part: Part) -> bool:
        del part
        return self.by_job

    def step(self, part: Part, job: Job) -> Request:
        return Request("POST", f"/{job.step}", part.rows[0].key.encode())

    def advance(self, part: Part, job: Job, response: Response) -> Move:
        told = orjson.loads(response.content)
        if told["step"] == "done" and told.get("advice") is None:
            outcomes = {row.seq: ACKNOWLEDGED for row in part.rows}
            return Move(job.at("done"), Verdict(outcomes))
        advice = Advice(told.get("advice", Advice.RESEND))
        moved = job.at(told["step"], vendor_id="7")
        return Move(moved, Verdict(advice=advice), told.get("wait", 0.0))

    def describe_requests(self) -> Sequence[Request]:
        return ()

    def read_fields(self, responses: Sequence[Response]) -> None:
        del responses

    def lookup(self, keys: Sequence[str], fields: Sequence[str]) -> Request:
        del fields
        return Request("GET", "/look", ",".join(keys).encode())

    def read_lookup(
        self, keys: Sequence[str], fields: Sequence[str], response: Response
    ) -> Mapping[str, RemoteRecord] | Verdict:
        del keys, fields
        if response.status != 200:
            return Verdict()
        found = orjson.loads(response.content)
        return {key: RemoteRecord("1", values) for key, values in found.items()}

    def setup(self) -> Sequence[str]:
        return ()


class Careful(Toy):
    """Would create a record twice, if a row were sent twice."""

    limits = Limits(rows=1, size=1000, concurrent=4, settle_seconds=0.01)


OK = Response(200)
Answers = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass
class Line:
    """A channel to a destination that is a function."""

    answer: Answers
    sent: list[tuple[str, str]] = field(default_factory=list)

    async def token(self) -> str | None:
        return None

    async def reauthorise(self, stale: str | None) -> None:
        raise NotImplementedError

    async def send(self, request: Request) -> Response:
        self.sent.append((request.path, request.content.decode()))
        return await self.answer(request)

    async def close(self) -> None:
        return None


@dataclass
class Desk:
    """A run with rows k1, k2 ... and what became of them."""

    ledger: Ledger
    kind: type[Toy] = Toy
    windows: Sequence[Window] = ()
    stop: Stop = field(default_factory=Stop)

    def plan(self, run_id: str, rows: int) -> None:
        connection = self.ledger.connection
        connection.execute(
            "insert into runs by name select ? as run_id, 'toy' as sync,"
            " 'toy' as destination, 'running' as state, ?::timestamp as started_at,"
            " ? as planned",
            [run_id, utc_now(), rows],
        )
        connection.execute(
            "insert into outbox by name select ? as run_id, 'toy' as sync,"
            " n as seq, 1 as phase, 'create' as op, 'k' || n as match_key,"
            ' \'{"segment":"hot"}\' as payload from range(1, ? + 1) as numbers (n)',
            [run_id, rows],
        )

    @asynccontextmanager
    async def runner(self, line: Line, run_id: str) -> AsyncIterator[Runner]:
        adapter = self.kind(SYNC, Settings(), datetime.now(UTC))
        run = Run(self.ledger, SYNC, run_id)
        lanes = {"write": RateLimiter(self.windows)} if self.windows else {}
        async with Clerk(run) as clerk:
            courier = Courier(
                adapter, line, clerk, Budget(None, None, 0, 0), lanes, self.stop
            )
            yield Runner(adapter, clerk, courier, LocalChecks(adapter, None))

    async def run(self, answer: Answers, rows: int = 1, run_id: str = "r1") -> Line:
        self.plan(run_id, rows)
        line = Line(answer)
        async with self.runner(line, run_id) as runner:
            await runner.deliver()
        state = "stopped" if self.stop.is_set else "done"
        end_run(Run(self.ledger, SYNC, run_id), Ending(state), utc_now())
        return line

    def ends(self, run_id: str = "r1") -> dict[str, str]:
        """How each key ended: its state, or its code."""
        return dict(
            self.ledger.rows(
                "select match_key, max_by(coalesce(nullif(code, ''), outcomes.state),"
                " outcomes.rowid) from outcomes inner join outbox"
                " using (run_id, seq) where run_id = ? group by match_key order by 1",
                [run_id],
            )
        )

    def messages(self) -> str:
        return str(self.ledger.rows("select * from outcomes"))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(courier_module, "backoff", lambda _: 0.001)
    with open_ledger(tmp_path / "ledger.duckdb") as ledger:
        yield Desk(ledger)


def within(seconds: float, work: Coroutine[Any, Any, Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(seconds):
            return await work

    return asyncio.run(bounded())


async def acknowledges(request: Request) -> Response:
    del request
    return OK


def test_all_goes_well(desk: Desk) -> None:
    line = within(10, desk.run(acknowledges, rows=9))

    assert set(desk.ends().values()) == {"acknowledged"}
    assert sorted(line.sent) == [("/write", f"k{n}") for n in range(1, 10)]


# Stopped under way


@pytest.mark.parametrize("kind", [Toy, Careful])
def test_a_fault_of_one_worker_hides_no_doubt_of_another(
    desk: Desk, kind: type[Toy]
) -> None:
    """A row that was sent and has no answer may be there: it is not just left over."""
    desk.kind = kind
    both_sent = asyncio.Event()

    async def answer(request: Request) -> Response:
        if request.content == b"k1":
            await both_sent.wait()
            raise RedirectedError("it points somewhere else")
        both_sent.set()
        await asyncio.sleep(0.05)
        raise UnansweredError("no answer")

    within(10, desk.run(answer, rows=2))

    assert isinstance(desk.stop.error, RedirectedError)
    assert desk.ends() == {"k1": "NOT_SENT", "k2": "UNANSWERED"}


def test_a_worker_that_waits_for_its_turn_learns_of_a_stop(desk: Desk) -> None:
    desk.windows = [Window(1, 300.0)]

    async def main() -> None:
        running = asyncio.ensure_future(desk.run(acknowledges, rows=3))
        await asyncio.sleep(0.3)
        desk.stop("it was stopped")
        await running

    within(10, main())

    assert desk.ends() == {"k1": "acknowledged", "k2": "NOT_SENT", "k3": "NOT_SENT"}


def test_words_of_a_stop_are_redacted(desk: Desk) -> None:
    async def answer(request: Request) -> Response:
        del request
        return Response(507, {}, b"quota of anna@shop.example is used up")

    within(10, desk.run(answer))

    assert desk.stop.reason == "quota of *** is used up"


def test_a_fault_of_ours_leaves_rows_in_doubt_and_quotes_nothing(desk: Desk) -> None:
    async def answer(request: Request) -> Response:
        raise AssertionError(CANARY, request)

    within(10, desk.run(answer))

    assert isinstance(desk.stop.error, IntentError)
    assert "AssertionError" in str(desk.stop.error)
    assert CANARY not in f"{desk.stop.error} {desk.messages()}"
    assert desk.ends() == {"k1": "UNANSWERED"}


# Told to wait


@pytest.mark.parametrize("windows", [(), (Window(1000, 1.0),)])
def test_who_is_told_to_wait_waits(desk: Desk, windows: Sequence[Window]) -> None:
    """Also where no window of ours says how much is too much."""
    desk.windows = windows
    times: list[float] = []

    async def answer(request: Request) -> Response:
        del request
        times.append(asyncio.get_running_loop().time())
        return OK if len(times) == 4 else Response(429, {"retry-after": "0.1"})

    within(10, desk.run(answer))

    assert desk.ends() == {"k1": "acknowledged"}
    pauses = [later - sooner for sooner, later in pairwise(times)]
    assert min(pauses) >= 0.1


# In doubt


def test_rows_in_doubt_are_looked_up_before_they_are_sent_again(desk: Desk) -> None:
    desk.kind = Careful
    tries = 0

    async def answer(request: Request) -> Response:
        nonlocal tries
        if request.path == "/look":
            return Response(200, {}, b'{"k1": {"segment": "hot"}}')
        tries += 1
        if request.content == b"k1" or tries <= 2:
            raise UnansweredError("no answer")
        return OK

    line = within(10, desk.run(answer, rows=2))

    assert desk.ends() == {"k1": "acknowledged", "k2": "acknowledged"}
    assert line.sent.count(("/write", "k1")) == 1
    assert line.sent.count(("/write", "k2")) == 2


def test_rows_whose_doubt_can_not_be_settled_wait(desk: Desk) -> None:
    """They are neither sent again, nor are others kept waiting by them."""
    desk.kind = Careful

    async def lost(request: Request) -> Response:
        if request.path == "/look" or request.content == b"k1":
            raise UnansweredError("no answer")
        return OK

    async def settle(answer: Answers) -> None:
        async with desk.runner(Line(answer), "r1") as runner:
            await runner.settle()
        end_run(Run(desk.ledger, SYNC, "r1"), Ending("done", "", False), utc_now())

    async def main() -> None:
        await desk.run(lost, rows=2)
        assert desk.ends() == {"k1": "UNANSWERED", "k2": "acknowledged"}

        await settle(lost)
        assert desk.ends()["k1"] == "UNANSWERED"
        line = await desk.run(acknowledges, rows=3, run_id="r2")
        assert desk.ends("r2") == {
            "k1": "STILL_IN_DOUBT",
            "k2": "acknowledged",
            "k3": "acknowledged",
        }
        assert ("/write", "k1") not in line.sent

        async def absent(request: Request) -> Response:
            del request
            return Response(200, {}, b"{}")

        await settle(absent)
        assert desk.ends()["k1"] == "DIED"
        await desk.run(acknowledges, rows=1, run_id="r3")
        assert desk.ends("r3") == {"k1": "acknowledged"}

    within(20, main())


def test_doubt_survives_a_stop_while_it_is_settled(desk: Desk) -> None:
    desk.kind = Careful

    async def lost(request: Request) -> Response:
        raise UnansweredError(request.path)

    async def main() -> None:
        await desk.run(lost)
        desk.stop("it was stopped")
        async with desk.runner(Line(acknowledges), "r1") as runner:
            await runner.settle()

    within(10, main())

    assert desk.ends() == {"k1": "UNANSWERED"}


# Looking up


def test_a_look_up_that_fails_leaves_its_rows_only(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Toy, "native_modes", frozenset())

    async def answer(request: Request) -> Response:
        if request.path != "/look":
            return OK
        return Response(400 if b"k1" in request.content else 200, {}, b"{}")

    within(10, desk.run(answer, rows=4))

    assert desk.ends() == {
        "k1": "LOOK_UP_FAILED",
        "k2": "LOOK_UP_FAILED",
        "k3": "acknowledged",
        "k4": "acknowledged",
    }
    assert not desk.stop.is_set


# Jobs


def steps(*told: Mapping[str, Any] | Exception) -> Answers:
    """A destination that answers the steps of a job so, one after the other."""
    waiting = list(told)

    async def answer(request: Request) -> Response:
        if request.path == "/look":
            return Response(200, {}, b"{}")
        each = waiting.pop(0)
        if isinstance(each, Exception):
            raise each
        return Response(200, {}, orjson.dumps(dict(each)))

    return answer


@pytest.fixture
def jobs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(Toy, "by_job", True)
    return desk


def test_a_job_is_written_down_when_it_moves(jobs: Desk) -> None:
    looks = [{"step": "poll", "wait": 0.001}] * 20

    line = within(10, jobs.run(steps(*looks, {"step": "done"})))

    assert jobs.ends() == {"k1": "acknowledged"}
    assert len(line.sent) == 21
    assert jobs.ledger.rows("select step from jobs order by rowid") == [
        ("poll",),
        ("done",),
    ]


def test_a_job_that_is_stopped_is_carried_on(jobs: Desk) -> None:
    async def main() -> None:
        looks = [{"step": "poll", "wait": 60.0}]
        running = asyncio.ensure_future(jobs.run(steps(*looks)))
        await asyncio.sleep(0.3)
        jobs.stop("it was stopped")
        await running
        assert jobs.ends() == {"k1": "JOB_NOT_DONE"}

        jobs.stop = Stop()
        line = Line(steps({"step": "done"}))
        async with jobs.runner(line, "r1") as runner:
            await runner.settle()
        assert [path for path, _ in line.sent] == ["/poll"]

    within(10, main())

    assert jobs.ends() == {"k1": "acknowledged"}


def test_rows_of_a_job_that_goes_on_are_not_sent_beside_it(jobs: Desk) -> None:
    async def main() -> None:
        looks = [{"step": "poll", "wait": 60.0}]
        running = asyncio.ensure_future(jobs.run(steps(*looks)))
        await asyncio.sleep(0.3)
        jobs.stop("it was stopped")
        await running

        jobs.stop = Stop()
        line = await jobs.run(steps(), run_id="r2")
        assert line.sent == []

    within(10, main())

    assert jobs.ends("r2") == {"k1": "STILL_IN_DOUBT"}


def test_a_job_that_ends_in_doubt_is_looked_after(
    jobs: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.kind = Careful
    monkeypatch.setattr(Careful, "by_job", True)

    line = within(
        10,
        jobs.run(
            steps(
                {"step": "poll"},
                {"step": "done", "advice": "in doubt"},
                {"step": "done"},
            )
        ),
    )

    assert [path for path, _ in line.sent] == ["/start", "/poll", "/look", "/start"]
    assert jobs.ends() == {"k1": "acknowledged"}


# The ledger


def test_codes_and_fields_are_told_without_values(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [
        Outcome(State.REJECTED, "INVALID_FIELD", "segment", "hot is no option"),
        Outcome(State.REJECTED, "no hot", "anna@shop.example", "\ud800 hot"),
        Outcome(State.REJECTED, "", "", ""),
    ]

    def classify(self: Toy, part: Part, response: Response) -> Verdict:
        del self, response
        return Verdict({row.seq: said[row.seq - 1] for row in part.rows})

    monkeypatch.setattr(Toy, "classify", classify)
    within(10, desk.run(acknowledges, rows=3))

    told = desk.ledger.rows("select code, field, message from outcomes order by seq")
    assert told == [
        ("INVALID_FIELD", "segment", "*** is no option"),
        ("no ***", "***", "***"),
        ("", "", ""),
    ]


def test_a_ledger_that_can_not_be_written_stops_the_run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Clerk, entries: Any) -> None:
        del self
        if any(table == "outcomes" for table, _ in entries):
            raise UnavailableError("the disk is full")

    monkeypatch.setattr(Clerk, "_append", full)

    with pytest.raises(UnavailableError, match="the disk is full"):
        within(10, desk.run(acknowledges, rows=50))


@pytest.mark.parametrize(
    "error", [NotSentError("not reached"), UnansweredError("no answer")]
)
def test_a_destination_that_is_down_is_left_alone(desk: Desk, error: Exception) -> None:
    async def answer(request: Request) -> Response:
        del request
        raise error

    line = within(10, desk.run(answer, rows=200))

    assert len(line.sent) <= 24
    assert "toy is down" in desk.stop.reason
    assert desk.stop.error is None
    assert len(desk.ends()) == 200


def test_refused_credentials_stop_at_once(desk: Desk) -> None:
    async def answer(request: Request) -> Response:
        del request
        raise RefusedError("refused")

    line = within(10, desk.run(answer, rows=200))

    assert len(line.sent) <= 4
    assert isinstance(desk.stop.error, RefusedError)
    assert set(desk.ends().values()) == {"NOT_SENT"}
