"""Commands in processes that need not import and read first what dbt works with.

To import dbt and to read the project takes longer than many a build takes. So a reader
does both once for a project as it stands, and then does nothing but fork: a process for
each command that a test runs, with streams, an environment and a folder of its own, as
if a shell had started it. What a command does to its memory ends with its process, so
none is told of the one before. When `intent` starts dbt, that is forked off likewise.
"""

import atexit
import gc
import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, NamedTuple, Self

IMPORTER = multiprocessing.get_context("forkserver")
IMPORTER.set_forkserver_preload(
    [
        "dbt.cli.main",
        "dbt.task.build",
        "dbt.adapters.duckdb.environments.local",
        "intent.cli",
        "sqlparse",
    ]
)
FORK = multiprocessing.get_context("fork")

# dbt reads the project the same, whatever these vars are: test_forked.py.
TOLD_LATER = frozenset(
    {"intent_as_of", "intent_backfill", "intent_holdout_share", "intent_sheet"}
)
READERS_KEPT = 4


class Project(NamedTuple):
    """A dbt project as it stands, and the vars that it is read with."""

    folder: str
    variables: str
    files: str
    """A hash of its files' names, sizes and times."""


def project_of(folder: Path, variables: Mapping[str, Any] | None) -> Project:
    """The project that a folder holds now."""
    files = [*folder.glob("*.yml")]
    for kind in ("analyses", "macros", "models", "seeds", "tests"):
        files += (folder / kind).rglob("*.*")
    states = sorted((str(file), file.stat()) for file in files if file.is_file())
    found = repr([(name, state.st_size, state.st_mtime_ns) for name, state in states])
    told = {k: v for k, v in (variables or {}).items() if k not in TOLD_LATER}
    return Project(
        str(folder),
        json.dumps(told, sort_keys=True),
        hashlib.sha256(found.encode()).hexdigest(),
    )


class Reader:
    """A process that has read a project, or none, off which commands are forked."""

    def __init__(self, project: Project | None, environment: Mapping[str, str]) -> None:
        """Start it; it reads in this environment."""
        self.line, theirs = multiprocessing.Pipe()
        self.process = IMPORTER.Process(
            target=read_and_fork, args=(theirs, project, dict(environment))
        )
        self.process.start()
        theirs.close()

    def run(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        text: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run `dbt` or `intent`, who are given a text, to the end."""
        with tempfile.TemporaryDirectory() as place:
            streams = [f"{place}/{name}" for name in ("stdin", "stdout", "stderr")]
            Path(streams[0]).write_text(text)
            self.line.send((list(command), dict(environment), str(folder), streams))
            code = self.line.recv()
            out, err = (Path(stream).read_text() for stream in streams[1:])
        return subprocess.CompletedProcess(command, code, out, err)

    def end(self) -> None:
        """Let it end, which it does when nobody can ask it for anything."""
        self.line.close()
        self.process.join()


READ: tuple[Project, Any] | None = None
"""What the reader has read, in it and all that are forked off it."""


def read_and_fork(
    line: Connection, project: Project | None, environment: Mapping[str, str]
) -> None:
    """Read a project, then run commands as long as somebody asks."""
    gc.disable()  # none of these processes lives long
    direct([os.devnull] * 3)
    os.environ.clear()
    os.environ.update(environment)
    if project:
        read(project)
    gc.freeze()
    while True:
        try:
            asked = line.recv()
        except EOFError:
            return
        process = FORK.Process(target=become, args=asked)
        process.start()
        process.join()
        line.send(process.exitcode)


def read(project: Project) -> None:
    """Have dbt read a project; what it can't, each command says itself."""
    global READ  # noqa: PLW0603 - it is this process's purpose
    from dbt.cli.main import dbtRunner

    places = ("--project-dir", project.folder, "--profiles-dir", project.folder)
    arguments = ["parse", "--quiet", *places, "--vars", project.variables]
    if manifest := dbtRunner().invoke(arguments).result:
        READ = project, manifest


def become(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: str,
    streams: Sequence[str],
) -> None:
    """Do what a command does in this process, which is there for that."""
    os.chdir(folder)
    direct(streams)
    sys.argv = list(command)
    os.environ.clear()
    os.environ.update(environment)
    try:
        main_of(command)()
    finally:  # as Python does at its end, where a forked process just ends
        atexit._run_exitfuncs()


def direct(streams: Sequence[str]) -> None:
    """Have these files as standard input, output and error."""
    writes = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, file in enumerate(streams):
        opened = os.open(file, writes if number else os.O_RDONLY)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115, PTH123


def main_of(command: Sequence[str]) -> Callable[[], Any]:
    """What the executable of a command calls."""
    if Path(command[0]).name == "dbt":
        from dbt.cli.main import cli

        return lambda: cli.main(obj={"manifest": manifest_for(command)})
    from intent import cli as intent_cli
    from intent import dbt

    dbt.subprocess = SimpleNamespace(
        Popen=Forked,
        PIPE=subprocess.PIPE,
        STDOUT=subprocess.STDOUT,
        TimeoutExpired=subprocess.TimeoutExpired,
    )
    return intent_cli.main


def manifest_for(command: Sequence[str]) -> Any:
    """What dbt knows when it has read the project; None: it has to read it."""
    told = dict(pairwise(command))
    if READ is None or "parse" in command or "docs" in command:
        return None
    variables = json.loads(told.get("--vars", "{}"))
    wanted = project_of(Path(told["--project-dir"]), variables)
    return READ[1] if wanted == READ[0] else None


class Forked:
    """What `intent` needs of a `subprocess.Popen` whose output it reads."""

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, **_: object
    ) -> None:
        """Start the command."""
        ours, theirs = os.pipe()
        streams = [os.devnull, f"/dev/fd/{theirs}", f"/dev/fd/{theirs}"]
        self.process = FORK.Process(
            target=become, args=(command, env, str(cwd), streams)
        )
        self.process.start()
        os.close(theirs)
        self.stdout = open(ours)  # noqa: SIM115, PTH123
        self.terminate = self.process.terminate
        self.kill = self.process.kill
        self.wait = self.process.join

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stdout.close()
        self.process.join()

    @property
    def returncode(self) -> int | None:
        return self.process.exitcode


READERS: dict[Project | None, Reader] = {}
"""The readers at work, those asked last at the end."""


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    project: Project | None,
    folder: Path,
    target: Path,
    text: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run `dbt` or `intent` in a folder, on a project that is read to a target path."""
    reader = READERS.pop(project, None) or Reader(
        project, {**environment, "DBT_TARGET_PATH": str(target)}
    )
    READERS[project] = reader
    while len(READERS) > READERS_KEPT:
        READERS.pop(next(iter(READERS))).end()
    return reader.run(command, environment, folder, text)


def end() -> None:
    """End the readers."""
    while READERS:
        READERS.popitem()[1].end()
