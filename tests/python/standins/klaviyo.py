"""Klaviyo, as its OpenAPI document of revision 2026-07-15 and its guides have it.

https://developers.klaviyo.com/en/reference. Imports finish later than they are
accepted, and in any order: one that was handed in later may be applied earlier. What
documents leave open is taken the way that is harder to live with.
"""

import re
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from intent.sync.spec import Mode

from standins.case import Case, Told
from standins.kit import Answer, Call, Fields, RateWindow, Route, StandIn, Value, serve

API_KEY = "pk_4711_private_key_of_klaviyo"
REVISION = re.compile(r"20\d\d-\d\d-\d\d")
JOBS = "/api/profile-bulk-import-jobs"
LARGEST_BODY = 5_000_000
LARGEST_PROFILE = 100_000
MOST_PROFILES = 10_000
LONGEST_METRIC = 127
PAGE = 100
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
OWN = {"email", "phone_number", "external_id", "first_name", "last_name", "properties"}


@dataclass
class Profile:
    """A profile."""

    id: str
    email: str
    properties: Fields = field(default_factory=dict)


@dataclass
class Job:
    """An import."""

    id: str
    profiles: list[dict[str, Any]]
    """Until it is done."""
    created_at: str
    ends_at: float
    total: int = 0
    status: str = "queued"
    completed: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    is_to_be_cancelled: bool = False

    @property
    def is_unfinished(self) -> bool:
        return self.status in ("queued", "processing")


class KlaviyoStandIn(StandIn):
    """An account of Klaviyo."""

    def __init__(self, latency: float = 0.0, seed: int = 0, port: int = 0) -> None:
        super().__init__(latency, seed, port)
        self.windows = [
            window
            for name, method, path, second, minute in RATES
            for window in per(name, method, path, second, minute)
        ]
        self.import_seconds = 0.02
        """How long an import takes at most, whatever its size."""
        self.hides_payloads = False
        """Errors don't repeat the profile: `original_payload` may be null."""
        self.names_places = True
        """Errors of imports point at the place of the profile."""
        self.imports_that_are_cancelled = 0
        self.races: set[str] = set()
        """Addresses that were in two imports at a time."""
        self.profiles: dict[str, Profile] = {}
        self.jobs: dict[str, Job] = {}
        self.told: list[dict[str, Any]] = []
        self.repeated_events = 0
        self.deleted: list[str] = []
        self._event_ids: set[tuple[str, str, str]] = set()
        self._parsed: tuple[bytes, Any] = (b"", None)

    def routes(self) -> Sequence[Route]:
        return [
            ("POST", JOBS, self.start_import),
            ("GET", JOBS, self.list_imports),
            ("GET", f"{JOBS}/(?P<id>[^/]+)", self.import_state),
            ("GET", f"{JOBS}/(?P<id>[^/]+)/import-errors", self.import_errors),
            ("POST", "/api/data-privacy-deletion-jobs", self.delete),
            ("POST", "/api/events", self.add_event),
            ("GET", "/api/profiles", self.find_profiles),
        ]

    # What all calls have ------------------------------------------------------------

    def authorise(self, call: Call) -> Answer | None:
        wanted = f"Klaviyo-API-Key {API_KEY}"
        if self.is_revoked or call.headers.get("authorization") != wanted:
            return failure(401, "not_authenticated", "Missing or invalid private key.")
        if not REVISION.fullmatch(call.headers.get("revision", "")):
            return failure(400, "invalid", "A revision header is required.")
        kind = call.headers.get("content-type", "")
        if call.method == "POST" and "application/vnd.api+json" not in kind:
            return failure(
                415, "unsupported_media_type", "Use application/vnd.api+json"
            )
        return None

    def too_many(self, call: Call, window: str, seconds: float) -> Answer:
        del call
        answer = failure(429, "throttled", f"Request was throttled by {window}.")
        return Answer(429, answer.body, {"Retry-After": str(int(seconds))})

    def no_such_path(self, call: Call) -> Answer:
        del call
        return failure(404, "not_found", "There is no such resource.")

    def parsed(self, body: bytes) -> Any:
        """The content of a body, which is asked for several times in a row."""
        if self._parsed[0] is not body:
            try:
                self._parsed = (body, orjson.loads(body))
            except ValueError:
                self._parsed = (body, None)
        return self._parsed[1]

    def keys(self, call: Call) -> Iterable[str]:
        if call.method != "POST":
            return ()
        try:
            return list(keys_in(self.parsed(call.body)["data"]))
        except (KeyError, TypeError, AttributeError):
            return ()

    # Imports ------------------------------------------------------------------------

    def start_import(self, call: Call) -> Answer:
        if len(call.body) > LARGEST_BODY:
            return failure(413, "payload_too_large", "The payload is over 5MB.")
        try:
            data = self.parsed(call.body)["data"]
            profiles = data["attributes"]["profiles"]["data"]
            is_job = data["type"] == "profile-bulk-import-job"
        except (KeyError, TypeError):
            is_job, profiles = False, None
        if not is_job or not isinstance(profiles, list) or not profiles:
            return failure(400, "invalid", "The payload is not valid.", "/data")
        if len(profiles) > MOST_PROFILES:
            return failure(400, "invalid", "More than 10000 profiles.", "/data")
        errors = [
            error_of("invalid", why, f"{PLACES}/{place}{where}")
            for place, profile in enumerate(profiles)
            for where, why in faults_in(profile, len(call.body))
        ]
        if errors:
            return Answer(400, {"errors": errors})
        self.go_on_importing()
        under_way = {
            key_of(profile)
            for job in self.jobs.values()
            if job.is_unfinished
            for profile in job.profiles
        }
        if under_way:
            self.races |= under_way & {key_of(profile) for profile in profiles}
        now = time.monotonic()
        made = Job(
            uuid.UUID(int=self.random.getrandbits(128)).hex,
            profiles,
            datetime.now(UTC).isoformat(),
            now + self.import_seconds * self.random.uniform(0.2, 1.0),
            len(profiles),
        )
        if self.imports_that_are_cancelled:
            self.imports_that_are_cancelled -= 1
            made.is_to_be_cancelled = True
        self.jobs[made.id] = made
        return Answer(202, {"data": self.told_job(made)})

    def go_on_importing(self) -> None:
        """End the imports whose time has come, in the order of their ends."""
        now = time.monotonic()
        due = [job for job in self.jobs.values() if job.is_unfinished]
        for job in sorted(due, key=lambda job: job.ends_at):
            if job.ends_at <= now:
                self.do_import(job)
            elif job.ends_at - self.import_seconds / 4 <= now:
                job.status = "processing"

    def do_import(self, job: Job) -> None:
        if job.is_to_be_cancelled:
            for profile in job.profiles[: len(job.profiles) // 2]:
                self.upsert(profile)
            job.status = "cancelled"
            job.profiles = []
            return
        for place, profile in enumerate(job.profiles):
            key = key_of(profile)
            if self._omitted and self.is_omitted(key):
                continue
            if why := self.refusal(profile):
                where, words = why
                error = error_of("invalid", words, "/data")
                if self.names_places:
                    error["source"]["pointer"] = f"{PLACES}/{place}{where}"
                error["original_payload"] = None if self.hides_payloads else profile
                job.errors.append(error)
                continue
            self.upsert(profile)
            job.completed += 1
        self.random.shuffle(job.errors)
        job.status = "complete"
        job.profiles = []

    def refusal(self, profile: Mapping[str, Any]) -> tuple[str, str] | None:
        """Why a profile is not imported, and where in it."""
        key = key_of(profile)
        if not EMAIL.fullmatch(key):
            return "/attributes/email", "Invalid email address"
        if (poison := self.poisons.get(key)) is None:
            return None
        field = f"/attributes/properties/{poison.field}" if poison.field else ""
        return field, f"{poison.field or 'the profile'} {poison.reason}"

    def upsert(self, profile: Mapping[str, Any]) -> None:
        """Create or update a profile; nulls change nothing."""
        found = self.profile(key_of(profile))
        told = profile["attributes"].get("properties") or {}
        found.properties.update(
            {name: value for name, value in told.items() if value is not None}
        )
        patch = ((profile.get("meta") or {}).get("patch_properties")) or {}
        unset = patch.get("unset") or []
        for name in [unset] if isinstance(unset, str) else unset:
            found.properties.pop(name, None)

    def profile(self, email: str) -> Profile:
        """A profile, which comes into being if need be."""
        key = email.lower()
        if key not in self.profiles:
            self.creations[key] += 1
            self.profiles[key] = Profile(self.new_id(), key)
        return self.profiles[key]

    def new_id(self) -> str:
        return f"01{self.random.getrandbits(120):024X}"[:26]

    def list_imports(self, call: Call) -> Answer:
        self.go_on_importing()
        asked = re.fullmatch(
            r"any\(status,(\[.*\])\)|equals\(status,'(\w+)'\)",
            call.query.get("filter", ""),
        )
        if not asked:
            return failure(400, "invalid", "Invalid filter.")
        states = orjson.loads(asked[1]) if asked[1] else [asked[2]]
        jobs = [job for job in self.jobs.values() if job.status in states]
        size = int(call.query.get("page[size]", "20"))
        told = [self.told_job(job) for job in jobs[:size]]
        return Answer(200, {"data": told, "links": {"next": None}})

    def import_state(self, call: Call) -> Answer:
        self.go_on_importing()
        if call.found["id"] not in self.jobs:
            return self.no_such_path(call)
        return Answer(200, {"data": self.told_job(self.jobs[call.found["id"]])})

    def told_job(self, job: Job) -> dict[str, Any]:
        attributes = {
            "status": job.status,
            "created_at": job.created_at,
            "total_count": job.total,
            "completed_count": job.completed,
            "failed_count": len(job.errors),
        }
        return {
            "type": "profile-bulk-import-job",
            "id": job.id,
            "attributes": attributes,
        }

    def import_errors(self, call: Call) -> Answer:
        job = self.jobs.get(call.found["id"])
        size = int(call.query.get("page[size]", "20"))
        if job is None or not 1 <= size <= PAGE:
            return self.no_such_path(call)
        start = int(call.query.get("page[cursor]", "x0")[1:])
        told = [
            {"type": "import-error", "id": uuid.uuid4().hex, "attributes": error}
            for error in job.errors[start : start + size]
        ]
        following = None
        if start + size < len(job.errors):
            following = f"{self.url}{call.path}?page%5Bcursor%5D=x{start + size}"
        return Answer(200, {"data": told, "links": {"next": following}})

    # Deletions, events, look-ups ----------------------------------------------------

    def delete(self, call: Call) -> Answer:
        try:
            data = self.parsed(call.body)["data"]
            profile = data["attributes"]["profile"]["data"]
            [(kind, key)] = profile["attributes"].items()
            is_job = data["type"] == "data-privacy-deletion-job" and kind == "email"
        except (KeyError, TypeError, ValueError, AttributeError):
            is_job, key = False, ""
        if not is_job:
            return failure(400, "invalid", "One identifier is needed.", "/data")
        self.deleted.append(key.lower())
        self.profiles.pop(key.lower(), None)
        return Answer(202, None)

    def add_event(self, call: Call) -> Answer:
        try:
            attributes = self.parsed(call.body)["data"]["attributes"]
            metric = attributes["metric"]["data"]["attributes"]["name"]
            key = attributes["profile"]["data"]["attributes"]["email"].lower()
            unique_id = attributes["unique_id"]
            datetime.fromisoformat(attributes["time"])
            is_right = isinstance(attributes["properties"], dict)
        except (KeyError, TypeError, ValueError, AttributeError):
            is_right, metric = False, ""
        if not is_right or not 0 < len(metric) <= LONGEST_METRIC:
            return failure(400, "invalid", "The event is not valid.", "/data")
        self.profile(key)  # whoever does something comes into being
        if (key, metric, unique_id) in self._event_ids:
            self.repeated_events += 1
        else:
            self._event_ids.add((key, metric, unique_id))
            self.told.append({"key": key, "id": unique_id, **attributes["properties"]})
        return Answer(202, None)

    def find_profiles(self, call: Call) -> Answer:
        asked = re.fullmatch(r"any\(email,(\[.*\])\)", call.query.get("filter", ""))
        emails = orjson.loads(asked[1]) if asked else []
        if not asked or not 1 <= len(emails) <= PAGE:
            return failure(400, "invalid", "Invalid filter.")
        self.go_on_importing()
        size = int(call.query.get("page[size]", "20"))
        found = [
            self.profiles[key]
            for key in dict.fromkeys(email.lower() for email in emails)
            if key in self.profiles
        ][:size]
        self.random.shuffle(found)
        told = [
            {
                "type": "profile",
                "id": one.id,
                "attributes": {"email": one.email, "properties": one.properties},
            }
            for one in found
        ]
        return Answer(200, {"data": told, "links": {"next": None}})

    # What tests look at -------------------------------------------------------------

    def records(self, kind: str = "") -> dict[str, Fields]:
        del kind
        with self._lock:
            self.go_on_importing()
            return {key: dict(one.properties) for key, one in self.profiles.items()}

    def events(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self.told)

    def put(self, key: str, fields: Mapping[str, Value], kind: str = "") -> None:
        del kind
        with self._lock:
            if key not in self.profiles:
                self.profiles[key] = Profile(self.new_id(), key)
            self.profiles[key].properties.update(fields)

    def remove(self, key: str, kind: str = "") -> None:
        del kind
        with self._lock:
            self.profiles.pop(key, None)


PLACES = "/data/attributes/profiles/data"
RATES = (
    ("imports", "POST", JOBS, 10, 150),
    ("lists of imports", "GET", JOBS, 10, 150),
    ("states", "GET", f"{JOBS}/[^/]+", 10, 150),
    ("errors", "GET", f"{JOBS}/[^/]+/import-errors", 10, 150),
    ("deletions", "POST", "/api/data-privacy-deletion-jobs", 3, 60),
    ("events", "POST", "/api/events", 350, 3_500),
    ("profiles", "GET", "/api/profiles", 75, 750),
)


def per(
    name: str, method: str, path: str, second: int, minute: int
) -> Iterator[RateWindow]:
    """Both windows of an endpoint."""
    pattern = re.compile(path)

    def units(call: Call) -> int:
        return int(call.method == method and bool(pattern.fullmatch(call.path)))

    yield RateWindow(f"{name}, burst", second, 1.0, units=units)
    yield RateWindow(f"{name}, steady", minute, 60.0, units=units)


def error_of(code: str, detail: str, pointer: str) -> dict[str, Any]:
    return {
        "id": uuid.uuid4().hex,
        "code": code,
        "title": "Invalid input.",
        "detail": detail,
        "source": {"pointer": pointer},
    }


def failure(status: int, code: str, detail: str, pointer: str = "/") -> Answer:
    """The answer to a request that is refused as a whole."""
    return Answer(status, {"errors": [error_of(code, detail, pointer)]})


def key_of(profile: Mapping[str, Any]) -> str:
    """Who is meant."""
    return str(profile["attributes"]["email"]).lower()


def keys_in(data: Mapping[str, Any]) -> Iterator[str]:
    """Who a request is about."""
    attributes = data["attributes"]
    if "profiles" in attributes:
        yield from map(key_of, attributes["profiles"]["data"])
    else:
        yield key_of(attributes["profile"]["data"])


def faults_in(profile: Any, body_size: int) -> Iterator[tuple[str, str]]:
    """What is wrong with the form of a profile."""
    if not isinstance(profile, dict) or profile.get("type") != "profile":
        yield "/type", "must be profile"
        return
    attributes = profile.get("attributes")
    if not isinstance(attributes, dict) or not isinstance(attributes.get("email"), str):
        yield "/attributes/email", "An identifier is needed."
        return
    if not attributes.keys() <= OWN:
        unknown = attributes.keys() - OWN
        yield f"/attributes/{sorted(unknown)[0]}", "is not an attribute"
    if not isinstance(attributes.get("properties", {}), dict):
        yield "/attributes/properties", "must be an object"
    if body_size > LARGEST_PROFILE and len(orjson.dumps(profile)) > LARGEST_PROFILE:
        yield "", "The profile is over 100KB."


def settings(url: str) -> Mapping[str, str]:
    return {"INTENT_KLAVIYO_API_KEY": API_KEY, "INTENT_KLAVIYO_URL": url}


def read_event(event: Mapping[str, Any]) -> Told:
    return event["key"], event["id"], event.get("from"), event.get("to")


QUICK: dict[str, Any] = {"poll_seconds": 0.02}
CASES = (
    Case(
        "klaviyo",
        "klaviyo",
        KlaviyoStandIn,
        settings,
        changes={"options": QUICK},
        modes=frozenset({Mode.UPSERT, Mode.MIRROR}),
        event=read_event,
        has_schema=False,
    ),
    Case(
        "klaviyo_read_back",
        "klaviyo",
        KlaviyoStandIn,
        settings,
        changes={"options": {**QUICK, "read_back": True}},
        event=read_event,
        has_schema=False,
        omits=True,
    ),
)

if __name__ == "__main__":
    serve(KlaviyoStandIn)
