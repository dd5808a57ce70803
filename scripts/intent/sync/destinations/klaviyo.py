"""Klaviyo: profiles by bulk import jobs, changes of the segment as events.

The facts are from Klaviyo's OpenAPI document, revision 2026-07-15
(https://github.com/klaviyo/openapi), and its guides; docs/destinations/klaviyo.md names
each with its source, and what could not be verified.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

import orjson
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from intent.errors import BadInputError
from intent.sync.adapter import Adapter
from intent.sync.destinations import _klaviyo_answers as answers
from intent.sync.destinations import _klaviyo_import as imports
from intent.sync.load import at
from intent.sync.model import (
    ACKNOWLEDGED,
    Advice,
    Job,
    Limits,
    Move,
    Op,
    Part,
    RemoteField,
    RemoteRecord,
    Request,
    Response,
    Row,
    Verdict,
    Window,
)
from intent.sync.options import Options, read_options
from intent.sync.secrets import Settings
from intent.sync.spec import Mode, Sync

DELETIONS = "/api/data-privacy-deletion-jobs"
EVENTS = "/api/events"
PROFILES = "/api/profiles"
JOBS_AT_ONCE = 24
"""With a look after five seconds, 150 a minute take 13. The others are for imports that
are written down, packed, or sent again meanwhile. No page names a limit."""
LOOKUP_ROWS = imports.PAGE
METRIC_LENGTH = 127  # "Name of the event. Must be less than 128 characters."
ATTRIBUTES = frozenset(
    {
        *("email", "phone_number", "external_id", "_kx", "anonymous_id", "first_name"),
        *("last_name", "organization", "locale", "title", "image", "location"),
    }
)
"""Profiles have these of their own. They can't be cleared by an import."""


def per(second: int, minute: int) -> Sequence[Window]:
    """Both limits of an endpoint: "burst (1-second window) and steady (1-minute)".

    Of the burst no more than half is used. The steady limit is far lower anyway, and
    requests that a busy line holds up may arrive closer together than they were sent.
    """
    return (Window((second + 1) // 2, 1.0), Window(minute, 60.0))


WINDOWS = {
    "write": per(10, 150),  # Bulk Import Profiles: "Burst: 10/s Steady: 150/m"
    "poll": per(10, 150),  # Get Bulk Import Profiles Job
    "jobs": per(10, 150),  # Get Bulk Import Profiles Jobs
    "errors": per(10, 150),  # Get Errors for Bulk Import Profiles Job
    "events": per(350, 3_500),  # Create Event
    "deletions": per(3, 60),  # Request Profile Deletion
    "profiles": per(75, 700),  # Get Profiles: 750/m; 700 in older revisions
}


class KlaviyoSettings(Settings):
    """The key of the account."""

    model_config = SettingsConfigDict(env_prefix="INTENT_KLAVIYO_")

    api_key: SecretStr
    """A private API key."""
    url: str | None = None
    """Another address of the API, for tests."""


class KlaviyoOptions(Options):
    """What a sync to Klaviyo may choose."""

    read_back: bool = False
    """Profiles are looked up by their addresses, which then stand in URLs."""
    poll_seconds: float = Field(default=5.0, ge=0)
    """Between two looks at the state of an import."""


class Klaviyo(Adapter[KlaviyoSettings]):
    """Klaviyo, for one sync."""

    name = "klaviyo"
    settings = KlaviyoSettings
    hosts = ("a.klaviyo.com",)
    native_modes = frozenset({Mode.UPSERT, Mode.MIRROR})
    job_requests = 2  # upload, look

    def __init__(
        self, sync: Sync, settings: KlaviyoSettings, planned_at: datetime
    ) -> None:
        """Make the adapter of one run of a sync.

        Raises:
            BadInputError: the sync asks for something that Klaviyo has not.
        """
        super().__init__(sync, settings, planned_at)
        self.options = read_options(sync, KlaviyoOptions)
        check_sync(sync, self.options)
        self.lookup_rows = LOOKUP_ROWS if self.options.read_back else 0
        # By an import a profile may come into being; it is looked up first, if it can.
        self.native_leave = not self.options.read_back
        self._limits = Limits(
            rows=min(imports.ROWS, sync.rows_at_once or imports.ROWS),
            size=imports.BYTES,
            row_size=imports.ROW_BYTES,
            windows=WINDOWS,
            jobs_at_once=JOBS_AT_ONCE,
        )

    @property
    def address(self) -> str:
        """The API, the same for all accounts."""
        return self.config.url or "https://a.klaviyo.com"

    @property
    def limits(self) -> Limits:
        """Bytes and profiles of an import, and calls of each kind."""
        return self._limits

    def authorise(
        self, request: Request, token: str | None, now: datetime
    ) -> Mapping[str, str]:
        """The private key."""
        del request, token, now
        key = self.config.api_key.get_secret_value()
        return {"authorization": f"Klaviyo-API-Key {key}"}

    # Writing -----------------------------------------------------------------------

    def pack(self, rows: Iterable[Row]) -> Iterator[Part]:
        """Fill imports to the byte; deletions and events go one by one."""
        held: list[Row] = []
        items: list[bytes] = []
        empty = left = imports.BYTES - len(imports.framed(()))
        for row in rows:
            if row.op in (Op.DELETE, Op.EVENT):
                yield Part((row,), str(row.op))
                continue
            item = imports.item(row)
            if held and (len(item) > left or len(held) >= self._limits.rows):
                yield Part(held, "import", imports.framed(items))
                held, items, left = [], [], empty
            held.append(row)
            items.append(item)
            left -= len(item) + 1  # and a comma
        if held:
            yield Part(held, "import", imports.framed(items))

    def refuse(self, row: Row) -> str | None:
        """Rows that are too large."""
        told = orjson.dumps((row.key, row.values))
        if len(told) < imports.ROW_BYTES // 2:  # a profile has few names besides
            return None
        if len(imports.item(row)) <= imports.ROW_BYTES:
            return None
        return f"all fields together are more than {imports.ROW_BYTES:,} bytes"

    def is_job(self, part: Part) -> bool:
        """Imports are jobs."""
        return part.route == "import"

    def request(self, part: Part) -> Request:
        """The request that sends a part."""
        if self.is_job(part):
            content = part.content or imports.framed([*map(imports.item, part.rows)])
            return imports.upload(content, len(part.rows))
        [row] = part.rows
        is_event = row.op is Op.EVENT
        return Request(
            "POST",
            EVENTS if is_event else DELETIONS,
            orjson.dumps({"data": self._event(row) if is_event else deletion_of(row)}),
            answers.HEADERS,
            lane="events" if is_event else "deletions",
        )

    def classify(self, part: Part, response: Response) -> Verdict:
        """An event or a deletion was accepted, or was not."""
        if trouble := answers.trouble_of(response):
            return trouble
        [row] = part.rows
        is_gone = row.op is Op.DELETE and response.status == 404
        if response.status == 202 or is_gone:
            return Verdict({row.seq: ACKNOWLEDGED})
        if response.status not in answers.INVALID:
            raise ValueError(f"the status {response.status} is not documented")
        return Verdict({row.seq: answers.rejected(*answers.errors_of(response)[:1])})

    def step(self, part: Part, job: Job) -> Request:
        """The request of an import's next step."""
        return self.request(part) if job.step == "start" else imports.look(job)

    def advance(self, part: Part, job: Job, response: Response) -> Move:
        """What the answer to a step means."""
        return imports.advance(part.rows, job, response, self.options.poll_seconds)

    def _event(self, row: Row) -> dict[str, object]:
        """A change of the segment as an event.

        "If the unique_id is repeated for the same profile and metric, only the first
        processed event will be recorded" (Create Event).
        """
        changes = self.sync.segment_changes
        return {
            "type": "event",
            "attributes": {
                "unique_id": row.event_id,
                "time": row.values.get("at"),
                "properties": {name: row.values.get(name) for name in ("from", "to")},
                "metric": {
                    "data": {
                        "type": "metric",
                        "attributes": {"name": changes.event if changes else ""},
                    }
                },
                "profile": {
                    "data": {"type": "profile", "attributes": {"email": row.key}}
                },
            },
        }

    # Reading -----------------------------------------------------------------------

    def describe_requests(self) -> Sequence[Request]:
        """The imports that are under way; they also prove the key."""
        return [imports.unfinished()]

    def refuses(self, response: Response) -> Verdict | None:
        """Imports of before have to end first: Klaviyo promises no order of jobs.

        One may be there that we don't know of, as its answer was lost.
        """
        if trouble := answers.trouble_of(response):
            return trouble
        if response.status != 200:
            raise ValueError(f"the status {response.status} is not documented")
        if imports.overtakes(response, self.planned_at):
            return Verdict(advice=Advice.RESEND, wait=self.options.poll_seconds)
        return None

    def read_fields(
        self, responses: Sequence[Response]
    ) -> Mapping[str, RemoteField] | None:
        """None: profiles have any properties."""
        del responses
        return None

    def lookup(self, keys: Sequence[str], fields: Sequence[str]) -> Request:
        """Profiles by their addresses, which Klaviyo takes in the URL only."""
        del fields
        emails = orjson.dumps(list(keys)).decode()
        return answers.ask(
            f"{PROFILES}?filter={quote(f'any(email,{emails})', safe='(),')}"
            "&fields%5Bprofile%5D=email,properties"
            f"&page%5Bsize%5D={LOOKUP_ROWS}",
            "profiles",
        )

    def read_lookup(
        self, keys: Sequence[str], fields: Sequence[str], response: Response
    ) -> Mapping[str, RemoteRecord] | Verdict:
        """The profiles that there are."""
        if trouble := answers.trouble_of(response):
            return trouble
        if response.status in answers.INVALID and len(keys) > 1:
            return Verdict(advice=Advice.SPLIT)
        ours = {key.lower(): key for key in keys}
        records = {}
        for profile in answers.data_of(response, list):
            attributes = profile["attributes"]
            if key := ours.get(str(attributes.get("email")).lower()):
                properties = attributes.get("properties") or {}
                values = {name: properties.get(name) for name in fields}
                records[key] = RemoteRecord(str(profile["id"]), values)
        return records

    # Set-up ------------------------------------------------------------------------

    def setup(self) -> Sequence[str]:
        """A key; properties come into being when they are first written."""
        changes = self.sync.segment_changes
        scopes = ["profiles:write", "profiles:read", "lists:write", "lists:read"]
        scopes += ["data-privacy:write", *(["events:write"] if changes else [])]
        lines = [
            "Settings > API keys > Create Private API Key, with custom scopes: "
            f"{', '.join(scopes)}. It is INTENT_KLAVIYO_API_KEY.",
            "Nothing is to be created for properties. They will be: "
            + ", ".join(
                f"{name} ({rule.type})" for name, rule in self.sync.fields.items()
            )
            + ".",
            "Audience > Lists & segments: segments by these properties follow by "
            "themselves, such as: intent_segment equals hot.",
        ]
        if changes:
            lines.append(
                f"Flows can start by the metric {changes.event}, whose properties are "
                "from and to. It is there when the first one was told."
            )
        return lines


def deletion_of(row: Row) -> dict[str, object]:
    """The erasure of whoever has an address."""
    profile = {"type": "profile", "attributes": {"email": row.key}}
    return {
        "type": "data-privacy-deletion-job",
        "attributes": {"profile": {"data": profile}},
    }


def check_sync(sync: Sync, options: KlaviyoOptions) -> None:
    """Make sure that Klaviyo has what a sync asks for.

    Raises:
        BadInputError: it has not.
    """
    changes = sync.segment_changes
    own = sorted(name for name in sync.fields if name in ATTRIBUTES or name[:1] == "$")
    faults = {
        "object: Klaviyo knows `profile` only here": sync.object != "profile",
        "match.field: profiles are found by `email`, with `ignore_case: true`": (
            sync.match.field != "email" or not sync.match.ignore_case
        ),
        f"fields: {', '.join(own)}: only custom properties are written": bool(own),
        "segment_changes.as: lists are left by profile ids only, which imports don't "
        "tell; make segments of Klaviyo's own by the property of the segment instead": (
            changes is not None and changes.told_as == "lists"
        ),
        "segment_changes.event: the name of a metric has less than 128 characters": (
            changes is not None and len(changes.event) > METRIC_LENGTH
        ),
        f"mode: `{sync.mode}` needs `options: {{read_back: true}}`": (
            sync.mode not in Klaviyo.native_modes and not options.read_back
        ),
    }
    found = [fault.partition(": ") for fault, is_there in faults.items() if is_there]
    if found:
        raise BadInputError(
            "\n".join(f"{at(sync, *key.split('.'))}: {why}" for key, _, why in found)
        )


ADAPTER = Klaviyo
