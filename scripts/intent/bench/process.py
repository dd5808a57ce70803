"""Runs a step as a process of its own: how long it took, and how large it was."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from intent.errors import IntentError

LINES_SHOWN = 15
KIBIBYTE = 1024


@dataclass(frozen=True)
class Measured:
    """What one step took: by the wall clock, of all processors, and at its peak."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str = ""

    def as_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        figures = asdict(self)
        del figures["output"]
        return figures


def measure(command: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Run a command to its end; its peak is that of its largest process.

    Raises:
        IntentError: it failed.
    """
    started = time.monotonic()
    with subprocess.Popen(  # noqa: S603 - our own commands, no shell
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        if process.stdout is None or process.stderr is None:
            raise IntentError(f"{command[0]} gave no output to read.")
        # What it says on stderr is little; so it can't fill that pipe meanwhile.
        output = process.stdout.read()
        words = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        told = "\n".join((output + words).splitlines()[-LINES_SHOWN:])
        raise IntentError(f"bench: {' '.join(command[:4])} failed.\n{told}")
    seconds = time.monotonic() - started
    cpu = usage.ru_utime + usage.ru_stime
    return Measured(seconds, cpu, usage.ru_maxrss * KIBIBYTE, output)


def measure_module(
    module: str, arguments: Sequence[str | Path], environment: Mapping[str, str]
) -> tuple[Measured, dict[str, Any]]:
    """Run a module of this package, whose last line is its result as JSON."""
    command = [sys.executable, "-m", f"intent.bench.{module}", *map(str, arguments)]
    measured = measure(command, environment)
    return measured, json.loads(measured.output.splitlines()[-1])
