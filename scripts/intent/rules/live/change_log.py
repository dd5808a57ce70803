"""Which sheet became the primary one, when and why: the seed `sheet_changes`."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath

from intent.errors import BadInputError, UnavailableError
from intent.rules.csv_files import write_seed

PLACE = PurePosixPath("rules/sheet_changes.csv")
MOMENT = "%Y-%m-%d %H:%M:%S"
DIGITS = 16


class Kind(StrEnum):
    """What was done."""

    PUBLISH = "publish"
    ROLLBACK = "rollback"


@dataclass(frozen=True)
class Entry:
    """One line of the log."""

    changed_at: str
    """UTC."""
    change: str
    score_model: str
    """The sheet that became the primary one."""
    replaced: str
    """The one that was it before."""
    why: str
    contacts: str = ""
    """How many were scored when it was planned; '' of a rollback."""
    contacts_moved: str = ""
    """How many of them were to be in another segment; '' of a rollback."""
    rows_before: str = ""
    """Status and is_primary of both sheets, spelt as before; see `spell_rows`."""
    seeds_before: str = ""
    """What tells the rule sheets from others, before."""
    seeds_after: str = ""


COLUMNS = tuple(field.name for field in fields(Entry))
Rows = Mapping[str, Mapping[str, str]]
"""Of each sheet, status and is_primary."""


def read_log(seeds: Path) -> tuple[bytes | None, list[Entry]]:
    """The log's file, None if there is none yet, and its entries in order.

    Raises:
        BadInputError: it is not as it was written.
        UnavailableError: it can't be read.
    """
    path = seeds / PLACE
    try:
        content = path.read_bytes()
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    except FileNotFoundError:
        return None, []
    except OSError as error:
        raise UnavailableError(f"{path} can't be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"{PLACE} is no CSV file in UTF-8. {RESTORE}") from error
    rows = [row for row in rows if row]
    if not rows or tuple(rows[0]) != COLUMNS:
        raise BadInputError(f"{PLACE} has not the columns that it had. {RESTORE}")
    entries: list[Entry] = []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(COLUMNS) or row[1] not in list(Kind):
            raise BadInputError(f"{PLACE}, row {number} was changed by hand. {RESTORE}")
        entries.append(Entry(*row))
    return content, entries


RESTORE = "Restore it, such as from version control; the log is not to be edited."


def with_entry(content: bytes | None, entry: Entry) -> bytes:
    """The log's file with one entry more; what stood there stays, to the byte."""
    added = write_seed(COLUMNS, [astuple(entry)])
    if content is None:
        return added
    _, _, line = added.partition(b"\n")
    return content + (b"" if content.endswith(b"\n") else b"\n") + line


def last_publish(entries: Sequence[Entry]) -> Entry | None:
    """The publish that holds: the last one that was not rolled back."""
    held: list[Entry] = []
    for entry in entries:
        if entry.change == Kind.PUBLISH:
            held.append(entry)
        elif held:
            held.pop()
    return held[-1] if held else None


def spell_rows(rows: Rows) -> str:
    """Status and is_primary of sheets as one text: `a active true; b draft false`."""
    return "; ".join(
        f"{name} {cells['status']} {cells['is_primary']}"
        for name, cells in rows.items()
    )


def read_rows(text: str) -> dict[str, dict[str, str]]:
    """What `spell_rows` spelt.

    Raises:
        BadInputError: it is no such text.
    """
    rows: dict[str, dict[str, str]] = {}
    for part in text.split("; "):
        words = part.split(" ")
        if len(words) != len(("name", "status", "is_primary")):
            raise BadInputError(
                f"{PLACE}: '{text}' does not say what was before. {RESTORE}"
            )
        rows[words[0]] = {"status": words[1], "is_primary": words[2]}
    return rows


def fingerprint_of_all(fingerprints: Mapping[str, str]) -> str:
    """What tells one state of all rule sheets from another, in few characters."""
    told = "\n".join(f"{name} {fingerprints[name]}" for name in sorted(fingerprints))
    return hashlib.sha256(told.encode()).hexdigest()[:DIGITS]


def moment(at: datetime) -> str:
    """A moment, UTC, as the log spells it."""
    return f"{at:{MOMENT}}"
