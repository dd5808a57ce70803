"""What an erasure did, for the person who asked and for whoever has to prove it.

The file that is kept names nobody: counts, places, and the erasure's own id.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from intent.erasure.files import write_whole
from intent.errors import BadInputError

PLANNED = "planned"
STARTED = "started"
DONE = "done"


@dataclass
class Removal:
    """What was taken out of one file or table."""

    place: str
    """Kind of place, such as `landing` or `warehouse`."""
    name: str
    """The file within it, or the table."""
    rows_removed: int
    rows_changed: int = 0
    """Rows of others of which a value was blanked."""


@dataclass
class Certificate:
    """What an erasure did, or is about to do."""

    erasure_id: str
    status: str
    requested_at: str
    finished_at: str | None = None
    identifiers: dict[str, int] = field(default_factory=dict)
    records: dict[str, int] = field(default_factory=dict)
    """How many records of other tables went with the contact, by their key."""
    linked_but_left: dict[str, int] = field(default_factory=dict)
    """Identifiers that were linked once, and stay as they are others' too."""
    removals: list[Removal] = field(default_factory=list)
    files_removed: list[str] = field(default_factory=list)
    """Files of dbt that held an identifier; dbt makes them anew."""
    to_tell: dict[str, int] = field(default_factory=dict)
    """How many records destinations are still to delete, by sync."""
    told: dict[str, str] = field(default_factory=dict)
    """When the destination of a sync had deleted all of them."""
    verified: list[str] = field(default_factory=list)
    to_clean_yourself: list[str] = field(default_factory=list)

    def merge(self, earlier: "Certificate") -> None:
        """Take over what an earlier run of the same erasure, cut short, had found."""
        self.requested_at = earlier.requested_at
        names = {(each.place, each.name) for each in earlier.removals}
        self.removals = earlier.removals + [
            each for each in self.removals if (each.place, each.name) not in names
        ]
        for mine, theirs in (
            (self.identifiers, earlier.identifiers),
            (self.records, earlier.records),
            (self.linked_but_left, earlier.linked_but_left),
        ):
            for name, count in theirs.items():
                mine[name] = max(count, mine.get(name, 0))
        self.to_tell = {**earlier.to_tell, **self.to_tell}
        self.told = earlier.told
        self.files_removed = [*{*earlier.files_removed, *self.files_removed}]
        self.to_clean_yourself = sorted(
            {*earlier.to_clean_yourself, *self.to_clean_yourself}
        )

    def write(self, erasures: Path) -> None:
        """Keep the certificate."""
        text = json.dumps(asdict(self), indent=2) + "\n"
        write_whole(erasures / f"{self.erasure_id}.json", text.encode())

    def lines(self) -> Iterable[str]:
        """The certificate for people, line by line."""
        yield f"Erasure {self.erasure_id}: {self.status}"
        yield f"  requested   {self.requested_at}"
        if self.finished_at:
            yield f"  finished    {self.finished_at}"
        yield f"  identifiers {listed(self.identifiers)}"
        if self.records:
            yield f"  records     {listed(self.records)}"
        if self.linked_but_left:
            yield (
                f"  left        {listed(self.linked_but_left)}: linked once, but to "
                "others as well"
            )
        for each in sorted(self.removals, key=lambda each: (each.place, each.name)):
            changed = f", {each.rows_changed:,} changed" if each.rows_changed else ""
            yield (
                f"  {each.place:<11} {each.name}: {each.rows_removed:,} rows removed"
                f"{changed}"
            )
        if self.files_removed:
            yield f"  dbt         {len(self.files_removed):,} files of logs or SQL"
        for sync, count in sorted(self.to_tell.items()):
            yield (
                f"  to tell     {sync}: {count:,} record{'s' * (count > 1)}; the next "
                f"`intent sync run {sync}` deletes them there"
            )
        yield from (
            f"  told        {sync}: deleted there by {moment}"
            for sync, moment in sorted(self.told.items())
        )
        yield from (f"  verified    {each}" for each in self.verified)
        yield from (f"  yours       {each}" for each in self.to_clean_yourself)

    def as_json(self) -> dict[str, Any]:
        """The certificate for machines."""
        return asdict(self)


def read_certificate(erasures: Path, erasure_id: str) -> Certificate | None:
    """Read the certificate of an erasure; None if there is none.

    Raises:
        BadInputError: it is not what we wrote.
    """
    file = erasures / f"{erasure_id}.json"
    if not file.exists():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        removals = [Removal(**each) for each in content.pop("removals")]
        return Certificate(**content, removals=removals)
    except (ValueError, TypeError, KeyError) as error:
        raise BadInputError(
            f"{file} is damaged. Move it away, then give the same command again."
        ) from error


def cut_short(erasures: Path) -> list[str]:
    """The ids of erasures that were begun and are not done."""
    return [
        each.erasure_id for each in certificates(erasures) if each.status == STARTED
    ]


def certificates(erasures: Path) -> Iterator[Certificate]:
    """The certificates of all erasures."""
    for file in sorted(erasures.glob("*.json")):
        certificate = read_certificate(erasures, file.stem)
        if certificate is not None:
            yield certificate


def listed(counts: dict[str, int]) -> str:
    """Counts by name in one line."""
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))


def now() -> str:
    """This moment, UTC, to the second."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def without_mentions(name: str, pattern: str | None) -> str:
    """A file's name as it may be kept: not if an identifier stands in it."""
    if pattern and re.search(pattern, name, re.IGNORECASE):
        return "(a file whose name holds an identifier)"
    return name
