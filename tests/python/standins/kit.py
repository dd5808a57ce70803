"""What all stand-ins share: a server over a real socket, and what can go wrong there.

A stand-in is a remote with a store of its own. It says in `routes` what it answers, as
functions from a call to an answer that change the store. The kit does the rest: the
socket, latency, rate windows, faults, the log.

    with HubSpotStandIn() as remote:
        remote.faults.add(APPLY_DROP, path="/batch/upsert")
        ... send to remote.url ...
        assert remote.records() == {...}

Or as a process of its own, in `tests/python`: `python -m standins.hubspot --port 8099
--latency 0.05 --sync hubspot`. Then `GET /_standin` tells its counters.
"""

import argparse
import asyncio
import contextlib
import random
import re
import socket
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import orjson
from aiohttp import web
from intent.sync.spec import Sync
from sync_shop import load_sync

from standins.faults import Fault, Faults, Kind

Value = str | int | float | bool | None
Fields = dict[str, Value]

APPLYING = {
    Kind.APPLY_ANSWER,
    Kind.APPLY_DROP,
    Kind.APPLY_RESET,
    Kind.APPLY_HANG,
    Kind.TRUNCATE,
    Kind.CUT,
    Kind.DRIP,
}


@dataclass(frozen=True)
class Call:
    """A request that arrived."""

    method: str
    path: str
    """Decoded, without the query."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    at: float
    """When it arrived, by `time.monotonic`."""
    found: Mapping[str, str] = field(default_factory=dict)
    """The named groups of the route's path."""

    def json(self) -> Any:
        """The body as JSON. Raises: ValueError."""
        return orjson.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What is answered: anything as JSON, or bytes as they are."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """The body as it goes over the wire."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)


@dataclass
class Logged:
    """A request, for tests to look at."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    bytes: int
    at: float
    """When it arrived, by `time.monotonic`."""
    in_flight: int
    """Requests under way when it arrived, itself among them."""
    keys: frozenset[str]
    """The match keys that it writes."""
    overlaps: frozenset[str]
    """Those that another request under way wrote, too."""
    status: int | None = None
    """None: under way, or it got no answer."""
    fault: Fault | None = None
    violates: str = ""
    """The rate window that it broke."""


@dataclass
class RateWindow:
    """A strict rolling window, counted by arrival: no more than so many in any span.

    Refused requests do not count.
    """

    name: str
    count: int
    seconds: float
    units: Callable[[Call], int] = lambda call: 1  # noqa: ARG005
    """How much a call takes of it; 0: it does not fall under it."""
    violations: int = 0
    most: int = 0
    """The most that were in it at once."""
    _arrivals: deque[tuple[float, int]] = field(default_factory=deque)
    _sum: int = 0

    def take(self, call: Call) -> bool:
        """Let a call in; False: it would be one too many."""
        while self._arrivals and self._arrivals[0][0] <= call.at - self.seconds:
            self._sum -= self._arrivals.popleft()[1]
        if not (units := self.units(call)):
            return True
        if self._sum + units > self.count:
            self.violations += 1
            return False
        self._arrivals.append((call.at, units))
        self._sum += units
        self.most = max(self.most, self._sum)
        return True

    @property
    def left(self) -> int:
        """How much of it is free, as of the last call."""
        return self.count - self._sum


@dataclass(frozen=True)
class Poison:
    """Why the remote refuses a record."""

    reason: str = "is not valid"
    field: str = ""


Route = tuple[str, str, Callable[[Call], Answer]]


class StandIn(ABC):
    """A remote that stands in for a real one. Subclasses say what it answers."""

    def __init__(self, latency: float = 0.0, seed: int = 0, port: int = 0) -> None:
        """Make it; it listens from `with` or `start` on.

        Args:
            latency: seconds between the work and the answer.
            seed: of everything that is random, such as the order of results.
            port: where; 0 takes a free one.
        """
        self.latency = latency
        self.random = random.Random(seed)  # noqa: S311
        self.faults = Faults()
        self.windows: list[RateWindow] = []
        self.most_at_once: int | None = None
        """Requests that may be under way at once."""
        self.daily_limit: int | None = None
        self.used_today = 0
        self.log: list[Logged] = []
        self.creations: Counter[str] = Counter()
        """How many records were created, by match key; never more than 1, please."""
        self.poisons: dict[str, Poison] = {}
        """By match key: rows that are refused."""
        self.authentications = 0
        """Tokens that were given out."""
        self.refusals = 0
        """Requests that were refused for their authorisation."""
        self.is_revoked = False
        self.tokens_last: int | None = None
        """After so many requests a token expires."""
        self._token_uses: Counter[str] = Counter()
        self._tokens: set[str] = set()
        self._omitted: Counter[str] = Counter()
        self._keys_under_way: Counter[str] = Counter()
        self._under_way = 0
        self._port = port
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._runner: web.ServerRunner | None = None
        self._routes = [
            (method, re.compile(path), function)
            for method, path, function in self.routes()
        ]

    # What subclasses say -----------------------------------------------------------

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """What is answered: method, regular expression of the whole path, function.

        The functions are called one at a time, so they need no locks.
        """

    def authorise(self, call: Call) -> Answer | None:
        """The answer to a call that is not authorised; None if it is."""
        del call
        return None

    def keys(self, call: Call) -> Iterable[str]:
        """The match keys that a call writes; also what is wrong must not raise."""
        del call
        return ()

    def too_many(self, call: Call, window: str, seconds: float) -> Answer:
        """The answer to a call that breaks a rate window.

        Args:
            call: which.
            window: the name of the window; `at once`, `daily` for the other limits.
            seconds: its length.
        """
        del call, window, seconds
        return Answer(429, {})

    def headers(self) -> Mapping[str, str]:
        """Headers that each answer has, such as those of rates."""
        return {}

    @abstractmethod
    def records(self, kind: str = "") -> dict[str, Fields]:
        """The records by match key, values in our form; '' is the usual kind."""

    def events(self) -> list[dict[str, Any]]:
        """The events, in the order in which they came."""
        return []

    def lists(self) -> dict[str, set[str]]:
        """The members of each list, as match keys."""
        return {}

    def drop_field(self, name: str) -> None:
        """Delete a field from the remote's schema."""
        raise NotImplementedError

    def hold_a_job(self) -> None:
        """Let the next job not end before `let_jobs_end`."""
        raise NotImplementedError

    def let_jobs_end(self) -> None:
        """Let jobs that are held end."""
        raise NotImplementedError

    def fail_a_job(self) -> None:
        """Let the next job fail when some of its rows are done, or none."""
        raise NotImplementedError

    def forget_jobs(self) -> None:
        """Know no job any more, as when they are old."""
        raise NotImplementedError

    def prepare(self, sync: Sync) -> None:
        """Do what an admin does before a sync: create its fields and lists."""
        del sync

    def put(self, key: str, fields: Mapping[str, Value], kind: str = "") -> None:
        """Let somebody else write a record there, and create it if there is none.

        This is not counted in `creations`.
        """
        raise NotImplementedError

    def remove(self, key: str, kind: str = "") -> None:
        """Let somebody else delete a record there."""
        raise NotImplementedError

    # What tests do -----------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def poison(self, key: str, reason: str = "is not valid", field: str = "") -> None:
        """Refuse the rows of a key from now on."""
        with self._lock:
            self.poisons[key] = Poison(reason, field)

    def heal(self, key: str) -> None:
        """Take a poison back."""
        with self._lock:
            self.poisons.pop(key, None)

    def omit(self, key: str, times: int = 1) -> None:
        """Pass over the rows of a key: don't apply them, don't answer to them."""
        with self._lock:
            self._omitted[key] += times

    def revoke(self) -> None:
        """Let all tokens and credentials be refused from now on."""
        with self._lock:
            self.is_revoked = True
            self._tokens.clear()

    def expire_tokens(self) -> None:
        """Let all tokens that were given out be refused."""
        with self._lock:
            self._tokens.clear()

    def next_day(self) -> None:
        """Give a new day's quota."""
        with self._lock:
            self.used_today = 0

    @property
    def violations(self) -> int:
        """Requests that broke a rate window, or the limit of those at once."""
        with self._lock:
            return sum(1 for logged in self.log if logged.violates)

    @property
    def overlaps(self) -> set[str]:
        """Keys that two requests under way at one time wrote."""
        with self._lock:
            return {key for logged in self.log for key in logged.overlaps}

    def requests(self, path: str = "", method: str = "*") -> list[Logged]:
        """The requests whose path has a match of a regular expression."""
        with self._lock:
            return [
                logged
                for logged in self.log
                if re.search(path, logged.path) and method in ("*", logged.method)
            ]

    def counters(self) -> dict[str, Any]:
        """What a benchmark wants to know."""
        with self._lock:
            records = self.records()
            return {
                "requests": len(self.log),
                "violations": self.violations,
                "statuses": Counter(str(logged.status) for logged in self.log),
                "most_at_once": max((one.in_flight for one in self.log), default=0),
                "first_at": min((one.at for one in self.log), default=None),
                "last_at": max((one.at for one in self.log), default=None),
                "records": len(records),
                "created_twice": sum(n > 1 for n in self.creations.values()),
            }

    # What subclasses use -----------------------------------------------------------

    def new_token(self) -> str:
        """Give out a token."""
        self.authentications += 1
        token = f"token-{self.authentications}-{self.random.getrandbits(64):016x}"
        self._tokens.add(token)
        return token

    def token_holds(self, token: str) -> bool:
        """True if a token was given out, and has neither expired nor been revoked."""
        if token not in self._tokens:
            return False
        self._token_uses[token] += 1
        if self.tokens_last is not None and self._token_uses[token] > self.tokens_last:
            self._tokens.discard(token)
            return False
        return True

    def is_omitted(self, key: str) -> bool:
        """True if a row is to be left out of this answer."""
        if not self._omitted[key]:
            return False
        self._omitted[key] -= 1
        return True

    # The server --------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, in a thread of its own."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._wait_for(self._listen())

    def stop(self) -> None:
        """Close all connections and end the thread."""
        if not self._loop or not self._thread:
            return
        self._wait_for(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = None

    def pause(self) -> None:
        """Refuse connections, as a server that is down."""
        self._wait_for(self._close())

    def go_on(self) -> None:
        """Listen again, at the same address."""
        self._wait_for(self._listen())

    def _wait_for(self, work: Any) -> None:
        assert self._loop
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self) -> None:
        self._runner = web.ServerRunner(
            web.Server(self._handle, access_log=None),
            handle_signals=False,
            shutdown_timeout=0.05,
        )
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, "127.0.0.1", self._port, reuse_address=True, backlog=512
        )
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def _close(self) -> None:
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.content.read()
        call = Call(
            request.method,
            request.path,
            dict(request.query),
            {name.lower(): value for name, value in request.headers.items()},
            body,
            time.monotonic(),
        )
        if call.path == "/_standin":
            return web.json_response(self.counters())
        with self._lock:
            logged = self._arrive(call)
        try:
            with self._lock:
                fault = logged.fault
                answer = None
                if fault is None or fault.kind in APPLYING:
                    answer = self._answer(call, logged)
                    headers = {**self.headers(), **answer.headers}
                    answer = replace(answer, headers=headers)
            if self.latency:
                await asyncio.sleep(self.latency)
            return await self._send(request, logged, answer)
        finally:
            with self._lock:
                self._leave(logged)

    def _arrive(self, call: Call) -> Logged:
        keys = frozenset(self.keys(call))
        overlaps = frozenset(key for key in keys if self._keys_under_way[key])
        self._under_way += 1
        self._keys_under_way.update(keys)
        logged = Logged(
            call.method,
            call.path,
            call.query,
            call.headers,
            len(call.body),
            call.at,
            self._under_way,
            keys,
            overlaps,
            fault=self.faults.next(call.method, call.path),
        )
        self.log.append(logged)
        return logged

    def _leave(self, logged: Logged) -> None:
        self._under_way -= 1
        self._keys_under_way.subtract(logged.keys)

    def _answer(self, call: Call, logged: Logged) -> Answer:
        """Do what a call asks for, if it may."""
        if refusal := self.authorise(call):
            self.refusals += 1
            return refusal
        if self.most_at_once is not None and logged.in_flight > self.most_at_once:
            logged.violates = "at once"
            return self.too_many(call, "at once", 0.0)
        for window in self.windows:
            if not window.take(call):
                logged.violates = window.name
                return self.too_many(call, window.name, window.seconds)
        if self.daily_limit is not None and self.used_today >= self.daily_limit:
            return self.too_many(call, "daily", 86400.0)
        self.used_today += 1
        for method, path, function in self._routes:
            if method == call.method and (found := path.fullmatch(call.path)):
                return function(replace(call, found=found.groupdict()))
        return self.no_such_path(call)

    def no_such_path(self, call: Call) -> Answer:
        """The answer to a path that there is not."""
        return Answer(404, {"message": f"no such path: {call.method} {call.path}"})

    async def _send(
        self, request: web.BaseRequest, logged: Logged, answer: Answer | None
    ) -> web.StreamResponse:
        fault = logged.fault
        if fault is None or (fault.kind is Kind.DRIP and answer):
            assert answer
            return await self._send_whole(request, logged, answer, fault)
        match fault.kind:
            case Kind.ANSWER | Kind.APPLY_ANSWER:
                logged.status = fault.status
                return web.Response(
                    status=fault.status, headers=fault.headers, body=fault.body
                )
            case Kind.TRUNCATE if answer:
                logged.status = answer.status
                content = answer.content()
                return web.Response(
                    status=answer.status,
                    body=content[: len(content) // 2],
                    content_type="application/json",
                )
            case Kind.CUT if answer:
                content = answer.content()
                response = web.StreamResponse(status=answer.status)
                response.content_length = len(content)
                await response.prepare(request)
                await response.write(content[: len(content) // 2])
            case Kind.HANG | Kind.APPLY_HANG:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(3600)
        _close(request, reset=fault.kind in (Kind.RESET, Kind.APPLY_RESET))
        return web.Response(status=500)

    async def _send_whole(
        self,
        request: web.BaseRequest,
        logged: Logged,
        answer: Answer,
        drip: Fault | None,
    ) -> web.StreamResponse:
        logged.status = answer.status
        content = answer.content()
        headers = {"Content-Type": "application/json", **answer.headers}
        if not drip:
            return web.Response(status=answer.status, headers=headers, body=content)
        response = web.StreamResponse(status=answer.status, headers=headers)
        response.content_length = len(content)
        await response.prepare(request)
        for place in range(len(content)):
            await response.write(content[place : place + 1])
            await asyncio.sleep(drip.drip_seconds)
        return response


def _close(request: web.BaseRequest, reset: bool) -> None:
    """End the connection; with a reset, the client does not even get an end of it."""
    transport = request.transport
    if transport is None:
        return
    if reset and (connection := transport.get_extra_info("socket")):
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


def serve(kind: type[StandIn], arguments: Sequence[str] | None = None) -> None:
    """Run a stand-in as a process of its own, until it is stopped."""
    parser = argparse.ArgumentParser(description=kind.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--fault-rate", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sync", action="append", default=[])
    asked = parser.parse_args(arguments)
    remote = kind(latency=asked.latency, seed=asked.seed, port=asked.port)
    remote.faults.at_rate(asked.fault_rate, asked.seed)
    for name in asked.sync:
        remote.prepare(load_sync(name))
    with remote:
        print(remote.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
