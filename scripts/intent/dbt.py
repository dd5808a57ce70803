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
from intent.warehouse import LOCK_WORDS, in_use

SECONDS_TO_END = 5.0
VARS = r"intent_(?:as_of|target|evaluation|evaluation_active_days)"
"""The vars of which dbt says that they can't be used."""


@dataclass
class DbtRun:
    """What a run of dbt came to."""

    succeeded: bool = False
    failures: list[str] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)
    """Lines that are none of dbt's log: what Python says when dbt itself fails."""


def dbt_executable() -> str:
    """The `dbt` command beside the Python that runs this."""
    return str(Path(sys.executable).with_name("dbt"))


def dbt_environment(places: Places) -> dict[str, str]:
    """The environment in which dbt finds the same places as we do."""
    return {
        **os.environ,
        "INTENT_DUCKDB_PATH": str(places.warehouse),
        "INTENT_LANDING": str(places.landing),
        "INTENT_ERASURES": str(places.erasures),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def run_dbt(
    places: Places,
    arguments: Sequence[str],
    variables: Mapping[str, Any] | None = None,
    label: str = "dbt",
) -> None:
    """Run dbt on the project, with a progress bar in a terminal that has the label.

    Raises:
        BadInputError: a file or rule sheet can't be used.
        UnavailableError: the warehouse is locked, or the disk is full.
        IntentError: anything else failed; the message holds dbt's words.
    """
    make_folder_of(places.warehouse)
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
        try:
            run = follow(process.stdout, label)
        except BaseException:
            end(process)
            raise
    run.succeeded = process.returncode == 0
    if not run.succeeded:
        raise failure(run.failures or run.noise, places)


def end(process: subprocess.Popen[str]) -> None:
    """End dbt when we are stopped; what it had not finished, the next build does."""
    process.terminate()
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()


def make_folder_of(warehouse: Path) -> None:
    """Make the folder that the warehouse is to stand in.

    Raises:
        UnavailableError: that can't be.
    """
    try:
        warehouse.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(
            f"The folder of the warehouse {warehouse} can't be made: {error.strerror}. "
            "Set INTENT_DUCKDB_PATH to another place."
        ) from error


def follow(lines: Iterator[str] | Any, label: str) -> DbtRun:
    """Read dbt's structured log to its end, showing progress on the way."""
    run = DbtRun()
    columns = (
        TextColumn(f"[bold]{label}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(
        *columns, console=err, transient=True, disable=not err.is_terminal
    ) as progress:
        task = progress.add_task("reading the project", total=None)
        for line in lines:
            event = parse_event(line)
            if event is None:
                run.noise.append(line.rstrip())
                continue
            name, data = event["info"]["name"], event["data"]
            if name == "LogStartLine":
                label = data["node_info"]["node_name"]
                progress.update(task, total=data["total"], description=label)
            elif "total" in data and "status" in data and name.startswith("Log"):
                progress.update(task, completed=data["index"])
            if event["info"]["level"] == "error" and name != "MainStackTrace":
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
    raw = "\n".join(messages)
    text = "\n".join(dict.fromkeys(clean_message(each) for each in messages)).strip()
    if any(words in raw for words in LOCK_WORDS):
        return in_use(places.warehouse)
    if re.search(r"No space left|could not write all bytes|File too large", raw, re.I):
        return UnavailableError(
            f"The disk of {places.warehouse} is full. What was built before is intact. "
            f"Make room, then try again.\n{text}"
        )
    if re.search(r"(Cannot open|Could not read from) file|not a valid DuckDB", raw):
        return UnavailableError(
            f"The warehouse {places.warehouse} can't be opened.\n{text}"
        )
    if fault := unreadable_file(raw):
        return BadInputError(
            f"the landing folder {places.landing} can not be used:\n- {fault}"
        )
    if found := re.search(rf"the [^\n]+ can not be used:.*|{VARS}: .*", text, re.S):
        return BadInputError(found[0])
    return IntentError(f"The build failed.\n{text}")


def unreadable_file(message: str) -> str | None:
    """What keeps DuckDB from reading a landed file; None if the message is of no such.

    DuckDB quotes what it could not read, and that may be a person's. So nothing of its
    message is told but the file, the line and the kind of fault.
    """
    if "CSV Error on Line" in message or "CSV Parser state machine" in message:
        files = re.findall(r"^\s*file = (.+)$", message, re.M)
        lines = re.findall(r"CSV Error on Line: (\d+)", message)
        where = f"line {lines[0]} " if lines else ""
        return f"{files[-1]}: {where}{csv_fault(message)}" if files else None
    if found := re.search(
        r'JSON (?:transform error )?in file "(.+?)",.*? in (?:line|record/value) (\d+)',
        message,
    ):
        kind = re.search(r"byte order mark|UTF-8|duplicate key|but got [A-Z]+", message)
        return (
            f"{found[1]}: near line {found[2]}, what stands there is no object of JSON"
            + (f" ({kind[0]})" if kind else "")
        )
    if found := re.search(
        r"(?:magic bytes found at end of file|Error: File) '(.+?)'", message
    ):
        return f"{found[1]}: is no Parquet file, or not the whole of it"
    if found := re.search(r"Input is not a GZIP stream: (.+)", message):
        return f"{found[1].strip()}: is not gzipped, for all its name"
    return None


def csv_fault(message: str) -> str:
    """Why DuckDB could not read a line of a CSV file."""
    columns = re.findall(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    if columns:
        wanted, found = columns[-1]
        return f"has {found} values, but the header has {wanted}"
    if "byte sequence mismatch" in message:
        return "is not UTF-8. Save the file as UTF-8"
    if "unterminated quote" in message:
        return "has a quote that is not closed, or not doubled within a value"
    return "can not be read as CSV"


def clean_message(message: str) -> str:
    """A message of dbt without colours, call stacks or values of the data."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", message)
    plain = re.sub(r"\n\s*> (in macro|called by).*", "", plain)
    for before, after in (
        (r"Original Line:", r"\n\s*(?:Possible |file = )|\Z"),
        (r"Could not (?:convert|cast) (?:string|value) ", r" to '?[A-Z]{3}|\Z"),
        (r"(?:out of range|field format): ", r"\n|\Z"),
        (r"JSON transform error .*?: ", r"\n|\Z"),
        (r"(?<![^\s\"'<(])(?=[^\s\"'<(]+@)", r"[\s\"'>),]|\Z"),
    ):
        plain = re.sub(f"({before}).*?(?={after})", r"\1(left out)", plain, flags=re.S)
    return plain.strip()
