"""One round for a scheduler: land what is new, build, publish, send what changed.

A round that fails or dies half-way needs no mending: the next one lands, builds and
sends whatever this one did not.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from intent.build import BuildRequest, build
from intent.errors import BadInputError, ExitCode, LockedError, UnavailableError, worst
from intent.landing import counted_files
from intent.load_files import all_faults, load_files, prepare
from intent.load_sources import find_files
from intent.settings import Places
from intent.sync.choose import choose, switched_on
from intent.sync.results import RunResult
from intent.sync.service import RunStopped
from intent.sync.several import Fault, Several, do_each
from intent.sync.spec import Sync

LOOKS_AGAIN_AFTER = 0.5
LONGEST_PAUSE = 3600.0
MOST_DOUBLINGS = 16

Seen = set[tuple[Path, int, int]]
"""Files by size and time, which need not be looked at again."""


@dataclass(frozen=True)
class Export:
    """A file or folder of exports, and the mapping that lands it."""

    path: Path
    mapping: str

    @classmethod
    def parse(cls, text: str) -> "Export":
        """Read `PATH=MAPPING`.

        Raises:
            BadInputError: it is not that.
        """
        path, _, mapping = text.rpartition("=")
        if not (path and mapping):
            raise BadInputError(
                f"--load: '{text}' is not PATH=MAPPING, such as exports=orders.yml."
            )
        return cls(Path(path), mapping)


@dataclass(frozen=True)
class Request:
    """What each round is to do."""

    exports: Sequence[Export] = ()
    build: BuildRequest = field(default_factory=BuildRequest)
    syncs: Sequence[str] = ()
    """None: those that are switched on."""
    wait: float = 0.0
    """For how many seconds to wait for what another process has open."""


@dataclass
class Round:
    """What a round came to."""

    started_at: datetime
    files: int = 0
    """Landed files that it was the first to count."""
    is_built: bool = False
    is_stopped: bool = False
    build_seconds: float = 0.0
    seconds: float = 0.0
    landed_to_sent: float | None = None
    """Seconds from when the first of these files landed until all was sent."""
    runs: list[RunResult] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def exit_code(self) -> ExitCode:
        """The one of its parts that asks most of the user."""
        codes = [run.exit_code for run in self.runs]
        codes += [fault.error.exit_code for fault in self.faults]
        return worst([*codes, *([ExitCode.DEFERRED] if self.is_stopped else [])])

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        lag = self.landed_to_sent
        return {
            "started_at": f"{self.started_at:%Y-%m-%dT%H:%M:%SZ}",
            "files": self.files,
            "is_built": self.is_built,
            "is_stopped": self.is_stopped,
            "build_seconds": round(self.build_seconds, 1),
            "seconds": round(self.seconds, 1),
            "landed_to_sent_seconds": None if lag is None else round(lag, 1),
            "runs": [run.as_json() for run in self.runs],
            "faults": [fault.as_json() for fault in self.faults],
            "exit_code": int(self.exit_code),
        }


def refresh(
    places: Places,
    request: Request,
    send: Callable[[Sync], RunResult],
    tell: Callable[[Round], None],
    every: float | None = None,
) -> ExitCode:
    """Do one round, or one every so many seconds until stopped.

    Args:
        places: where everything is.
        request: what each round is to do.
        send: sends one sync.
        tell: is given each round when it is over.
        every: seconds from the start of a round to the start of the next.

    Raises:
        LockedError: another one runs on this warehouse.
    """
    seen: Seen = set()
    failures = 0
    with only_one(places, request.wait), suppress(KeyboardInterrupt):
        while True:
            done = Round(datetime.now(UTC))
            try:
                do_round(places, request, send, done, seen)
            except RunStopped as stopped:
                done.runs.append(stopped.result)
                done.is_stopped = True
            except KeyboardInterrupt:
                done.is_stopped = True
            tell(done)
            if every is None:
                return done.exit_code
            if done.is_stopped:
                break
            failures = 0 if done.is_built else failures + 1
            time.sleep(pause(every, failures, done.seconds))
    return ExitCode.OK


def pause(every: float, failures: int, took: float) -> float:
    """Seconds until the next round: longer after each build that failed in a row."""
    doubled = every * 2.0 ** min(failures, MOST_DOUBLINGS)
    return max(0.0, min(doubled, max(every, LONGEST_PAUSE)) - took)


def do_round(
    places: Places,
    request: Request,
    send: Callable[[Sync], RunResult],
    done: Round,
    seen: Seen,
) -> None:
    """Do one round, and write down as it goes what comes of it."""
    started = time.monotonic()
    parts: Several[RunResult] = Several(done.runs, done.faults)
    try:
        for export in request.exports:
            with parts.keeping_faults(f"load {export.path}"):
                land(places, export, seen)
        with parts.keeping_faults("build"):
            before = build_when_free(places, request)
            done.is_built = True
        done.build_seconds = time.monotonic() - started
        if not done.is_built:
            return
        landed = landing_times(places, before)
        done.files = len(landed)
        with parts.keeping_faults("sync"):
            do_each(chosen(places, request), send, into=parts)
        if landed and done.runs and done.exit_code is ExitCode.OK:
            done.landed_to_sent = time.time() - min(landed)
    finally:
        done.seconds = time.monotonic() - started


def chosen(places: Places, request: Request) -> Several[Sync]:
    """The syncs that a round sends."""
    named = request.syncs
    return choose(places, named) if named else switched_on(places)


def land(places: Places, export: Export, seen: Seen) -> None:
    """Land the files of an export that are new.

    Raises:
        BadInputError: some of them, or the mapping, can't be used.
        UnavailableError: a place can't be read or written.
    """
    if export.path.is_dir() and not any(export.path.iterdir()):
        return
    stamps = {str(file): stamp(file) for file in find_files([export.path])[0]}
    new = [Path(name) for name, known in stamps.items() if known not in seen]
    if not new:
        return
    reports, faults = load_files(new, prepare(places, export.mapping), places)
    seen.update(stamps[report.file] for report in reports if not report.error)
    if faults:
        raise all_faults(faults)


def stamp(file: Path) -> tuple[Path, int, int]:
    """What tells a file from the one that it was before.

    Raises:
        UnavailableError: it is gone, or can't be looked at.
    """
    try:
        found = file.stat()
    except OSError as error:
        raise UnavailableError(f"{file} can't be read: {error.strerror}.") from error
    return file, found.st_size, found.st_mtime_ns


def build_when_free(places: Places, request: Request) -> set[str]:
    """Build and publish; return the landed files that were counted before.

    Raises:
        LockedError: the warehouse is in use, and still is after waiting.
        IntentError: the build failed.
    """
    deadline = time.monotonic() + request.wait
    while True:
        try:
            before = counted_files(places.warehouse)
            build(places, request.build)
            return before
        except LockedError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(LOOKS_AGAIN_AFTER)


def files_to_come(places: Places) -> int:
    """How many landed files no build has counted yet."""
    landed = {
        file.relative_to(places.landing).as_posix()
        for file in places.landing.glob("*/*/*")
        if not file.name.startswith(".")
    }
    return len(landed - counted_files(places.warehouse))


def landing_times(places: Places, before: set[str]) -> list[float]:
    """When each file landed that was not counted before, by this machine's clock.

    That is when it got its name here: what its own time says may be of where it came
    from.
    """
    new = counted_files(places.warehouse) - before
    files = [places.landing / name for name in new]
    return [file.stat().st_ctime for file in files if file.exists()]


@contextmanager
def only_one(places: Places, wait: float) -> Iterator[None]:
    """Keep another refresh of this warehouse out; the system ends that when we die.

    Raises:
        LockedError: another one runs, and still does after waiting.
        UnavailableError: the lock's file can't be written.
    """
    path = places.warehouse.with_suffix(".refresh.lock")
    deadline = time.monotonic() + wait
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise UnavailableError(f"{path} can't be written: {error.strerror}.") from error
    with file:
        while not locked(file):
            if time.monotonic() >= deadline:
                file.seek(0)
                raise LockedError(
                    "Another `intent refresh` runs on this warehouse (process "
                    f"{file.read().strip() or 'unknown'}). Wait for it with --wait, or "
                    "leave the work to it."
                )
            time.sleep(LOOKS_AGAIN_AFTER)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def locked(file: IO[str]) -> bool:
    """Try to be the one process that has the file."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
