"""Keeps erased contacts from coming back: looks at new files by the keyed hashes.

`checked` lists the landing files that are known to hold no row of an erased contact, so
that each is looked at once, and so that a plain `dbt build` can tell that a file was
not.
"""

import csv
import io
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.compute as pc

from intent.contracts import read_contracts
from intent.erasure.databases import opened
from intent.erasure.files import write_whole
from intent.erasure.identifiers import KINDS, Erased, Identifier, canonical
from intent.erasure.keyring import Hashes, Keyring, open_keyring, read_hashes
from intent.erasure.landed import Changes, inspect, rewrite
from intent.erasure.resolve import Identity
from intent.erasure.rows import Columns, Shape, Verdict, in_set, nothing, shapes_of
from intent.erasure.survey import Known, LandedFile, landed_files, survey
from intent.errors import UnavailableError
from intent.settings import Places

CHECKED = "checked.csv"


@dataclass(frozen=True)
class Guard:
    """Knows erased contacts by their hashes."""

    keyring: Keyring
    hashes: Hashes
    known: Known

    def erased_in(self, files: Collection[LandedFile]) -> Erased:
        """The erased identifiers and keys that stand in some files."""
        listed = self.hashes.all
        found: dict[str, set[str]] = {}
        passed: dict[str, set[str]] = {}

        def look(shape: Shape) -> Callable[[Columns, int], Verdict]:
            def judged(columns: Columns, count: int) -> Verdict:
                for name in {*KINDS, *shape.keys} & set(columns):
                    values = spellings(columns, name) - passed.setdefault(name, set())
                    passed[name] |= values
                    found.setdefault(name, set()).update(
                        each
                        for each in values
                        if self.keyring.hash(name, each) in listed
                    )
                return nothing(count)

            return judged

        for file in files:
            inspect(file.path, look(file.shape))
        return Erased(
            identifiers=frozenset(
                Identifier(kind, each)
                for kind in KINDS
                for each in found.get(kind, set())
            ),
            keys=frozenset(
                (name, each)
                for name, values in found.items()
                for each in values
                if name not in KINDS
            ),
        )

    def clean(self, files: Collection[LandedFile]) -> dict[str, Changes]:
        """Take the rows of erased contacts out of files, and say how many of each."""
        erased = self.erased_in(files)
        if not erased.identifiers and not erased.keys:
            return {}
        found = survey(files, erased, self.known, widens=False)
        for file in files:
            if file.name in found.changes:
                file.rewritten(found.erased)
        return found.changes

    def clean_refused(self, file: Path) -> int:
        """Take the rows that name an erased identifier out of any Parquet file."""
        listed = self.hashes.all

        def judged(columns: Columns, count: int) -> Verdict:
            verdict = nothing(count)
            for texts in columns.values():
                values = {
                    text.strip()
                    for text in pc.unique(texts).to_pylist()
                    if text and self.names_erased(text, listed)
                }
                verdict.removed |= in_set(texts, frozenset(values))
            return verdict

        return rewrite(file, judged).removed

    def names_erased(self, text: str, listed: frozenset[str]) -> bool:
        """True if a text, or one of the words in it, is an erased identifier."""
        return any(
            self.keyring.hash(kind, value) in listed
            for word in words(text)
            for kind in KINDS
            if (value := canonical(kind, word))
        )


def read_guard(places: Places) -> Guard | None:
    """Take the keyed hashes and the key; None if nobody was ever erased.

    Raises:
        BadInputError: contacts were erased, and the key is not set, or not the right
            one.
    """
    hashes = read_hashes(places.erasures)
    if not hashes.all:
        return None
    return Guard(open_keyring(hashes), hashes, known_to(places.warehouse))


def known_to(warehouse: Path) -> Known:
    """Asks a warehouse whom it knows, if there is one that can be read."""

    def known(identifiers: Collection[Identifier]) -> set[Identifier]:
        try:
            with opened(warehouse, alone=False) as (connection, database):
                return Identity(connection, database).known(identifiers)
        except UnavailableError:
            return set()

    return known


def keep_out_erased(places: Places) -> dict[str, Changes]:
    """Take rows of erased contacts out of the landing files not yet looked at.

    Returns:
        How many rows of each file were removed or changed.

    Raises:
        BadInputError: the key is not set, or not the right one; a file can't be read.
    """
    hashes = read_hashes(places.erasures)
    if not hashes.all:
        return {}
    shapes = shapes_of(read_contracts(places.staging))
    checked = read_checked(places.erasures)
    landed = landed_files(places.landing, shapes)
    found = fingerprints(places.landing, [each.path for each in landed])
    files = [each for each in landed if checked.get(each.name) != found[each.name]]
    if not files:
        return {}
    guard = Guard(open_keyring(hashes), hashes, known_to(places.warehouse))
    changes = guard.clean(files)
    mark_checked(places, {each.name for each in files})
    return changes


def spellings(columns: Columns, name: str) -> set[str]:
    """The different values of a column, each as it is hashed."""
    texts = {each for each in pc.unique(columns[name]).to_pylist() if each}
    return {canonical(name, each) for each in texts} - {""}


def words(text: str) -> set[str]:
    """A text, and what stands in it between the marks of CSV and JSON."""
    return {text, *re.split(r"[\s,;|\"'{}\[\]<>=&?]+", text)}


def fingerprints(landing: Path, files: Collection[Path]) -> dict[str, str]:
    """What tells files that were changed, as the build has it, by place in the folder.

    DuckDB is asked, since the build asks it as well.
    """
    if not files:
        return {}
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select filename, size || ' ' || epoch_us(last_modified) from read_blob(?)",
            [[str(each) for each in files]],
        ).fetchall()
    return {Path(name).relative_to(landing).as_posix(): text for name, text in rows}


def read_checked(erasures: Path) -> dict[str, str]:
    """The files that were looked at, with their fingerprints."""
    file = erasures / CHECKED
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as lines:
        return {row["source_file"]: row["fingerprint"] for row in csv.DictReader(lines)}


def mark_checked(places: Places, names: Collection[str]) -> None:
    """Note that files of the landing folder hold no row of an erased contact."""
    checked = read_checked(places.erasures)
    paths = [places.landing / name for name in names]
    checked.update(fingerprints(places.landing, paths))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["source_file", "fingerprint"])
    writer.writerows(
        row for row in sorted(checked.items()) if (places.landing / row[0]).exists()
    )
    write_whole(places.erasures / CHECKED, text.getvalue().encode())


def forget_checked(places: Places) -> None:
    """Have every file looked at again."""
    (places.erasures / CHECKED).unlink(missing_ok=True)
