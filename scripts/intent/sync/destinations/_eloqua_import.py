"""The Bulk API 2.0: rows are staged, then synced, as one asynchronous job.

The steps, which the ledger keeps: start (create the definition), data (stage one file
after the other), sync, poll, logs, rejects. Where it is in doubt whether a file was
staged, another definition is made: what was staged and is not synced does nothing, and
is deleted by itself. Where it is in doubt whether a sync was begun, it is looked for.

Source: https://docs.oracle.com/en/cloud/saas/marketing/eloqua-develop, the pages
Importing Data, Bulk API Limits, Import Characteristics and Sync Actions.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from intent.sync.destinations import _csv_files as files
from intent.sync.destinations import _eloqua_answers as answers
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
    Value,
    Verdict,
)
from intent.sync.spec import FieldType, Mode, Sync

BULK = "/api/bulk/2.0"
FILE_SIZE = 32_000_000
""""Hard limit of 32 MB per request ... Requests larger than 32 MB will fail by
returning a 404 Not Found response" (Bulk API Limits)."""
FILES = 2
"""Of one sync. "It is recommended to sync ... whenever approximately 250 MB" (likewise)
is more than should be in memory at once: two full files are half a million rows."""
ROWS = 1_000_000
MOST_FIELDS = 100  # "a maximum of 100 fields" (likewise), the match field among them
PAGE = 1_000  # rejects a page (Retrieve import sync failure data)
SLOWEST_POLL = 60.0
RESTARTS = 3
KEPT = "P7D"
"""How long definitions and what was staged are kept: as the ledger's jobs may be."""
RULES = {
    Mode.UPSERT: "createAndUpdate",
    Mode.MIRROR: "createAndUpdate",
    Mode.UPDATE_ONLY: "updateOnly",
    Mode.CREATE_ONLY: "createOnly",
}
"""importRule, since release 26B (What's New, Bulk API: Update Only or Create Only)."""
ACTIONS = {Op.JOIN: "add", Op.DROP: "remove"}
JSON = {"content-type": "application/json"}
CSV = {"content-type": "text/csv; charset=utf-8"}


# Files ------------------------------------------------------------------------------


def route_of(row: Row) -> str:
    """By what kind of definition a row goes."""
    if row.op in ACTIONS:
        return f"{ACTIONS[row.op]}:{row.values['list']}"
    return "leave" if row.op is Op.LEAVE else "upsert"


def columns_of(route: str, row: Row) -> tuple[str, ...]:
    """The columns of a file besides the match field.

    A blank cell unsets what is there, so that a field which a row leaves as it is can't
    have a column: rows with other fields go by another definition.
    """
    return () if ":" in route else tuple(row.values)


def to_eloqua(value: Value, kind: FieldType) -> Value:
    """A value of ours as files have it: moments without T and Z, in UTC."""
    if kind is FieldType.DATETIME and isinstance(value, str):
        return value.replace("T", " ").removesuffix("Z")
    return value


def line(row: Row, sync: Sync) -> bytes:
    """The line of a row."""
    cells = [files.quoted(row.key)]
    if row.op not in ACTIONS:
        cells += [
            files.to_cell(to_eloqua(value, sync.fields[name].type))
            for name, value in row.values.items()
        ]
    return files.line(cells)


def new_pile(
    route: str, columns: Sequence[str], sync: Sync, most_rows: int = ROWS
) -> files.Pile:
    """An empty import."""
    sizes = files.Sizes(most_rows, FILES, FILE_SIZE)
    return files.Pile(route, files.line([sync.match.field, *columns]), sizes)


def pack(rows: Iterable[Row], sync: Sync) -> Iterator[Part]:
    """Put rows with the same columns together, files as full as allowed."""
    piles: dict[tuple[str, tuple[str, ...]], files.Pile] = {}
    most = min(ROWS, sync.rows_at_once or ROWS)
    for row in rows:
        if row.op is Op.DELETE:
            yield Part([row], "delete")
            continue
        route = route_of(row)
        columns = columns_of(route, row)
        pile = piles.setdefault((route, columns), new_pile(route, columns, sync, most))
        told = line(row, sync)
        if not pile.has_room(len(told)):
            yield pile.cut()
        pile.add(row, told)
    for pile in piles.values():
        if pile.rows:
            yield pile.cut()


def files_of(part: Part, sync: Sync) -> Sequence[bytes]:
    """The files of a part: as packed, or made anew after a crash."""
    content = part.content
    if not content:
        pile = new_pile(part.route, columns_of(part.route, part.rows[0]), sync)
        for row in part.rows:
            pile.add(row, line(row, sync))
        content = pile.cut().content
    return content.split(files.BETWEEN)


# Steps ------------------------------------------------------------------------------


def definition(part: Part, sync: Sync) -> Request:
    """The request that creates the definition."""
    columns = columns_of(part.route, part.rows[0])
    action, _, list_id = part.route.partition(":")
    body: dict[str, Any] = {
        "name": f"intent {part.name}"[:100],
        "fields": {name: statement(name) for name in (sync.match.field, *columns)},
        "identifierFieldName": sync.match.field,
        "isSyncTriggeredOnImport": False,
    }
    if list_id:
        destination = f"{{{{ContactList[{list_id}]}}}}"
        body["syncActions"] = [{"action": action, "destination": destination}]
        return Request("POST", f"{BULK}/contacts/syncActions", orjson.dumps(body), JSON)
    rule = "updateOnly" if part.route == "leave" else RULES[sync.mode]
    body |= {"updateRule": "always", "importRule": rule}
    body |= {"dataRetentionDuration": KEPT, "autoDeleteDuration": KEPT}
    return Request("POST", f"{BULK}/contacts/imports", orjson.dumps(body), JSON)


def statement(name: str) -> str:
    """A field in Eloqua's markup language."""
    return f"{{{{Contact.Field({name})}}}}"


def step(part: Part, job: Job, sync: Sync) -> Request:
    """The request of a step after the first."""
    uri, sync_uri = job.vendor_id, str(job.detail.get("sync", ""))
    match job.step:
        case "data":
            file = files_of(part, sync)[int(job.detail["file"])]
            return Request("POST", f"{BULK}{uri}/data", file, CSV)
        case "sync":
            body = orjson.dumps({"syncedInstanceUri": uri})
            return Request("POST", f"{BULK}/syncs", body, JSON, lane="sync")
        case "find":
            query = f"orderBy=createdAt%20DESC&limit={PAGE}"
            return Request("GET", f"{BULK}/syncs?{query}")
        case "logs":
            return Request("GET", f"{BULK}{sync_uri}/logs?limit={PAGE}")
        case "rejects":
            offset = int(job.detail.get("offset", 0))
            query = f"limit={PAGE}&offset={offset}"
            return Request("GET", f"{BULK}{sync_uri}/rejects?{query}")
    return Request("GET", f"{BULK}{sync_uri}")


@dataclass(frozen=True)
class Import:
    """What an import is about, and how patient we are."""

    part: Part
    sync: Sync
    poll_seconds: float
    counts_all: bool
    """Fewer rows processed than staged: some were passed over."""


def doubt(job: Job) -> Job:
    """Where to carry on with an import whose step may have been done unnoticed."""
    if job.step == "data":
        return restarted(job)
    return job.at("find") if job.step == "sync" else job


def restarted(job: Job) -> Job:
    """Another definition in place of this one, but not for ever."""
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


def _refused(of: Import, job: Job, response: Response) -> Move:
    """A step is refused: because of its content, or what it is about is gone."""
    if job.step == "data":
        # 404 is also what a file gets that is too large, which ours are not.
        return Move(restarted(job))
    if job.vendor_id and response.status in {404, 410}:
        return Move(job.at("done"))
    if job.step in {"start", "sync"}:
        # It is about the fields, so that a part of the rows would fare no better.
        wrong = answers.rejection(response)
        return Move(job.at("done"), Verdict({row.seq: wrong for row in of.part.rows}))
    raise ValueError(f"a sync's state is not told: status {response.status}")


def _defined(of: Import, job: Job, response: Response) -> Move:
    del of
    uri = str(answers.read(response)["uri"])
    return Move(job.at("data", vendor_id=uri, detail={**job.detail, "file": 0}))


def _staged(of: Import, job: Job, response: Response) -> Move:
    if response.status != 204 or response.content:
        return Move(restarted(job))  # somebody else answered, perhaps in its place
    number = int(job.detail["file"]) + 1
    is_last = number == len(files_of(of.part, of.sync))
    detail = {**job.detail, "file": number}
    return Move(job.at("sync" if is_last else "data", detail=detail))


def _begun(of: Import, job: Job, response: Response) -> Move:
    uri = str(answers.read(response)["uri"])
    return Move(job.at("poll", detail={"sync": uri}), wait=of.poll_seconds)


def _found(of: Import, job: Job, response: Response) -> Move:
    """Whether a sync of the definition was begun after all."""
    for each in answers.items(response):
        if each.get("syncedInstanceUri") == job.vendor_id:
            detail = {"sync": str(each["uri"])}
            return Move(job.at("poll", detail=detail), wait=of.poll_seconds)
    return Move(job.at("sync"))


def _look_at(of: Import, job: Job, response: Response) -> Move:
    """What a sync's status means."""
    match answers.read(response).get("status"):
        case "pending" | "active":
            waited = float(job.detail.get("waited", 0.0))
            wait = min(max(of.poll_seconds, waited / 4), SLOWEST_POLL)
            detail = {**job.detail, "waited": waited + wait}
            return Move(job.at("poll", detail=detail), wait=wait)
        case "success" | "warning" as status:
            detail = {"sync": job.detail["sync"], "status": status}
            return Move(job.at("logs", detail=detail))
        case "error":
            return Move(job.at("done"))
        case other:
            raise ValueError(f"a sync has no such status: {other}")


def _read_logs(of: Import, job: Job, response: Response) -> Move:
    """How many rows were processed; which were rejected is told elsewhere."""
    counts = {
        each.get("statusCode"): int(each.get("count") or 0)
        for each in answers.items(response)
    }
    processed = counts.get(answers.PROCESSED, 0)
    job = job.at("rejects", detail={**job.detail, "processed": processed})
    if job.detail["status"] == "warning":
        return Move(job)
    return _done(of, job.at("done"), {})


def _read_rejects(of: Import, job: Job, response: Response) -> Move:
    """Read a page of rejects; they name their rows by the match field."""
    rows = {row.key.casefold(): row for row in of.part.rows}
    outcomes = {}
    found = answers.items(response)
    for told in found:
        key = str((told.get("fieldValues") or {}).get(of.sync.match.field, ""))
        if row := rows.get(key.casefold()):
            outcomes[row.seq] = answers.row_outcome(row, told)
    refused = [*job.detail.get("refused", []), *outcomes]
    detail = {**job.detail, "refused": refused}
    if answers.read(response).get("hasMore") and found:
        detail["offset"] = int(job.detail.get("offset", 0)) + len(found)
        return Move(job.at("rejects", detail=detail), Verdict(outcomes))
    return _done(of, job.at("done", detail=detail), outcomes)


def _done(of: Import, job: Job, outcomes: Mapping[int, Outcome]) -> Move:
    """End the import: rows that were not rejected are done, if the sums agree."""
    refused = set(job.detail.get("refused", []))
    if of.counts_all and int(job.detail["processed"]) < len(of.part.rows):
        known = dict.fromkeys(refused, ACKNOWLEDGED) | dict(outcomes)
        verdict = files.passed_over(of.part.rows, known)
        return Move(job, Verdict(outcomes, verdict.advice))
    good = {row.seq: ACKNOWLEDGED for row in of.part.rows if row.seq not in refused}
    return Move(job, Verdict({**good, **outcomes}))


READERS: Mapping[str, Callable[[Import, Job, Response], Move]] = {
    "start": _defined,
    "data": _staged,
    "sync": _begun,
    "find": _found,
    "logs": _read_logs,
    "rejects": _read_rejects,
}
"""By step, what the answer means; the others ask for the sync's status."""
