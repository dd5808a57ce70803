"""What the commands do, from the seeds folder and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from intent.errors import BadInputError
from intent.rules.changes import Change, find_changes, render_changed
from intent.rules.checks import find_faults, understand
from intent.rules.csv_files import read_seeds
from intent.rules.tables import Fault, Table
from intent.rules.workbook_reader import load_reading
from intent.rules.workbook_writer import save_workbook
from intent.rules.writing import replace_all


@dataclass(frozen=True)
class ImportPlan:
    """What an import found, and what it would write."""

    faults: list[Fault]
    notes: list[str]
    changes: list[Change]
    contents: Mapping[PurePosixPath, bytes]
    expected: Mapping[PurePosixPath, str | None]
    """The seeds' fingerprints that the plan was made on."""


def check_seeds(seeds: Path) -> list[Fault]:
    """Return everything that is wrong with the seeds."""
    reading = read_seeds(seeds)
    return find_faults(reading, understand(reading))


def valid_tables(seeds: Path) -> dict[str, Table]:
    """Return the rule sheets of the seeds.

    Raises:
        BadInputError: there are faults.
    """
    reading = read_seeds(seeds)
    tables = understand(reading)
    refuse_faults(find_faults(reading, tables))
    return tables


def export_workbook(seeds: Path, path: Path, *, overwrite: bool) -> dict[str, Table]:
    """Write the seeds to a workbook, and return what was written.

    Raises:
        BadInputError: the seeds have faults, or `path` is no workbook's name.
        UnavailableError: `path` exists and `overwrite` is False, or can't be written.
    """
    reading = read_seeds(seeds)
    tables = understand(reading)
    refuse_faults(find_faults(reading, tables))
    save_workbook(path, tables, reading.fingerprints, overwrite=overwrite)
    return tables


def plan_import(seeds: Path, path: Path) -> ImportPlan:
    """Return what importing a workbook would change; writes nothing.

    Raises:
        BadInputError: the file isn't a workbook that can be read.
        UnavailableError: the file or the seeds can't be read.
    """
    present, wanted = read_seeds(seeds), load_reading(path)
    before, after = understand(present), understand(wanted)
    faults = find_faults(wanted, after)
    notes = list(wanted.notes)
    if faults:
        return ImportPlan(faults, notes, [], {}, {})
    outdated = [
        name
        for name, known in wanted.fingerprints.items()
        if present.fingerprints.get(name) != known
    ]
    if outdated:
        notes.append(
            "Changed by somebody else since this workbook was exported: "
            f"{', '.join(outdated)}. The import would undo what is not in the workbook."
        )
    changed = render_changed(before, after)
    return ImportPlan(
        faults,
        notes,
        find_changes(before, after),
        {sheet.path: content for sheet, content in changed.items()},
        {sheet.path: present.fingerprints.get(sheet.name) for sheet in changed},
    )


def apply_import(seeds: Path, plan: ImportPlan) -> None:
    """Write a plan's files, all or none.

    Raises:
        BadInputError: the plan has faults, or a seed changed since it was made.
        UnavailableError: another import is at work, or the disk says no.
    """
    refuse_faults(plan.faults)
    if plan.contents:
        replace_all(seeds, plan.contents, plan.expected)


def refuse_faults(faults: list[Fault]) -> None:
    """Raise BadInputError if there are faults."""
    if faults:
        first = faults[0]
        number = "a fault" if len(faults) == 1 else f"{len(faults)} faults, the first"
        wrong = f"{first.value} {first.wrong}".strip()
        raise BadInputError(
            f"The rule sheets have {number} in {first.sheet}: {wrong}. See it all "
            "with: intent rules check"
        )
