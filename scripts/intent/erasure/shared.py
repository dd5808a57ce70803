"""Shared identifiers that stay shared, although one who shared them was erased.

A tablet that two people use joins neither of them. If one of them were simply gone, it
would seem to be the other's, with all that was done on it. So what was shared is noted,
and the build goes on to take it for shared. It is not the erased contact's, so it may
be noted as it is.
"""

import csv
import io
from collections.abc import Collection, Mapping
from pathlib import Path

from intent.erasure.files import write_whole
from intent.erasure.identifiers import Identifier
from intent.erasure.resolve import parse

FILE = "shared.csv"


def note_shared(
    erasures: Path, shared: Mapping[str, str], erased: Collection[Identifier]
) -> None:
    """Note identifiers that are shared, and since when; forget those that are erased.

    Args:
        erasures: the folder of erasures.
        shared: the day from which on each is shared, by its name in the warehouse.
        erased: what is not to be named any more.
    """
    file = erasures / FILE
    noted: dict[str, str] = {}
    if file.exists():
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                noted[row["identifier"]] = row["shared_from"]
    for name, day in shared.items():
        noted[name] = min(day, noted.get(name, day))
    rows = [row for row in sorted(noted.items()) if parse(row[0]) not in erased]
    if not rows and not file.exists():
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["identifier", "shared_from"])
    writer.writerows(rows)
    write_whole(file, text.getvalue().encode())
