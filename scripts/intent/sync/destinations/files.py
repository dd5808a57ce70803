"""Files that other tools import: CSV, NDJSON or Parquet, in a folder or in S3.

Each part is a data file, and then its manifest. A reader takes the files that have a
manifest, in the order of their names.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

import orjson
from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from intent.errors import BadInputError
from intent.settings import find_project
from intent.sync.adapter import Adapter
from intent.sync.destinations._files_formats import FORMATS, Column
from intent.sync.load import at
from intent.sync.model import (
    ACKNOWLEDGED,
    RECORD_OPS,
    Advice,
    Job,
    Limits,
    Move,
    Op,
    Part,
    RemoteField,
    Request,
    Response,
    Row,
    Value,
    Verdict,
)
from intent.sync.options import Options, read_options
from intent.sync.secrets import Settings
from intent.sync.spec import Mode, Sync

LARGEST = 64 * 1024 * 1024
"""Bytes of a file, about: a worker has it in memory."""
RECORDS, CHANGES = "records", "changes"
OP, UNSET = "op", "unset"
CHANGE_COLUMNS = (
    *("event", "event_id", "from_segment", "to_segment", "changed_at", "list"),
)
MANIFEST = "manifest"
LARGEST_INTEGER = 2**63 - 1


class FilesSettings(Settings):
    """Where files are put."""

    model_config = SettingsConfigDict(env_prefix="INTENT_FILES_")

    folder: Path | None = Field(
        default=None,
        description="The folder; `data/exports` in the project if nothing is set.",
    )
    url: str | None = Field(
        default=None,
        description="Or a place in S3, such as `s3://bucket/prefix`. Who we are is "
        "told by the usual variables: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, "
        "AWS_REGION ...",
    )

    @field_validator("folder", "url", mode="before")
    @classmethod
    def _none_if_blank(cls, value: object) -> object:
        return value or None

    @field_validator("url")
    @classmethod
    def _is_s3(cls, value: str | None) -> str | None:
        if value and not (value.startswith("s3://") and value.strip("/") != "s3:"):
            raise ValueError("a place in S3 looks like s3://bucket/prefix")
        return value

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if self.folder and self.url:
            raise ValueError("INTENT_FILES_FOLDER and _URL are both set: which one?")
        return self


class FilesOptions(Options):
    """What a sync to files may choose."""

    format: Literal["csv", "ndjson", "parquet"] = "csv"
    rows: int = Field(default=50_000, ge=1, le=1_000_000)
    """Rows in a file, at most."""


class Files(Adapter[FilesSettings]):
    """Files of one sync."""

    name = "files"
    settings = FilesSettings
    hosts = ()
    channel = "files"
    native_modes = frozenset(Mode)
    """The manifest says the mode: who imports the files has to keep it."""
    job_requests = 2  # the file and its manifest
    native_leave = True

    def __init__(
        self, sync: Sync, settings: FilesSettings, planned_at: datetime
    ) -> None:
        """Make the adapter of one run of a sync.

        Raises:
            BadInputError: an option is wrong, or a field has the name of a column that
                the files have anyway.
        """
        super().__init__(sync, settings, planned_at)
        self.options = read_options(sync, FilesOptions)
        taken = {OP, UNSET, sync.match.field} & {*sync.fields}
        if sync.match.field in (OP, UNSET, *CHANGE_COLUMNS) or taken:
            raise BadInputError(
                f"{at(sync, 'fields' if taken else 'match')}: the files have a column "
                f"of their own called {', '.join(sorted(taken)) or sync.match.field}. "
                "Call the field something else."
            )
        text = [Column(OP), Column(sync.match.field)]
        fields = [Column(name, rule.type) for name, rule in sync.fields.items()]
        is_json = self.options.format == "ndjson"
        self._columns = {
            RECORDS: [*text, *fields, *([] if is_json else [Column(UNSET)])],
            CHANGES: [*text, *map(Column, CHANGE_COLUMNS)],
        }

    @property
    def address(self) -> str:
        """The folder, or the place in S3."""
        if self.config.url:
            return self.config.url.rstrip("/")
        return exports_folder(self.config).as_uri()

    @property
    def limits(self) -> Limits:
        """What the sync's options say."""
        return Limits(
            rows=min(self.options.rows, self.sync.rows_at_once or self.options.rows),
            size=LARGEST,
            concurrent=2,
        )

    def authorise(
        self, request: Request, token: str | None, now: datetime
    ) -> Mapping[str, str]:
        """Nothing: the channel knows who we are."""
        del request, token, now
        return {}

    # Writing -----------------------------------------------------------------------

    def pack(self, rows: Iterable[Row]) -> Iterator[Part]:
        """So many rows, or bytes; changes of segments in files of their own."""
        gathered: list[Row] = []
        size, route = 0, ""
        for row in rows:
            row_size = len(orjson.dumps(dict(row.values)))
            is_full = len(gathered) >= self.limits.rows or size + row_size > LARGEST
            if gathered and (is_full or route != route_of(row)):
                yield Part(gathered, route)
                gathered, size = [], 0
            gathered.append(row)
            size, route = size + row_size, route_of(row)
        if gathered:
            yield Part(gathered, route)

    def refuse(self, row: Row) -> str | None:
        """Rows that can't be written in every format."""
        for value in row.values.values():
            if isinstance(value, str) and not is_unicode(value):
                return "a text holds half a character (a lone surrogate)"
            if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
                return "a whole number is too large for 64 bits"
        return None

    def is_job(self, part: Part) -> bool:
        """Always: a data file, then its manifest."""
        del part
        return True

    def request(self, part: Part) -> Request:
        """The first step of the job."""
        return self.step(part, Job())

    def classify(self, part: Part, response: Response) -> Verdict:
        """Not asked for: parts are jobs."""
        raise NotImplementedError

    def step(self, part: Part, job: Job) -> Request:
        """The data file, then the manifest; both can be written once more."""
        if is_written(part, job):
            return Request(
                "PUT", f"/{self._path(part)}.json", self._manifest(part, job)
            )
        columns = self._columns[part.route]
        records = [self._record(row, part.route) for row in part.rows]
        content = FORMATS[self.options.format](columns, records)
        return Request("PUT", f"/{self._path(part)}.{self.options.format}", content)

    def advance(self, part: Part, job: Job, response: Response) -> Move:
        """The data file is there, or the manifest, and with it all rows."""
        if refusal := refused(response):
            return Move(job, refusal)
        if is_written(part, job):
            outcomes = {row.seq: ACKNOWLEDGED for row in part.rows}
            return Move(job.at("done"), Verdict(outcomes))
        detail = {"rows": len(part.rows), "sha256": response.headers["etag"]}
        return Move(job.at(MANIFEST, detail=detail))

    def _path(self, part: Part) -> str:
        return f"{self.sync.name}/{part.name}"

    def _record(self, row: Row, route: str) -> Mapping[str, Value]:
        """A row by the columns of its file."""
        record: dict[str, Value] = {OP: row.op.value, self.sync.match.field: row.key}
        if route == CHANGES:
            changes = self.sync.segment_changes
            is_event = row.op is Op.EVENT
            told: Mapping[str, Value] = {
                "event": changes.event if changes and is_event else None,
                "event_id": row.event_id,
                "from_segment": row.values.get("from"),
                "to_segment": row.values.get("to"),
                "changed_at": row.values.get("at"),
                "list": row.values.get("list"),
            }
            return record | {k: v for k, v in told.items() if v is not None}
        unset = [name for name, value in row.values.items() if value is None]
        return record | dict(row.values) | {UNSET: ";".join(unset) or None}

    def _manifest(self, part: Part, job: Job) -> bytes:
        """What a reader needs to know of a data file."""
        extension = self.options.format
        return orjson.dumps(
            {
                "run": part.name.rsplit("-", 2)[0],
                "sync": self.sync.name,
                "object": self.sync.object,
                "mode": self.sync.mode,
                "kind": part.route,
                "file": f"{part.name}.{extension}",
                "format": extension,
                "rows": job.detail["rows"],
                "sha256": job.detail["sha256"],
                "match_field": self.sync.match.field,
                "columns": [
                    {"name": column.name, "type": column.type}
                    for column in self._columns[part.route]
                ],
                "created": self.planned_at.astimezone(UTC).strftime(
                    "%Y-%m-%dT%H:%M:%SZ"
                ),
            },
            option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
        )

    # Reading -----------------------------------------------------------------------

    def describe_requests(self) -> Sequence[Request]:
        """A look at the folder."""
        return [Request("HEAD", f"/{self.sync.name}/")]

    def refuses(self, response: Response) -> Verdict | None:
        """What an answer means that is none of success."""
        return refused(response)

    def read_fields(
        self, responses: Sequence[Response]
    ) -> Mapping[str, RemoteField] | None:
        """None: files have the columns that the sync names."""
        del responses
        return None

    # Set-up ------------------------------------------------------------------------

    def setup(self) -> Sequence[str]:
        """The folder, or the bucket."""
        return [
            "Nothing, for files in `data/exports`. For another folder set "
            "INTENT_FILES_FOLDER; its group may read what is written there.",
            "For S3 set INTENT_FILES_URL to s3://bucket/prefix, install "
            "'intent-scoring[s3]', and give the AWS identity s3:PutObject on the "
            "prefix and s3:ListBucket on the bucket.",
            "The tool that imports takes the data files that have a manifest, in the "
            "order of their names: docs/destinations/files.md.",
        ]


def exports_folder(config: FilesSettings) -> Path:
    """The folder that files are put into, if they don't go to S3."""
    folder = config.folder or find_project(Path.cwd()) / "data" / "exports"
    return folder.absolute()


def route_of(row: Row) -> str:
    """The kind of file that a row goes into."""
    return RECORDS if row.op in RECORD_OPS else CHANGES


def is_written(part: Part, job: Job) -> bool:
    """The data file of a job is there, with these rows and no others."""
    return job.step == MANIFEST and job.detail.get("rows") == len(part.rows)


def is_unicode(text: str) -> bool:
    """A text can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def refused(response: Response) -> Verdict | None:
    """What an answer means that is none of success.

    Raises:
        ValueError: it is no answer that the channel gives.
    """
    if response.is_fine:
        return None
    words = {
        403: "The files can't be written there. Check INTENT_FILES_FOLDER or "
        "INTENT_FILES_URL, and the rights.",
        404: "There is no such bucket. Check INTENT_FILES_URL and AWS_REGION.",
    }
    if response.status not in words:
        raise ValueError(f"the status {response.status} means nothing here")
    return Verdict(advice=Advice.REFUSED, message=words[response.status])


ADAPTER = Files
