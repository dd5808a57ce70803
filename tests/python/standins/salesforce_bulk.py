"""Bulk API 2.0 of the org that stands in: jobs and their files."""

import base64
import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from standins.kit import Answer, Call, Fields
from standins.salesforce_schema import Refusal, from_cell

if TYPE_CHECKING:
    from standins.salesforce import SalesforceStandIn

LARGEST = 150_000_000
"""Bytes of a file, in base64."""
LONGEST_CELL = 32_000
ENDED = ("JobComplete", "Failed", "Aborted")
RUNNING = ("UploadComplete", "InProgress")
FILES = ("successfulResults", "failedResults", "unprocessedrecords")
Line = dict[str, str]


@dataclass
class Job:
    """A job, and what became of its lines."""

    id: str
    object: str
    operation: str
    key: str
    state: str = "Open"
    content: bytes | None = None
    message: str = ""
    looks: int = 0
    fails_after: int | None = None
    is_stuck: bool = False
    done: list[Line] = field(default_factory=list)
    failed: list[Line] = field(default_factory=list)
    left: list[Line] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """As it is told."""
        processed = len(self.done) + len(self.failed)
        return {
            "id": self.id,
            "object": self.object,
            "operation": self.operation,
            "state": self.state,
            "numberRecordsProcessed": processed,
            "numberRecordsFailed": len(self.failed),
            **({"errorMessage": self.message} if self.message else {}),
        }


def wrong(code: str, message: str, status: int = 400) -> Answer:
    return Answer(status, [{"errorCode": code, "message": message}])


def create(org: "SalesforceStandIn", call: Call) -> Answer:
    """Create a job."""
    body = call.json()
    kind, operation = body.get("object"), body.get("operation")
    key = body.get("externalIdFieldName", "Id")
    if kind not in org.schema:
        return wrong("INVALIDENTITY", f"Unable to find object: {kind}")
    if operation not in ("insert", "update", "upsert", "delete"):
        return wrong("INVALIDOPERATION", "no such operation")
    if operation == "upsert":
        fields = org.schema[kind]
        if key not in fields or not fields[key].external_id:
            return wrong("INVALIDJOB", f"{key} is no external id of {kind}")
    if (body.get("lineEnding"), body.get("columnDelimiter")) != ("LF", "COMMA"):
        return wrong("INVALIDJOB", "this stand-in reads LF and COMMA only")
    name = f"750{len(org.jobs) + org.authentications * 1000:012d}AAA"
    while name in org.jobs:
        name = f"{int(name[3:15]) + 1:012d}".join(("750", "AAA"))
    job = Job(name, kind, operation, key)
    if org.failing:
        job.fails_after = org.failing.pop(0)
    elif org.stuck:
        org.stuck -= 1
        job.is_stuck = True
    org.jobs[name] = job
    return Answer(200, {**job.told(), "contentUrl": f"{call.path}/{name}/batches"})


def find(org: "SalesforceStandIn", call: Call) -> Job | None:
    return org.jobs.get(call.found["job"])


def missing() -> Answer:
    return wrong("NOT_FOUND", "The requested resource does not exist", 404)


def upload(org: "SalesforceStandIn", call: Call) -> Answer:
    """Take the file of a job; one for each."""
    job = find(org, call)
    if job is None:
        return missing()
    if job.state != "Open" or job.content is not None:
        return wrong("INVALIDJOBSTATE", "data was uploaded for this job already")
    if not call.headers.get("content-type", "").startswith("text/csv"):
        return wrong("INVALIDBATCH", "content type must be text/csv", 415)
    if len(call.body) > LARGEST or len(base64.b64encode(call.body)) > LARGEST:
        return wrong("INVALIDBATCH", "the file is too large", 413)
    job.content = call.body
    return Answer(201)


def change(org: "SalesforceStandIn", call: Call) -> Answer:
    """Close or abort a job."""
    job = find(org, call)
    if job is None:
        return missing()
    state = call.json().get("state")
    if state == "UploadComplete" and job.state == "Open":
        if job.content is None:
            return wrong("INVALIDJOBSTATE", "no data was uploaded")
        job.state = "UploadComplete"
    elif state == "Aborted" and job.state not in ENDED:
        if job.state in RUNNING:
            job.left = read(job)[1]
        job.state = "Aborted"
    else:
        return wrong("INVALIDJOBSTATE", f"a job in state {job.state} can't be {state}")
    return Answer(200, job.told())


def look(org: "SalesforceStandIn", call: Call) -> Answer:
    """Tell how a job is; it goes on meanwhile."""
    job = find(org, call)
    if job is None:
        return missing()
    if job.state in RUNNING:
        job.looks += 1
        job.state = "InProgress"
        if job.looks > org.looks_until_done and not job.is_stuck:
            process(org, job)
    return Answer(200, job.told())


def read(job: Job) -> tuple[list[str], list[Line]]:
    """The lines of a job's file."""
    text = (job.content or b"").decode()
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    names = next(lines, [])
    return names, [dict(zip(names, line, strict=True)) for line in lines]


def process(org: "SalesforceStandIn", job: Job) -> None:
    """Do what a job asks for."""
    try:
        names, lines = read(job)
    except (ValueError, csv.Error):
        job.state, job.message = "Failed", "ClientInputError : the file is no CSV"
        return
    unknown = [name for name in names if name not in org.schema[job.object]]
    if unknown or job.key not in names:
        what = ", ".join(unknown) or job.key
        job.state = "Failed"
        job.message = f"InvalidBatch : Field name not found : {what}"
        job.left = lines
        return
    org.random.shuffle(lines)
    most = len(lines) if job.fails_after is None else job.fails_after
    if org.bulk_records_left is not None and org.bulk_records_left < len(lines):
        most = min(most, org.bulk_records_left)
        job.message = "ExceededQuota : daily record limit exceeded"
    for line in lines[:most]:
        write(org, job, line)
    job.left = lines[most:]
    job.state = "Failed" if job.left else "JobComplete"
    if org.bulk_records_left is not None:
        org.bulk_records_left -= most
    if job.left and not job.message:
        job.message = "TooManyRetries : the batch was tried 20 times"


def write(org: "SalesforceStandIn", job: Job, line: Line) -> None:
    """Write the record of a line."""
    if org.is_omitted(org.key_of(line[job.key])):
        return
    try:
        values: Fields = {}
        for name, cell in line.items():
            if len(cell) > LONGEST_CELL:
                raise Refusal("STRING_TOO_LONG", "field is too long", fields=[name])
            if cell and name != "Id":
                values[name] = from_cell(name, org.schema[job.object][name], cell)
        if job.operation == "upsert":
            record_id, created = org.upsert_one(job.object, job.key, values)
        elif job.operation == "update":
            record_id, created = org.write(job.object, line["Id"], values)
        else:
            raise Refusal("INVALIDOPERATION", "is not stood in for")
    except Refusal as refusal:
        told = {"sf__Id": line.get("Id", ""), "sf__Error": refusal.line()}
        job.failed.append({**told, **line})
        return
    told = {"sf__Id": record_id, "sf__Created": str(created).lower()}
    job.done.append({**told, **line})


def results(org: "SalesforceStandIn", call: Call) -> Answer:
    """A file of results, in no order."""
    job = find(org, call)
    if job is None or call.found["file"] not in FILES:
        return missing()
    if job.state not in ENDED:
        return wrong("INVALIDJOBSTATE", "the job is not done")
    name = call.found["file"]
    lines = dict(zip(FILES, (job.done, job.failed, job.left), strict=True))[name]
    extra = {
        "successfulResults": ["sf__Id", "sf__Created"],
        "failedResults": ["sf__Id", "sf__Error"],
        "unprocessedrecords": [],
    }[name]
    columns = read(job)[0] if job.content else []
    text = io.StringIO()
    writer = csv.DictWriter(
        text, [*extra, *columns], quoting=csv.QUOTE_ALL, lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(org.random.sample(lines, len(lines)))
    return Answer(200, text.getvalue().encode(), {"Content-Type": "text/csv"})
