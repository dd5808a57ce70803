"""Runs dbt as a process of its own, shows how far it is, and words its failures."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from intent.console import err
from intent.errors import BadInputError, IntentError, UnavailableError
from intent.settings import Places

# Events of dbt's structured log that say what went wrong.
FAILURE_EVENTS = {
    "MainEncounteredError",
    "RunResultError",
    "RunResultFailure",
    "LogTestResult",
    "SQLRunnerException",
}


@dataclass
class DbtRun:
    """What a run of dbt came to."""

    succeeded: bool = False
    failures: list[str] = field(default_factory=list)


def dbt_executable() -> str:
    """The `dbt` command beside the Python that runs this."""
    return str(Path(sys.executable).with_name("dbt"))


def dbt_environment(places: Places) -> dict[str, str]:
    """The environment in which dbt finds the same places as we do."""
    return {
        **os.environ,
        "INTENT_DUCKDB_PATH": str(places.warehouse),
        "INTENT_LANDING": str(places.landing),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def run_dbt(
    places: Places,
    arguments: Sequence[str],
    variables: Mapping[str, Any] | None = None,
) -> None:
    """Run dbt on the project, with a progress bar in a terminal.

    Raises:
        BadInputError: a file or rule sheet can't be used.
        UnavailableError: the warehouse is locked, or the disk is full.
        IntentError: anything else failed; the message holds dbt's words.
    """
    places.warehouse.parent.mkdir(parents=True, exist_ok=True)
    command = [dbt_executable(), "--log-format", "json", *arguments]
    command += ["--project-dir", str(places.project)]
    command += ["--profiles-dir", str(places.project)]
    if variables:
        command += ["--vars", json.dumps(dict(variables))]
    with subprocess.Popen(  # noqa: S603 - our own command, no shell
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=dbt_environment(places),
        cwd=Path.cwd(),
    ) as process:
        if process.stdout is None:
            raise IntentError("dbt gave no output to read.")
        run = follow(process.stdout)
    run.succeeded = process.returncode == 0
    if not run.succeeded:
        raise failure(run.failures, places)


def follow(lines: Iterator[str] | Any) -> DbtRun:
    """Read dbt's structured log to its end, showing progress on the way."""
    run = DbtRun()
    columns = (
        TextColumn("[bold]dbt"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("reading the project", total=None)
        for line in lines:
            event = parse_event(line)
            if event is None:
                run.failures.append(line.rstrip())
                continue
            name, data = event["info"]["name"], event["data"]
            if name == "LogStartLine":
                label = data["node_info"]["node_name"]
                progress.update(task, total=data["total"], description=label)
            elif "total" in data and "status" in data and name.startswith("Log"):
                progress.update(task, completed=data["index"])
            if event["info"]["level"] == "error":
                run.failures.append(event["info"]["msg"])
    return run


def parse_event(line: str) -> dict[str, Any] | None:
    """One line of dbt's structured log; None where it is not one."""
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return None
    if not (isinstance(event, dict) and "info" in event and "data" in event):
        return None
    return event


def failure(messages: Sequence[str], places: Places) -> IntentError:
    """The error that stands for what dbt said."""
    text = "\n".join(clean_message(message) for message in messages if message.strip())
    if "Could not set lock on file" in text or "already open in" in text:
        return UnavailableError(
            f"The warehouse {places.warehouse} is in use by another process. Close it "
            "there (BI tools should read data/published/ instead), then try again."
        )
    if re.search(r"No space left|could not write all bytes|File too large", text, re.I):
        return UnavailableError(
            f"The disk of {places.warehouse} is full. What was built before is intact. "
            f"Make room, then try again.\n{text}"
        )
    if re.search(r"can not be used", text):
        return BadInputError(text)
    return IntentError(f"The build failed.\n{text}")


def clean_message(message: str) -> str:
    """A message of dbt without colours, call stacks or values of the data."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", message)
    plain = re.sub(r"\n\s*> (in macro|called by).*", "", plain)
    # DuckDB quotes the line that it could not read: it may be a person's.
    plain = re.sub(r"Original Line:.*?\n(?=\S)", "", plain, flags=re.S)
    plain = re.sub(r"\n*\s*Possible fixes:.*?(?=\n\s*file = |\Z)", "", plain, flags=re.S)
    return plain.strip()
