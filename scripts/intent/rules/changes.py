"""What an import would change in the seeds. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from intent.rules.csv_files import write_seed
from intent.rules.sheets import SHEETS, Column, Sheet
from intent.rules.tables import Row, Table, Tables, to_text


class ChangeKind(Enum):
    """What became of a row, or of a sheet's order or file."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    REORDERED = "reordered"
    REWRITTEN = "rewritten"


@dataclass(frozen=True)
class Change:
    """One change of a rule sheet."""

    sheet: str
    kind: ChangeKind
    key: tuple[str, ...] = ()
    """Of the row; empty where the change is the whole sheet's."""
    cells: Mapping[str, tuple[str, str]] | None = None
    """Before and after, by column."""


def find_changes(present: Tables, wanted: Tables) -> list[Change]:
    """Return what changes from the present seeds to the wanted, valid ones."""
    return [
        change
        for sheet in SHEETS
        for change in _sheet_changes(present[sheet.name], wanted[sheet.name])
    ]


def render_changed(present: Tables, wanted: Tables) -> dict[Sheet, bytes]:
    """Return the new content of each seed that changes."""
    changed = {change.sheet for change in find_changes(present, wanted)}
    return {
        sheet: render(wanted[sheet.name], present[sheet.name])
        for sheet in SHEETS
        if sheet.name in changed
    }


def render(table: Table, present: Table | None = None) -> bytes:
    """Return a table as a seed.

    A value that didn't change keeps its spelling in `present` (3.0 stays 3.0), so that
    a review shows nothing but what changed.
    """
    columns = table.sheet.columns
    before = _by_key(present) if present else {}
    rows = [
        [
            _spelling(column, row, before.get(_key(table.sheet, row)))
            for column in columns
        ]
        for row in table.rows
    ]
    return write_seed(table.sheet.column_names, rows)


def _sheet_changes(present: Table, wanted: Table) -> list[Change]:
    sheet = wanted.sheet
    if not present.is_readable:
        return [Change(sheet.name, ChangeKind.REWRITTEN)]
    before, after = _by_key(present), _by_key(wanted)
    changes = [
        Change(sheet.name, ChangeKind.REMOVED, key, _cells(sheet, row, None))
        for key, row in before.items()
        if key not in after
    ]
    for key, row in after.items():
        cells = _cells(sheet, before.get(key), row)
        if key not in before:
            changes.append(Change(sheet.name, ChangeKind.ADDED, key, cells))
        elif cells:
            changes.append(Change(sheet.name, ChangeKind.CHANGED, key, cells))
    stayed = [key for key in before if key in after]
    has_repeats = len(before) < len(present.rows)
    if has_repeats or stayed != [key for key in after if key in before]:
        changes.append(Change(sheet.name, ChangeKind.REORDERED))
    return changes


def _by_key(table: Table) -> dict[tuple[str, ...], Row]:
    return {_key(table.sheet, row): row for row in table.rows}


def _key(sheet: Sheet, row: Row) -> tuple[str, ...]:
    return tuple(row.texts[column] for column in sheet.key)


def _cells(
    sheet: Sheet, before: Row | None, after: Row | None
) -> dict[str, tuple[str, str]]:
    """Return the columns that differ; of a row that comes or goes, the filled ones."""
    return {
        column.name: (_text(column, before), _text(column, after))
        for column in sheet.columns
        if not _is_same(column, before, after)
        and (_text(column, before) or _text(column, after))
    }


def _is_same(column: Column, before: Row | None, after: Row | None) -> bool:
    if before is None or after is None or column.name not in before.values:
        return False
    return before.values[column.name] == after.values[column.name]


def _text(column: Column, row: Row | None) -> str:
    if row is None:
        return ""
    if column.name in row.values:
        return to_text(row.values[column.name])
    return row.texts[column.name]


def _spelling(column: Column, row: Row, before: Row | None) -> str:
    if before is not None and _is_same(column, before, row):
        return before.texts[column.name]
    return to_text(row.values[column.name])
