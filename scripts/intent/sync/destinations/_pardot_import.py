"""The Import API: up to ten CSV files of prospects as one asynchronous job.

The steps, which the ledger keeps: start (create the import), batch (hand in one file
after the other), ready, poll, errors. Imports and their files are processed in any
order, so rows of one key are never in two that are not over: where it is in doubt
whether a file arrived, the import is left as it is, which imports nothing and expires
within 24 hours, and another is begun.

Source: https://developer.salesforce.com/docs/marketing/pardot/guide/import-v5.html,
what it leaves open from https://github.com/pardot/api-docs (version 4, Import API).
"""

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from intent.sync.destinations import _csv_files as files
from intent.sync.destinations import _pardot_answers as answers
from intent.sync.model import (
    ACKNOWLEDGED,
    Job,
    Move,
    Op,
    Outcome,
    Part,
    Request,
    Response,
    Row,
    Verdict,
)
from intent.sync.spec import Sync

IMPORTS = "/api/v5/imports"
BATCHES = 10  # "Each import can contain up to 10 batches" (Import API, Limitations)
BATCH_SIZE = 9_990_000
""""Each batch must be smaller than 10MB" (likewise), with what stands around the file
in the request."""
ROWS = 1_000_000
"""Of one import: they are in memory while it goes on."""
SLOWEST_POLL = 300.0
""""We recommend that you wait a few minutes between calls" (How It Works)."""
RESTARTS = 3
MATCH = "matchEmail"
COLUMNS = {"join": "addToList", "drop": "removeFromList"}
TOLD = "id,status,isExpired,createdCount,updatedCount,errorCount"
JSON = {"content-type": "application/json"}
ROUTES = {Op.LEAVE: "leave", Op.JOIN: "join", Op.DROP: "drop"}


# Files ------------------------------------------------------------------------------


def columns_of(route: str, row: Row) -> tuple[str, ...]:
    """The columns of a file besides the match key.

    A blank cell unsets what is there, so that a field which a row leaves as it is can't
    have a column: rows with other fields go by another import.
    """
    return (COLUMNS[route],) if route in COLUMNS else tuple(row.values)


def new_pile(route: str, columns: Sequence[str], most_rows: int = ROWS) -> files.Pile:
    """An empty import."""
    sizes = files.Sizes(most_rows, BATCHES, BATCH_SIZE)
    return files.Pile(route, files.line([MATCH, *columns]), sizes)


def line(row: Row) -> bytes:
    """The line of a row."""
    if row.op in {Op.JOIN, Op.DROP}:
        cells = [str(row.values["list"])]
    else:
        cells = [files.to_cell(value) for value in row.values.values()]
    return files.line([files.quoted(row.key), *cells])


def pack(
    rows: Iterable[Row], sync: Sync, route_of: Callable[[Row], str]
) -> Iterator[Part]:
    """Put rows with the same columns together, each import as full as allowed."""
    piles: dict[tuple[str, tuple[str, ...]], files.Pile] = {}
    most = min(ROWS, sync.rows_at_once or ROWS)
    for row in rows:
        route = route_of(row)
        if route == "delete":
            yield Part([row], route)
            continue
        columns = columns_of(route, row)
        pile = piles.setdefault((route, columns), new_pile(route, columns, most))
        told = line(row)
        if not pile.has_room(len(told)):
            yield pile.cut()
        pile.add(row, told)
    for pile in piles.values():
        if pile.rows:
            yield pile.cut()


def files_of(part: Part) -> Sequence[bytes]:
    """The files of a part: as packed, or made anew after a crash."""
    content = part.content
    if not content:
        pile = new_pile(part.route, columns_of(part.route, part.rows[0]))
        for row in part.rows:
            pile.add(row, line(row))
        content = pile.cut().content
    return content.split(files.BETWEEN)


# Steps ------------------------------------------------------------------------------


def creation(route: str, creates: bool, restores: bool) -> Request:
    """The request that creates an import."""
    body = {
        "operation": "Upsert",
        "object": "Prospect",
        "createOnNoMatch": creates and route == "upsert",
        "restoreDeleted": restores and route == "upsert",
    }
    return Request("POST", IMPORTS, orjson.dumps(body), JSON)


def step(part: Part, job: Job) -> Request:
    """The request of a step after the first."""
    path = f"{IMPORTS}/{job.vendor_id}"
    if job.step == "batch":
        return upload(path, files_of(part)[int(job.detail["batch"])])
    if job.step == "ready":
        return Request("PATCH", path, orjson.dumps({"status": "Ready"}), JSON)
    if job.step == "errors":
        return Request("GET", f"{path}/errors", headers={"accept": "text/csv"})
    return Request("GET", f"{path}?fields={TOLD}")


def upload(path: str, file: bytes) -> Request:
    """The request that hands in a file."""
    boundary = f"intent-{hashlib.sha256(file).hexdigest()[:40]}"
    head = (
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="importFile"; filename="rows.csv"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    return Request(
        "POST",
        f"{path}/batches",
        content=b"".join((head.encode(), file, f"\r\n--{boundary}--\r\n".encode())),
        headers={"content-type": f"multipart/form-data; boundary={boundary}"},
    )


@dataclass(frozen=True)
class Import:
    """What an import is about, and how patient we are."""

    part: Part
    poll_seconds: float
    counts_all: bool
    """A row that is neither created, updated nor an error was passed over."""


def doubt(job: Job) -> Job:
    """Where to carry on with an import whose step may have been done unnoticed."""
    if job.step == "batch":
        return restarted(job)
    return job.at("poll") if job.step == "ready" else job


def restarted(job: Job) -> Job:
    """Another import in place of this one, but not for ever."""
    tries = int(job.detail.get("restarts", 0)) + 1
    if tries > RESTARTS:
        return job.at("done")
    return job.at("start", vendor_id="", detail={"restarts": tries})


def advance(of: Import, job: Job, response: Response) -> Move:
    """What the answer to a step means."""
    if verdict := answers.judge(response):
        after = doubt(job) if response.status >= 500 else job
        return Move(after, verdict, verdict.wait or 0.0)
    if not answers.is_fine(response):
        return _refused(of, job, response)
    return READERS.get(job.step, _look_at)(of, job, response)


def _created(of: Import, job: Job, response: Response) -> Move:
    del of
    created = answers.read(response)
    detail = {**job.detail, "batch": 0}
    return Move(job.at("batch", vendor_id=str(created["id"]), detail=detail))


def _handed_in(of: Import, job: Job, response: Response) -> Move:
    del response
    number = int(job.detail["batch"]) + 1
    is_last = number == len(files_of(of.part))
    detail = {**job.detail, "batch": number}
    return Move(job.at("ready" if is_last else "batch", detail=detail))


def _made_ready(of: Import, job: Job, response: Response) -> Move:
    _state(answers.read(response))
    return Move(job.at("poll"), wait=of.poll_seconds)


def _refused(of: Import, job: Job, response: Response) -> Move:
    """A step is refused: because of its content, or it does not fit the import."""
    if job.vendor_id and response.status == 404:
        return Move(job.at("done"))  # expired; then nobody knows what it did
    if job.step in {"start", "batch"}:
        # It is about the columns, so that a part of the rows would fare no better.
        wrong = answers.rejection(response)
        return Move(job.at("done"), Verdict({row.seq: wrong for row in of.part.rows}))
    if job.step == "ready":
        tries = int(job.detail.get("tries", 0)) + 1
        step = "done" if tries > RESTARTS else "poll"
        return Move(job.at(step, detail={**job.detail, "tries": tries}))
    raise ValueError(f"an import's state is not told: status {response.status}")


def _state(answer: Mapping[str, object]) -> str:
    """The state of an import: version 5 calls it status, version 4 state."""
    state = answer.get("status") or answer.get("state")
    if not isinstance(state, str):
        raise ValueError("not an import: it has no status")
    return state.lower()


def _look_at(of: Import, job: Job, response: Response) -> Move:
    """What an import's state means."""
    answer = answers.read(response)
    if answer.get("isExpired"):
        return Move(job.at("done"))
    match _state(answer):
        case "open":
            return Move(job.at("ready"))
        case "ready" | "waiting" | "processing":
            return _wait(of, job)
        case "complete":
            created, updated, errors = (
                int(str(answer.get(name) or 0))
                for name in ("createdCount", "updatedCount", "errorCount")
            )
            counted = {"counted": created + updated + errors, "errors": errors}
            job = job.at("errors" if errors else "done", detail=counted)
            return Move(job) if errors else _done(of, job, {})
        case "failed" | "error" | "cancelled" | "canceled":
            return Move(job.at("done"))
        case other:
            raise ValueError(f"an import has no such state: {other}")


def _wait(of: Import, job: Job) -> Move:
    """Wait a little longer each time: each look is a call of the day."""
    waited = float(job.detail.get("waited", 0.0))
    wait = min(max(of.poll_seconds, waited / 4), SLOWEST_POLL)
    detail = {**job.detail, "waited": waited + wait}
    return Move(job.at("poll", detail=detail), wait=wait)


def _read_errors(of: Import, job: Job, response: Response) -> Move:
    """Read the errors: the file's lines, with the reason in the last column."""
    text = io.StringIO(response.content.decode("utf-8-sig"), newline="")
    lines = csv.reader(text)
    names = [name.strip().lower() for name in next(lines, [])]
    keys = [at for at, name in enumerate(names) if name in {MATCH.lower(), "email"}]
    if not keys:
        raise ValueError("not an import's errors: they have no match column")
    reasons = {
        cells[keys[0]].casefold(): cells[-1] for cells in lines if len(cells) > keys[0]
    }
    outcomes = {
        row.seq: answers.row_outcome(row, reasons[row.key.casefold()])
        for row in of.part.rows
        if row.key.casefold() in reasons
    }
    if len(outcomes) < int(job.detail["errors"]):
        raise ValueError("an import's errors that are not all there")
    return _done(of, job.at("done"), outcomes)


def _done(of: Import, job: Job, outcomes: Mapping[int, Outcome]) -> Move:
    """End the import: all other records were successful, if the sums agree."""
    checks = of.counts_all and of.part.route not in COLUMNS
    if checks and int(job.detail["counted"]) < len(of.part.rows):
        return Move(job, files.passed_over(of.part.rows, outcomes))
    good = {row.seq: ACKNOWLEDGED for row in of.part.rows}
    return Move(job, Verdict({**good, **outcomes}))


READERS: Mapping[str, Callable[[Import, Job, Response], Move]] = {
    "start": _created,
    "batch": _handed_in,
    "ready": _made_ready,
    "errors": _read_errors,
}
"""By step, what the answer means; the others ask for the import's state."""
