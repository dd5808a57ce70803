"""Bulk API 2.0: a file of records as a job, step by step.

The steps, which the ledger keeps: start (create the job), upload, close, poll,
failures, successes. Where it is in doubt whether a step was done: look, and if the job
still waits for its file, abort it and start anew; nothing of it was applied.

What Salesforce calls unprocessed records is not asked for: a row that is neither among
the successes nor the failures is sent again, whatever became of it, since upserts,
updates by id and deletes can be repeated.

Source: Bulk API 2.0 and Bulk API Developer Guide, Bulk API 2.0 Ingest.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from intent.sync.destinations import _salesforce_answers as answers
from intent.sync.destinations._salesforce_values import ids_of
from intent.sync.model import (
    Advice,
    Job,
    Move,
    Outcome,
    Request,
    Response,
    Row,
    State,
    Verdict,
)

FIRST_POLL = 2.0
SLOWEST_POLL = 60.0
"""Seconds between two looks: growing, so that a long job costs few requests."""
MOST_HOURS = 8.0
"""A job that takes longer is aborted; what it did by then counts. Salesforce itself
gives up on 10,000 records after 20 tries of 5 minutes."""
RESTARTS = 3
CONFIGURATION = ("InvalidBatch", "InvalidJob", "ClientInputError")
"""How the message of a job begins whose file has a wrong header or object."""
QUOTA = ("exceededquota", "daily")
"""What the message says of a job that failed as the day's records are used up."""


@dataclass(frozen=True)
class Load:
    """What a job is to do."""

    base: str
    object: str
    operation: str
    """upsert or update."""
    key_column: str
    """The column of the file by which rows are found again in the results."""
    rows: Sequence[Row]
    poll_seconds: float = FIRST_POLL

    def width(self, row: Row) -> int:
        """How many records a row stands for."""
        return 1 if self.operation == "upsert" else len(ids_of(row))

    def by_key(self) -> Mapping[str, Sequence[Row]]:
        """The rows by the values of the key column."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            keys = [row.key] if self.operation == "upsert" else ids_of(row)
            for key in keys:
                found.setdefault(key, []).append(row)
        return found


def request(load: Load, job: Job, content: bytes) -> Request:
    """The request of a job's next step."""
    jobs = f"{load.base}/jobs/ingest"
    path = f"{jobs}/{job.vendor_id}"
    if job.step == "start":
        return _json("POST", jobs, creation(load))
    if job.step == "upload":
        headers = {"content-type": "text/csv; charset=UTF-8"}
        return Request("PUT", f"{path}/batches", content, headers)
    if job.step in STATES:
        return _json("PATCH", path, {"state": STATES[job.step]})
    if job.step in RESULTS:
        headers = {"accept": "text/csv"}
        return Request("GET", f"{path}/{RESULTS[job.step]}", headers=headers)
    return Request("GET", path)


STATES = {"close": "UploadComplete", "abort": "Aborted", "give up": "Aborted"}
"""What a step makes of the job."""
RESULTS = {"failures": "failedResults", "successes": "successfulResults"}
"""What a step asks for."""


def creation(load: Load) -> Mapping[str, str]:
    """What describes a new job."""
    body = {
        "object": load.object,
        "operation": load.operation,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    if load.operation == "upsert":
        body["externalIdFieldName"] = load.key_column
    return body


def _json(method: str, path: str, body: Mapping[str, str]) -> Request:
    headers = {"content-type": "application/json"}
    return Request(method, path, orjson.dumps(body), headers)


def advance(load: Load, job: Job, response: Response) -> Move:
    """What the answer to a step means."""
    if response.status == 404 and job.vendor_id:
        # Salesforce keeps ended jobs for 7 days; then nobody knows what they did.
        return Move(job.at("done"))
    if refused := answers.judge(response, load.rows):
        return _refused(load, job, response, refused)
    return READERS.get(job.step, _look_at)(load, job, response)


def _created(load: Load, job: Job, response: Response) -> Move:
    del load
    created = answers.read(response)
    return Move(job.at("upload", vendor_id=str(created["id"])))


def _uploaded(load: Load, job: Job, response: Response) -> Move:
    del load
    if response.status != 201:
        raise ValueError(f"no answer to an upload: status {response.status}")
    return Move(job.at("close"))


def _state(response: Response) -> str:
    """The state of a job that an answer tells."""
    return str(answers.read(response)["state"])


def _closed(load: Load, job: Job, response: Response) -> Move:
    _state(response)
    return Move(job.at("poll"), wait=load.poll_seconds)


def _aborted(load: Load, job: Job, response: Response) -> Move:
    """Begin anew with another job, but not for ever."""
    del load
    _state(response)
    tries = int(job.detail.get("restarts", 0)) + 1
    if tries > RESTARTS:
        return Move(job.at("done"))
    return Move(job.at("start", vendor_id="", detail={"restarts": tries}))


def _given_up(load: Load, job: Job, response: Response) -> Move:
    del load
    _state(response)
    return Move(job.at("poll", detail={**job.detail, "is_given_up": True}))


def doubt(job: Job) -> Job:
    """Where to carry on if the step may have been done unnoticed."""
    return job.at("look") if job.vendor_id and job.step in ("upload", "close") else job


def _refused(load: Load, job: Job, response: Response, verdict: Verdict) -> Move:
    """A step was refused: for the time being, or because it does not fit the job."""
    if verdict.advice in (Advice.REAUTHORISE, Advice.STOP, Advice.REFUSED):
        return Move(job, verdict)
    if verdict.advice is Advice.RESEND and not verdict.outcomes:
        return Move(doubt(job), verdict)
    match job.step:
        case "start":
            # It names no row, so that a part of them would fare no better.
            wrong = answers.rejected(answers.errors_of(response))
            verdict = Verdict({row.seq: wrong for row in load.rows})
            return Move(job.at("done"), verdict)
        case "failures":
            return Move(job.at("successes"))
        case "successes":
            return _done(job, {})
        case "upload" | "close" | "abort" | "give up":
            return Move(job.at("look"))
        case _:
            raise ValueError(f"a job's state is not told: status {response.status}")


def _done(job: Job, outcomes: Mapping[int, Outcome]) -> Move:
    """The end of a job; rows without an outcome are sent again, today or tomorrow."""
    if job.detail.get("is_over_quota"):
        message = "The day's records of the Bulk API are used up"
        return Move(job.at("done"), Verdict(outcomes, Advice.STOP, message=message))
    return Move(job.at("done"), Verdict(outcomes))


def _look_at(load: Load, job: Job, response: Response) -> Move:
    """What a job's state means."""
    match _state(response):
        case "Open":
            return Move(job.at("abort"))
        case "UploadComplete" | "InProgress":
            return _wait(load, job)
        case "JobComplete":
            failed = int(answers.read(response).get("numberRecordsFailed", 1))
            return Move(job.at("failures" if failed else "successes"))
        case "Failed":
            return _failed(load, job, answers.read(response))
        case "Aborted":
            return Move(job.at("failures"))
        case other:
            raise ValueError(f"a job has no such state: {other}")


def _wait(load: Load, job: Job) -> Move:
    """Wait a little longer each time; after hours, give up and see what was done."""
    waited = float(job.detail.get("waited", 0.0))
    is_given_up = bool(job.detail.get("is_given_up"))
    if waited > MOST_HOURS * 3600 * (1 + is_given_up):
        return Move(job.at("failures" if is_given_up else "give up"))
    wait = min(max(load.poll_seconds, waited / 4), SLOWEST_POLL)
    detail = {**job.detail, "waited": waited + wait}
    return Move(job.at("poll", detail=detail), wait=wait)


def _failed(load: Load, job: Job, told: Mapping[str, Any]) -> Move:
    """A job that failed may have done a part of its work before."""
    message = str(told.get("errorMessage") or "")
    is_begun = int(told.get("numberRecordsProcessed") or 0) > 0
    if message.startswith(CONFIGURATION) and not is_begun:
        code, _, words = (part.strip() for part in message.partition(":"))
        wrong = Outcome(State.REJECTED, code=code, message=words)
        return Move(job.at("done"), Verdict({row.seq: wrong for row in load.rows}))
    is_over = any(word in message.lower() for word in QUOTA)
    detail = {**job.detail, "is_over_quota": True} if is_over else job.detail
    return Move(job.at("failures", detail=detail))


def _results(load: Load, response: Response) -> Iterator[tuple[Row, dict[str, str]]]:
    """The lines of results with their rows, which come in any order.

    Raises:
        ValueError: this is no such file, or is not whole.
    """
    if not response.content.strip():
        return
    text = io.StringIO(response.content.decode("utf-8-sig"), newline="")
    lines = csv.DictReader(text, strict=True)
    rows = load.by_key()
    try:
        if load.key_column not in (lines.fieldnames or ()):
            raise ValueError(f"results without the column {load.key_column}")
        for line in lines:
            if None in line or None in line.values():
                raise ValueError("results that end in the middle of a line")
            for row in rows.get(line[load.key_column], ()):
                yield row, line
    except csv.Error as error:
        raise ValueError("results that are no CSV") from error


def _failures(load: Load, job: Job, response: Response) -> Move:
    """Read which rows were refused; those to be sent again have no outcome yet."""
    found: dict[int, list[Outcome | None]] = {}
    rows: dict[int, Row] = {}
    for row, line in _results(load, response):
        error = answers.bulk_error(line["sf__Error"])
        outcome = answers.failure(row, [error], load.operation == "update")
        found.setdefault(row.seq, []).append(outcome)
        rows[row.seq] = row
    outcomes: dict[int, Outcome] = {}
    gone: dict[str, int] = {}
    for seq, ends in found.items():
        outcome = answers.row_outcome(ends)
        is_all = len(ends) == load.width(rows[seq])
        if outcome and outcome.state is State.SKIPPED and not is_all:
            gone[str(seq)] = len(ends)  # others of its records may be there
        elif outcome:
            outcomes[seq] = outcome
    detail = {**job.detail, "gone": gone} if gone else job.detail
    return Move(job.at("successes", detail=detail), Verdict(outcomes))


def _successes(load: Load, job: Job, response: Response) -> Move:
    """Read which rows were written: those all of whose records were, or are gone."""
    left = Counter({int(k): -n for k, n in job.detail.get("gone", {}).items()})
    outcomes: dict[int, Outcome] = {}
    for row, line in _results(load, response):
        left[row.seq] -= 1
        if left[row.seq] + load.width(row) == 0:
            new_id = line.get("sf__Id") if load.operation == "upsert" else None
            outcomes[row.seq] = Outcome(State.ACKNOWLEDGED, remote_id=new_id or None)
    return _done(job, outcomes)


READERS: Mapping[str, Callable[[Load, Job, Response], Move]] = {
    "start": _created,
    "upload": _uploaded,
    "close": _closed,
    "abort": _aborted,
    "give up": _given_up,
    "failures": _failures,
    "successes": _successes,
}
"""By step, what the answer means; the others ask for the job's state."""
