"""Finds the rows of an erased contact in landing files, whatever they refer to."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from intent.erasure.files import visible_files
from intent.erasure.identifiers import Erased, Identifier
from intent.erasure.landed import Changes, inspect, is_readable, rewrite
from intent.erasure.rows import Columns, Shape, Verdict, distinct, judge

Known = Callable[[Collection[Identifier]], set[Identifier]]
"""Tells which of some identifiers are somebody's whom the warehouse knows."""


@dataclass(frozen=True)
class LandedFile:
    """A landing file, and what its columns mean."""

    path: Path
    name: str
    """Its place in the landing folder, as the warehouse has it."""
    shape: Shape

    def judged(self, erased: Erased, seen: "Seen | None" = None) -> Changes:
        """Count what would be changed, and note in `seen` what stands there."""
        return inspect(self.path, self._judge(erased, seen))

    def rewritten(self, erased: Erased) -> Changes:
        """Write the file anew without what is erased."""
        return rewrite(self.path, self._judge(erased, None))

    def _judge(
        self, erased: Erased, seen: "Seen | None"
    ) -> Callable[[Columns, int], Verdict]:
        def judged(columns: Columns, count: int) -> Verdict:
            verdict = judge(columns, count, self.shape, erased)
            if seen is not None:
                seen.note(self, columns, verdict)
            return verdict

        return judged


@dataclass
class Seen:
    """What was seen on the way through the files."""

    companions: set[Identifier] = field(default_factory=set)
    accompanied: set[Identifier] = field(default_factory=set)
    keys: set[tuple[str, str]] = field(default_factory=set)
    kept_keys: set[tuple[str, str]] = field(default_factory=set)
    row_keys: set[tuple[str, str]] = field(default_factory=set)
    """Files and own keys of the rows that go."""

    def note(self, file: LandedFile, columns: Columns, verdict: Verdict) -> None:
        """Note what a batch tells."""
        self.companions |= verdict.companions
        self.accompanied |= verdict.accompanied
        self.keys |= verdict.keys
        self.kept_keys |= verdict.kept_keys
        own = file.shape.own_key
        if own is not None and own in columns and verdict.removed.any():
            self.row_keys |= {
                (file.name, each) for each in distinct(columns[own], verdict.removed)
            }


@dataclass
class Survey:
    """What is to be erased, and where it stands in the landing folder."""

    erased: Erased
    changes: dict[str, Changes] = field(default_factory=dict)
    """By file; those in which something changes."""
    row_keys: set[tuple[str, str]] = field(default_factory=set)


def landed_files(landing: Path, shapes: Mapping[str, Shape]) -> list[LandedFile]:
    """The landing files that hold rows; those of no known table may hold any key."""
    every_key = frozenset().union(*(each.keys for each in shapes.values()))
    files = []
    for path in visible_files(landing):
        name = path.relative_to(landing).as_posix()
        table = table_of(name)
        if is_readable(path):
            shape = shapes.get(table, Shape(table, keys=every_key))
            files.append(LandedFile(path, name, shape))
    return files


def table_of(name: str) -> str:
    """The table of a landing file, by its place in the folder."""
    return ".".join(name.split("/")[:2])


def survey(
    files: Iterable[LandedFile], erased: Erased, known: Known, *, widens: bool
) -> Survey:
    """Find the rows that go, and the records and rows that go with these.

    Args:
        files: the landing files.
        erased: the identifiers, and keys if there are some, to begin with.
        known: tells who is known.
        widens: erase as well the identifiers that nobody knows (all rows with them were
            set aside) and that stand in no row but the contact's own.
    """
    files = list(files)
    told: set[Identifier] = set()
    kept: set[tuple[str, str]] = set()
    while True:
        found, seen = Survey(erased), Seen()
        for file in files:
            if changes := file.judged(erased, seen):
                found.changes[file.name] = changes
        found.row_keys = seen.row_keys
        strangers = seen.companions - told - erased.identifiers
        others = known(strangers) if strangers else set()
        told |= strangers
        wider = replace(erased, others=erased.others | others)
        if widens and strangers - others:
            theirs = only_beside(files, wider, strangers - others)
            wider = replace(wider, identifiers=wider.identifiers | theirs)
        kept |= seen.kept_keys
        wider = replace(wider, keys=(wider.keys | seen.keys) - kept)
        if wider == erased:
            return found
        erased = wider


def only_beside(
    files: Iterable[LandedFile], erased: Erased, strangers: set[Identifier]
) -> frozenset[Identifier]:
    """Those of the strangers that stand beside nobody but the erased contact."""
    seen = Seen()
    with_them = replace(erased, identifiers=erased.identifiers | strangers)
    for file in files:
        file.judged(with_them, seen)
    return frozenset(strangers - seen.accompanied)
