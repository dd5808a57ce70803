"""A process that runs syncs in forks of itself, and kills each at the point asked for.

A point lies before and after each step that lasts: a commit of the ledger, a request,
the steps in which a file is written. A process that is killed between two steps leaves
what one does that is killed right after the first, so these are all there are; where
nothing else is under way, the end of a step and the beginning of the next are one.

Forks start warm, which makes hundreds of runs affordable. The process that forks opens
no database and starts no thread.
"""

import faulthandler
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).resolve().parent
NEVER = 0
LONGEST_SECONDS = 60
"""After these a run is taken to hang: it says where, and ends."""
FORKS = 3
"""How often a run is begun that hangs before its first point: libraries have threads of
their own, whose locks a fork may find taken."""
WARM = (
    *("anyio._backends._asyncio", "h11", "httpcore2", "pyarrow.dataset", "truststore"),
    *("intent.sync.service", "pyarrow.parquet", "sync_shop", "sync_stage"),
)


@dataclass(frozen=True)
class Play:
    """One run of a sync that is asked for."""

    sync: str
    """The sync's file in `syncs`, without its ending."""
    changes: Mapping[str, Any]
    """What is otherwise than in the file."""
    variables: Mapping[str, str]
    trick: str = ""
    """Of `TRICKS`: what to make smaller, so that a small shop has all that matters."""
    kill_at: int = NEVER
    """The number of the point to die at, from 1."""
    command: str = "run"
    """run, retry or resume."""


@dataclass(frozen=True)
class Fate:
    """What became of a run."""

    points: Sequence[str] = ()
    """Those that it came to."""
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    """The error that it ended with."""
    was_killed: bool = False


class ForkServer:
    """The process that forks, from outside."""

    def __init__(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=HERE,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def play(self, play: Play) -> Fate:
        """Have a run made, and wait for its end."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asdict(play)) + "\n")
        self._process.stdin.flush()
        return Fate(**json.loads(self._process.stdout.readline()))


# In the process that forks ----------------------------------------------------------


def serve() -> None:
    """Make the runs that are asked for, each in a fork."""
    warm_up()
    for line in sys.stdin:
        play = Play(**json.loads(line))
        for _ in range(FORKS):
            fate = in_fork(play)
            if fate.points or not fate.error:
                break
        print(json.dumps(asdict(fate)), flush=True)


def warm_up() -> None:
    """Import all that a run does, also what it imports late."""
    for name in WARM:
        importlib.import_module(name)
    from intent.sync.destinations import destination_names, find_adapter  # noqa: PLC0415

    for name in destination_names():
        find_adapter(name)


def in_fork(play: Play) -> Fate:
    """What becomes of a run in a fork."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.close(reading)
        faulthandler.dump_traceback_later(LONGEST_SECONDS, exit=True)
        code = 0
        try:
            act(play, writing)
        except BaseException:
            traceback.print_exc()
            code = 1
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as told:
        lines = [json.loads(line) for line in told]
    _, status = os.waitpid(child, 0)
    points = [line["point"] for line in lines if "point" in line]
    if os.WIFSIGNALED(status):
        was_asked = os.WTERMSIG(status) == signal.SIGKILL and play.kill_at != NEVER
        error = "" if was_asked else f"it died of signal {os.WTERMSIG(status)}"
        return Fate(points, error=error, was_killed=True)
    if os.WEXITSTATUS(status):
        return Fate(points, error="it ended with a traceback")
    return Fate(points, **lines[-1]["end"])


def act(play: Play, told: int) -> None:
    """Make a run; dies at the point that was asked for."""

    def tell(**what: Any) -> None:
        os.write(told, json.dumps(what).encode() + b"\n")

    steps = Steps(tell, play.kill_at)
    from intent.errors import IntentError  # noqa: PLC0415
    from intent.settings import places  # noqa: PLC0415
    from intent.sync import service  # noqa: PLC0415
    from sync_shop import load_sync  # noqa: PLC0415
    from sync_stage import GUARDS, Silent  # noqa: PLC0415

    os.environ.update(play.variables)
    wrap_all(steps)
    shorten()
    TRICKS[play.trick]()
    sync = load_sync(play.sync, **play.changes)
    try:
        if play.command == "run":
            result = service.run(places(), sync, Silent(), GUARDS)
        elif play.command == "retry":
            result = service.retry(places(), sync, Silent())
        else:
            resumed = service.resume(places(), sync, Silent())
            if resumed is None:
                tell(end={"result": {}})
                return
            result = resumed
    except IntentError as error:
        tell(end={"error": f"{type(error).__name__}: {error}"})
        return
    tell(end={"result": json.loads(json.dumps(result.as_json(), default=str))})


# Points -----------------------------------------------------------------------------


class Steps:
    """Counts the points of a run, and dies at one."""

    def __init__(self, tell: Callable[..., None], kill_at: int) -> None:
        self._tell = tell
        self._kill_at = kill_at
        self._points = 0
        self._under_way = 0
        self._turn = threading.Lock()  # the ledger has a thread of its own

    def begin(self, name: str) -> None:
        with self._turn:
            if self._under_way or not self._points:
                self._point(f"before {name}")
            self._under_way += 1

    def end(self, name: str) -> None:
        with self._turn:
            self._under_way -= 1
            self._point(f"after {name}")

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step that lasts."""
        self.begin(name)
        try:
            yield
        finally:
            self.end(name)

    def _point(self, name: str) -> None:
        self._tell(point=name)
        self._points += 1
        if self._points == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()


def wrap_all(steps: Steps) -> None:
    """Make steps of all that lasts."""
    from intent.sync import deletions, file_channel, ledger, service, wire  # noqa: PLC0415

    commit = ledger.Ledger.commit

    @contextmanager
    def commit_in_steps(self: Any) -> Iterator[Any]:
        with steps.step("a commit"), commit(self) as connection:
            yield connection

    of_ledger: Any = ledger.Ledger
    of_ledger.commit = commit_in_steps
    channels: list[Any] = [wire.HttpChannel, file_channel.FileChannel]
    for channel in channels:
        send = channel.send

        @wraps(send)
        async def send_in_steps(self: Any, request: Any, send: Any = send) -> Any:
            what = f"{request.method} {request.path.partition('?')[0]}"
            with steps.step(what):
                return await send(self, request)

        channel.send = send_in_steps
    for module, names in (
        (file_channel, ("write_through", "sync_folder")),
        (deletions, ("put_in_place",)),
        (service, ("leave_no_trace", "note_told", "publish_audit")),
    ):
        for name in names:
            setattr(module, name, in_steps(getattr(module, name), steps))


def in_steps(function: Any, steps: Steps) -> Any:
    """A function as a step."""

    @wraps(function)
    def wrapped(*values: Any, **named: Any) -> Any:
        with steps.step(function.__name__):
            return function(*values, **named)

    return wrapped


# What is made smaller ---------------------------------------------------------------


def shorten() -> None:
    """Make pauses short."""
    from intent.sync import retry  # noqa: PLC0415

    retry.FIRST_PAUSE = 0.01


def nothing() -> None:
    """Leave all as it is."""


def salesforce_bulk() -> None:
    """Let a few rows go by a Bulk job."""
    from intent.sync.destinations import _salesforce_pack as packing  # noqa: PLC0415
    from intent.sync.destinations import salesforce  # noqa: PLC0415

    kind: Any = salesforce.Salesforce
    made = kind.__init__

    def small(self: Any, *values: Any) -> None:
        made(self, *values)
        self.sizes = packing.Sizes(bulk_above=3, bulk_rows=300)

    kind.__init__ = small


def marketo_bulk() -> None:
    """Let a few rows go by bulk imports, which are looked at again at once."""
    from intent.sync.destinations import _marketo_bulk as bulk  # noqa: PLC0415
    from intent.sync.destinations import marketo  # noqa: PLC0415

    bulk.POLL_SECONDS = 0.02
    kind: Any = marketo.MarketoAdapter
    made = kind.__init__

    def small(self: Any, *values: Any) -> None:
        made(self, *values)
        self.options = self.options.model_copy(update={"bulk_at_least": 3})

    kind.__init__ = small


TRICKS: Mapping[str, Callable[[], None]] = {
    "": nothing,
    "salesforce_bulk": salesforce_bulk,
    "marketo_bulk": marketo_bulk,
}

if __name__ == "__main__":
    serve()
