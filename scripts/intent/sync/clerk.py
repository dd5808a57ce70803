"""What a run writes down on its way: in a thread of its own, many things to a commit.

A commit waits for the disk. So that no request waits for it as well, what comes in
meanwhile is committed together; who needs to know that something is on the disk waits.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import orjson
import pyarrow as pa

from intent.sync.clock import utc_now
from intent.sync.ledger import acked_table
from intent.sync.model import WRITES, Job, Outcome, Part, Request, Response, Row
from intent.sync.outbox import Run
from intent.sync.redact import redact

Result = TypeVar("Result")
ABOUT = "about"
"""Of an outcome that is on its way: whose values its message may quote although its row
has none, such as one that tells an event."""
NAME = re.compile(r"[A-Z][A-Z0-9_]{0,79}|[0-9]{1,6}")
"""What codes of destinations look like."""
NOTHING_TOLD = {"code": "", "field": "", "message": ""}
Entry = tuple[str, Sequence[dict[str, Any]]]
"""A table, and rows to append to it."""

SCHEMAS = {
    "outcomes": pa.schema(
        [
            ("run_id", pa.string()),
            ("seq", pa.int64()),
            ("state", pa.string()),
            ("code", pa.string()),
            ("field", pa.string()),
            ("message", pa.string()),
            ("remote_id", pa.string()),
            ("request_id", pa.string()),
            ("decided_at", pa.timestamp("us")),
        ]
    ),
    "requests": pa.schema(
        [
            ("run_id", pa.string()),
            ("request_id", pa.string()),
            ("destination", pa.string()),
            ("account", pa.string()),
            ("lane", pa.string()),
            ("units", pa.int64()),
            ("method", pa.string()),
            ("sent_at", pa.timestamp("us")),
            ("answered_at", pa.timestamp("us")),
            ("status", pa.int32()),
            ("bytes_sent", pa.int64()),
            ("bytes_received", pa.int64()),
        ]
    ),
    "sent": pa.schema(
        [
            ("run_id", pa.string()),
            ("request_id", pa.string()),
            ("job_id", pa.string()),
            ("seqs", pa.list_(pa.int64())),
            ("sent_at", pa.timestamp("us")),
        ]
    ),
    "jobs": pa.schema(
        [
            ("run_id", pa.string()),
            ("job_id", pa.string()),
            ("vendor_id", pa.string()),
            ("step", pa.string()),
            ("detail", pa.string()),
            ("route", pa.string()),
            ("seqs", pa.list_(pa.int64())),
            ("moved_at", pa.timestamp("us")),
        ]
    ),
    "found": pa.schema(
        [
            ("run_id", pa.string()),
            ("seq", pa.int64()),
            ("remote_id", pa.string()),
        ]
    ),
}


@dataclass
class _Waiting:
    """What is to be committed, and who waits for it."""

    entries: Sequence[Entry]
    done: asyncio.Future[None]
    ended: int = 0


@dataclass
class Clerk:
    """The ledger of one run, from the event loop."""

    run: Run
    on_ended: Callable[[int], None] = lambda _: None
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "ledger")
    )
    _waiting: list[_Waiting] = field(default_factory=list)
    _committing: asyncio.Task[None] | None = None
    _fault: BaseException | None = None

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit what is left, and end the thread."""
        try:
            await self.flush()
        finally:
            self._thread.shutdown()

    async def call(self, function: Callable[..., Result], *values: Any) -> Result:
        """Call a function that uses the ledger, in its thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, function, *values)

    async def take(self, parts: Iterator[Part], most: int) -> list[Part]:
        """Take the next parts, after writing down that they are handed out."""
        return await self.call(self._take, parts, most)

    def _take(self, parts: Iterator[Part], most: int) -> list[Part]:
        taken = []
        for part in parts:
            taken.append(part)
            if len(taken) >= most:
                break
        if taken:
            now = utc_now()
            rows = [
                {
                    "run_id": self.run.run_id,
                    "request_id": part.name,
                    "seqs": [row.seq for row in part.rows],
                    "sent_at": now,
                }
                for part in taken
            ]
            self._append([("sent", rows)])
        return taken

    def write(self, entries: Sequence[Entry], ended: int = 0) -> asyncio.Future[None]:
        """Have rows committed soon; the future is done when they are on the disk."""
        if self._fault:
            raise self._fault
        waiting = _Waiting(entries, asyncio.get_running_loop().create_future(), ended)
        waiting.done.add_done_callback(lambda done: done.exception())
        self._waiting.append(waiting)
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_all())
        return waiting.done

    async def flush(self) -> None:
        """Wait until all is on the disk.

        Raises:
            UnavailableError: it can't be written, now or earlier.
        """
        while self._committing and not self._committing.done():
            await asyncio.shield(self._committing)
        if self._fault:
            raise self._fault

    async def _commit_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            entries = [entry for each in group for entry in each.entries]
            try:
                await self.call(self._append, entries)
            except BaseException as error:
                self._fault = error
                for each in [*group, *self._waiting]:
                    if not each.done.done():
                        each.done.set_exception(error)
                self._waiting = []
                return
            for each in group:
                if not each.done.done():
                    each.done.set_result(None)
            self.on_ended(sum(each.ended for each in group))

    def _append(self, entries: Iterable[Entry]) -> None:
        by_table: dict[str, list[dict[str, Any]]] = {}
        for table, rows in entries:
            by_table.setdefault(table, []).extend(rows)
        hide_known(self.run, by_table.get("outcomes", ()))
        with self.run.ledger.commit() as connection:
            for table, rows in by_table.items():
                if not rows:
                    continue
                connection.register(
                    "appended", pa.Table.from_pylist(rows, schema=SCHEMAS[table])
                )
                connection.execute(f"insert into {table} by name from appended")
                connection.unregister("appended")

    def outcomes(
        self, rows: Iterable[tuple[Row, Outcome]], request_id: str = ""
    ) -> Entry:
        """The entry of rows' outcomes, without personal data in what they say."""
        now = utc_now()
        return (
            "outcomes",
            [
                {
                    "run_id": self.run.run_id,
                    "seq": row.seq,
                    "state": outcome.state,
                    **told(row, outcome),
                    ABOUT: row.key if row.op not in WRITES else None,
                    "remote_id": outcome.remote_id,
                    "request_id": request_id,
                    "decided_at": now,
                }
                for row, outcome in rows
            ],
        )

    def job(self, part: Part, job_id: str, job: Job) -> Entry:
        """The entry of where a job stands."""
        return (
            "jobs",
            [
                {
                    "run_id": self.run.run_id,
                    "job_id": job_id,
                    "vendor_id": job.vendor_id,
                    "step": job.step,
                    "detail": orjson.dumps(dict(job.detail)).decode(),
                    "route": part.route,
                    "seqs": [row.seq for row in part.rows],
                    "moved_at": utc_now(),
                }
            ],
        )

    def found(self, rows: Iterable[tuple[Row, str]]) -> Entry:
        """The entry of records that were looked up."""
        return (
            "found",
            [
                {"run_id": self.run.run_id, "seq": row.seq, "remote_id": remote_id}
                for row, remote_id in rows
            ],
        )


def told(row: Row, outcome: Outcome) -> dict[str, str]:
    """What a destination says of a row, without the row's values."""
    if not (outcome.code or outcome.field or outcome.message):
        return NOTHING_TOLD
    values = [row.key, *row.values.values()]
    words = {"code": outcome.code, "field": outcome.field, "message": outcome.message}
    return {
        name: text
        if not text
        or text in row.values
        or (NAME.fullmatch(text) and text not in values)
        else redact(text, values)
        for name, text in words.items()
    }


def hide_known(run: Run, outcomes: Iterable[dict[str, Any]]) -> None:
    """Take what the ledger knows of contacts out of messages about them.

    Rows that write have what they say themselves; this is for all others.
    """
    about: dict[str, list[dict[str, Any]]] = {}
    for outcome in outcomes:
        if outcome.get(ABOUT) and outcome["message"]:
            about.setdefault(outcome[ABOUT], []).append(outcome)
    if not about:
        return
    known = run.ledger.rows(
        "select match_key, payload from outbox where sync = $sync and phase = 1"
        " and list_contains($keys, match_key)"
        " union all select match_key, cast(to_json(acked) as varchar)"
        f" from {acked_table(run.sync.name)} as acked"
        " where list_contains($keys, match_key)",
        {"sync": run.sync.name, "keys": list(about)},
    )
    for key, payload in known:
        values = orjson.loads(payload).values()
        for outcome in about[key]:
            outcome["message"] = redact(outcome["message"], values)


@dataclass(frozen=True)
class Sending:
    """A request on its way, for the ledger's table of requests."""

    request: Request
    request_id: str
    destination: str
    account: str
    sent_at: datetime = field(default_factory=utc_now)

    def entry(self, run_id: str, response: Response | None) -> Entry:
        """The entry of the request; without an answer where there was none."""
        return (
            "requests",
            [
                {
                    "run_id": run_id,
                    "request_id": self.request_id,
                    "destination": self.destination,
                    "account": self.account,
                    "lane": self.request.lane,
                    "units": self.request.units,
                    "method": self.request.method,
                    "sent_at": self.sent_at,
                    "answered_at": utc_now() if response else None,
                    "status": response.status if response else None,
                    "bytes_sent": len(self.request.content),
                    "bytes_received": len(response.content) if response else None,
                }
            ],
        )
