"""Commands in processes that need not import anything any more.

Importing takes dbt longer than many a build takes. So a server imports it once, and
forks a process for each command that a test runs: with streams, an environment and a
folder of its own, as if a shell had started it. When `intent` starts dbt, that process
is forked off it likewise.
"""

import gc
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, Self

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    [
        "dbt.cli.main",
        "dbt.task.build",
        "dbt.adapters.duckdb.environments.local",
        "intent.cli",
        "sqlparse",
    ]
)
FORK = multiprocessing.get_context("fork")


def run(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run `dbt` or `intent`, who are given a text, to the end."""
    with tempfile.TemporaryDirectory() as place:
        streams = [f"{place}/{name}" for name in ("stdin", "stdout", "stderr")]
        Path(streams[0]).write_text(text)
        process = SERVER.Process(
            target=become, args=(command, dict(environment), folder, streams)
        )
        process.start()
        process.join()
        code = process.exitcode
        process.close()
        assert code is not None
        out, err = (Path(stream).read_text() for stream in streams[1:])
    return subprocess.CompletedProcess(command, code, out, err)


def become(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: str | Path,
    streams: Sequence[str],
) -> None:
    """Do what a command does in this process, which is there for that."""
    gc.disable()  # it ends before much garbage has come together
    os.chdir(folder)
    for number, (file, flags) in enumerate(
        zip(streams, (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT] * 2), strict=True)
    ):
        os.dup2(os.open(file, flags), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115, PTH123
    sys.argv = list(command)
    os.environ.clear()
    os.environ.update(environment)
    main_of(command[0])()


def main_of(executable: str) -> Callable[[], Any]:
    """What an executable calls."""
    if Path(executable).name == "dbt":
        from dbt.cli.main import cli

        return cli
    from intent import cli, dbt

    dbt.subprocess = SimpleNamespace(
        Popen=Forked, PIPE=subprocess.PIPE, STDOUT=subprocess.STDOUT
    )
    return cli.main


class Forked:
    """What `intent` needs of a `subprocess.Popen` whose output it reads."""

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, **_: object
    ) -> None:
        """Start the command."""
        ours, theirs = os.pipe()
        streams = [os.devnull, f"/dev/fd/{theirs}", f"/dev/fd/{theirs}"]
        self.process = FORK.Process(target=become, args=(command, env, cwd, streams))
        self.process.start()
        os.close(theirs)
        self.stdout = open(ours)  # noqa: SIM115, PTH123

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
