"""Bulk import: profiles as an asynchronous job.

Sources: the pages Bulk Import Profiles, Get Bulk Import Profiles Job(s) and Get Errors
for Bulk Import Profiles Job of Klaviyo's reference
(https://developers.klaviyo.com/en/reference, revision 2026-07-15).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import orjson

from intent.sync.destinations import _klaviyo_answers as answers
from intent.sync.model import (
    ACKNOWLEDGED,
    Advice,
    Job,
    Move,
    Outcome,
    Request,
    Response,
    Row,
    Verdict,
)

JOBS = "/api/profile-bulk-import-jobs"
BYTES = 5_000_000
"""Of a request: "The maximum allowed payload size is 5MB" (Bulk Import Profiles), taken
as 1,000,000 bytes each, to be safe."""
ROWS = 10_000  # "Accepts up to 10,000 profiles per request"
ROW_BYTES = 100_000  # "The maximum allowed payload size per-profile is 100KB"
PAGE = 100  # "page[size] Default: 20. Min: 1. Max: 100."
UNFINISHED = frozenset({"queued", "processing"})
SKEW = timedelta(minutes=1)
"""How far this machine's clock may be behind Klaviyo's."""
HEAD = b'{"data":{"type":"profile-bulk-import-job","attributes":{"profiles":{"data":['
TAIL = b"]}}}}"


def item(row: Row) -> bytes:
    """A row as a profile of an import.

    Fields are unset by name: "The Bulk Import Profiles API does not support setting
    fields to null to clear them" (guide Bulk Import Profiles API).
    """
    told: dict[str, Any] = {"email": row.key}
    values = row.values
    kept = {name: value for name, value in values.items() if value is not None}
    if kept:
        told["properties"] = kept
    profile: dict[str, Any] = {"type": "profile", "attributes": told}
    if len(kept) < len(values):
        unset = [name for name in values if name not in kept]
        profile["meta"] = {"patch_properties": {"unset": unset}}
    return orjson.dumps(profile)


def framed(items: Sequence[bytes]) -> bytes:
    """The body that holds encoded profiles."""
    return HEAD + b",".join(items) + TAIL


def unfinished() -> Request:
    """The imports that are not done, whoever began them, the oldest first."""
    states = quote('any(status,["queued","processing"])', safe="(),")
    return answers.ask(
        f"{JOBS}?filter={states}&sort=created_at&page%5Bsize%5D={PAGE}", "jobs"
    )


def overtakes(response: Response, planned_at: datetime) -> bool:
    """Imports of before are under way, which could end after those of this run.

    Raises:
        ValueError: the answer is no list of jobs.
    """
    return any(
        job["attributes"].get("status") in UNFINISHED
        and datetime.fromisoformat(job["attributes"]["created_at"]) <= planned_at + SKEW
        for job in answers.data_of(response, list)
    )


def upload(content: bytes, rows: int) -> Request:
    """The request that hands in an import."""
    return Request("POST", JOBS, content, answers.HEADERS, units=rows)


def look(job: Job) -> Request:
    """The request of a step that reads: the job's state, or its errors."""
    if job.step == "poll":
        return answers.ask(f"{JOBS}/{job.vendor_id}", "poll")
    path = f"{JOBS}/{job.vendor_id}/import-errors?page%5Bsize%5D={PAGE}"
    if cursor := job.detail.get("cursor"):
        path += f"&page%5Bcursor%5D={quote(cursor, safe='')}"
    return answers.ask(path, "errors")


def advance(
    rows: Sequence[Row], job: Job, response: Response, poll_seconds: float
) -> Move:
    """What the answer to a step means.

    Raises:
        ValueError: the answer is none that Klaviyo gives.
    """
    if trouble := answers.trouble_of(response):
        return Move(job, trouble)
    if job.step == "start":
        return started(rows, job, response, poll_seconds)
    if response.status == 404:
        # It is not known any more. To import profiles again does no harm.
        return Move(job.at("done"), Verdict(advice=Advice.RESEND))
    if response.status != 200:
        raise ValueError(f"the status {response.status} is not documented")
    if job.step == "poll":
        return looked_at(rows, job, response, poll_seconds)
    return read_errors(rows, job, response)


def started(
    rows: Sequence[Row], job: Job, response: Response, poll_seconds: float
) -> Move:
    """What the answer to the first step means."""
    if response.status == 202:
        vendor_id = str(answers.data_of(response, dict)["id"])
        detail = {"rows": len(rows)}
        return Move(
            job.at("poll", vendor_id=vendor_id, detail=detail), wait=poll_seconds
        )
    if response.status not in answers.INVALID:
        raise ValueError(f"the status {response.status} is not documented")
    errors = answers.errors_of(response)
    refused = {
        rows[place].seq: answers.rejected(error)
        for error in errors
        if (place := answers.place_of(error, len(rows))) is not None
    }
    if len(rows) == 1:
        refused = {rows[0].seq: answers.rejected(*errors[:1])}
    advice = Advice.RESEND if refused else Advice.SPLIT
    return Move(job.at("done"), Verdict(refused, advice))


def looked_at(
    rows: Sequence[Row], job: Job, response: Response, poll_seconds: float
) -> Move:
    """What the state of a job means."""
    state: Mapping[str, Any] = answers.data_of(response, dict)["attributes"]
    status = state["status"]
    if status in UNFINISHED:
        return Move(job, wait=poll_seconds)
    if status == "cancelled":
        return Move(job.at("done"), Verdict(advice=Advice.RESEND))
    if status != "complete":
        raise ValueError(f"an import has no such state: {status}")
    failed = int(state["failed_count"] or 0)
    done = int(state["completed_count"] or 0)
    detail = {**job.detail, "failed": failed, "done": done, "named": 0}
    job = job.at("errors" if failed else "done", detail=detail)
    return Move(job) if failed else ended(rows, job, {})


def read_errors(rows: Sequence[Row], job: Job, response: Response) -> Move:
    """Read a page of errors: each repeats the profile, or points at its place."""
    content = answers.content_of(response)
    by_key = {row.key.lower(): row for row in rows}
    is_whole = len(rows) == job.detail["rows"]
    outcomes: dict[int, Outcome] = {}
    errors = answers.data_of(response, list)
    for error in errors:
        told = error["attributes"]
        row = by_key.get(answers.email_in(told.get("original_payload")))
        place = answers.place_of(told, len(rows)) if is_whole else None
        if row is None and place is not None:
            row = rows[place]
        if row is None and len(rows) == 1 and is_whole:
            row = rows[0]
        if row is not None:
            outcomes[row.seq] = answers.rejected(told)
    detail = {**job.detail, "named": job.detail["named"] + len(outcomes)}
    following = (content.get("links") or {}).get("next")
    if following and errors:
        [cursor] = parse_qs(urlsplit(following).query)["page[cursor]"]
        return Move(
            job.at("errors", detail={**detail, "cursor": cursor}), Verdict(outcomes)
        )
    return ended(rows, job.at("done", detail=detail), outcomes)


def ended(rows: Sequence[Row], job: Job, outcomes: Mapping[int, Outcome]) -> Move:
    """End the job: rows that no error names are done, if the sums agree."""
    detail = job.detail
    is_unnamed = detail["named"] < detail["failed"]
    if is_unnamed or detail["done"] + detail["failed"] < detail["rows"]:
        # Some row was refused, or passed over, and we can't know which.
        is_one = len(rows) - len(outcomes) == 1
        return Move(job, Verdict(outcomes, Advice.RESEND if is_one else Advice.SPLIT))
    good = {row.seq: ACKNOWLEDGED for row in rows}
    return Move(job, Verdict({**good, **outcomes}))
