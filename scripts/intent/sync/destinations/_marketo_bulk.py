"""Bulk import: a file of leads as an asynchronous job.

Source: the page Bulk Lead Import of Marketo's developer guide. A file never has an
empty cell, since the guide does not say whether one clears the field: rows that would
need one go by Sync Leads (`fits`).
"""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from intent.sync.destinations import _marketo_answers as answers
from intent.sync.destinations._marketo_values import to_cell
from intent.sync.model import (
    ACKNOWLEDGED,
    WRITES,
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
from intent.sync.spec import Sync

FILE_SIZE = 9_990_000
"""Less than 10 MB, with what stands around the file in the request."""
POLL_SECONDS = 10.0
"""The guide: every 5 to 30 seconds."""
IMPORT = "/bulk/v1/leads.json"
NULL = "NULL"
"""What Marketo's list import takes for no value."""


def fits(row: Row, sync: Sync, nulls_as: str | None) -> bool:
    """Whether a row means the same in a file as in a request of Sync Leads."""
    if row.op not in WRITES or row.values.keys() != sync.fields.keys():
        return False
    unset = [value is None or value == "" for value in row.values.values()]
    is_word = any(value == NULL for value in row.values.values())
    return not is_word and (nulls_as is not None or not any(unset))


def line(cells: Sequence[str]) -> bytes:
    """One line of a file."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue().encode()


def header(sync: Sync) -> bytes:
    """The first line of a file: the match field, then the others."""
    return line([sync.match.field, *sync.fields])


def row_line(row: Row, sync: Sync, nulls_as: str | None) -> bytes:
    """The line of a row; its match key stands first."""
    told = (to_cell(row.values[name], rule.type) for name, rule in sync.fields.items())
    return line([row.key, *(nulls_as or "" if cell is None else cell for cell in told)])


def upload(file: bytes, sync: Sync, partition: str | None) -> Request:
    """The request that hands in a file."""
    query = {"format": "csv", "lookupField": sync.match.field}
    if partition:
        query["partitionName"] = partition
    boundary = f"intent-{hashlib.sha256(file).hexdigest()[:40]}"
    head = (
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="file"; filename="leads.csv"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    return Request(
        "POST",
        f"{IMPORT}?{urlencode(query)}",
        content=head.encode() + file + f"\r\n--{boundary}--\r\n".encode(),
        headers={"content-type": f"multipart/form-data; boundary={boundary}"},
    )


def look(job: Job) -> Request:
    """The request of a step that reads: the job's state, its failures or warnings."""
    what = "" if job.step == "poll" else f"/{job.step}"
    return Request("GET", f"/bulk/v1/leads/batch/{job.vendor_id}{what}.json")


def advance(sync: Sync, rows: Sequence[Row], job: Job, response: Response) -> Move:
    """What the answer to a step means."""
    if job.step in {"failures", "warnings"} and not _is_json(response):
        return _read_file(sync, rows, job, response)
    if refused := answers.refusal(response):
        return _refused(rows, job, *refused)
    results = answers.read(response).get("result") or []
    if not results or not isinstance(results[0], dict):
        raise ValueError("not the state of an import: it has no result")
    state = results[0]
    if job.step == "start":
        return Move(job.at("poll", vendor_id=str(state["batchId"])), wait=POLL_SECONDS)
    return _look_at_state(rows, job, state)


def _look_at_state(rows: Sequence[Row], job: Job, state: Mapping[str, object]) -> Move:
    match state.get("status"):
        case "Queued" | "Importing":
            return Move(job, wait=POLL_SECONDS)
        case "Failed":
            # It has ended, so that a second import can't make a lead twice.
            return Move(job.at("done"), Verdict(advice=Advice.RESEND))
        case "Complete":
            processed, failed, warned = (
                int(str(state.get(name) or 0))
                for name in (
                    "numOfLeadsProcessed",
                    "numOfRowsFailed",
                    "numOfRowsWithWarning",
                )
            )
        case other:
            raise ValueError(f"an import has no such state: {other}")
    detail = {"processed": processed, "failed": failed, "warned": warned}
    if failed:
        return Move(job.at("failures", detail=detail))
    if warned:
        return Move(job.at("warnings", detail=detail))
    return _done(rows, job.at("done", detail=detail), {})


def _read_file(sync: Sync, rows: Sequence[Row], job: Job, response: Response) -> Move:
    """Read the failures or warnings: the file's lines, with a column for the reason.

    A row with a warning was imported, perhaps without one of its values. It counts as
    refused, so that it is seen and tried again.
    """
    code = "import_failed" if job.step == "failures" else "import_warning"
    reasons = _reasons(sync.match.field, response)
    outcomes = {
        row.seq: Outcome(State.REJECTED, code=code, message=reasons[row.key])
        for row in rows
        if row.key in reasons
    }
    refused = [*job.detail.get("refused", []), *outcomes]
    detail = {**job.detail, "refused": refused}
    if job.step == "failures" and job.detail["warned"]:
        return Move(job.at("warnings", detail=detail), Verdict(outcomes))
    return _done(rows, job.at("done", detail=detail), outcomes)


def _reasons(match_field: str, response: Response) -> dict[str, str]:
    """The reason by match key. It stands in the last column."""
    lines = csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline=""))
    names = [name.strip() for name in next(lines, [])]
    if match_field not in names:
        raise ValueError("not a list of rows: it has no column of the match field")
    place = names.index(match_field)
    return {cells[place]: cells[-1] for cells in lines if len(cells) > place}


def _done(rows: Sequence[Row], job: Job, outcomes: Mapping[int, Outcome]) -> Move:
    """End the job: rows that were not refused are done, if the sums agree."""
    refused = set(job.detail.get("refused", []))
    counted = job.detail["processed"] + job.detail["failed"]
    named = job.detail["failed"] + job.detail["warned"]
    if counted < len(rows) or len(refused) < named:
        return Move(job, Verdict(outcomes, Advice.IN_DOUBT))
    good = {row.seq: ACKNOWLEDGED for row in rows if row.seq not in refused}
    return Move(job, Verdict({**good, **outcomes}))


def _refused(rows: Sequence[Row], job: Job, code: str, message: str) -> Move:
    verdict = answers.judge(code, message, rows, repeatable=job.step != "start")
    if job.step == "start":
        ended = bool(verdict.outcomes) or verdict.advice is Advice.SPLIT
        return Move(job.at("done") if ended else job, verdict, verdict.wait or 0.0)
    if verdict.outcomes or verdict.advice is Advice.SPLIT:
        # Marketo knows the import no more: it keeps them for 7 days.
        return Move(job.at("done"), Verdict(advice=Advice.IN_DOUBT))
    return Move(job, verdict, verdict.wait or 0.0)


def _is_json(response: Response) -> bool:
    return response.status != 200 or response.content.lstrip()[:1] == b"{"
