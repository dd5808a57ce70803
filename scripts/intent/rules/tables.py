"""Rule sheets in memory: as they were read, as they were understood, and faults."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from intent.rules.sheets import SHEETS, Sheet

Value = str | bool | Decimal | None
"""What a cell means. None is a blank."""

LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Fault:
    """Something wrong in a rule sheet, and what would be right."""

    sheet: str
    row: int | None
    """As the reader counts: the spreadsheet's row, or the file's line."""
    column: str | None
    value: str
    wrong: str
    allowed: str

    def order(self) -> tuple[int, int, int]:
        """Return the fault's place among others: by sheet, row and column."""
        names = [sheet.name for sheet in SHEETS]
        if self.sheet not in names:
            return (-1, 0, 0)
        sheet_at = names.index(self.sheet)
        columns = SHEETS[sheet_at].column_names
        column_at = columns.index(self.column) if self.column in columns else -1
        return (sheet_at, self.row or 0, column_at)


@dataclass(frozen=True)
class RawRow:
    """A row as it was read: whatever the file's cells held."""

    number: int
    cells: Mapping[str, object]
    """By column name."""


@dataclass(frozen=True)
class RawTable:
    """A sheet as it was read, with what is wrong with its shape."""

    sheet: Sheet
    rows: tuple[RawRow, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Row:
    """A row that was understood."""

    number: int
    values: Mapping[str, Value]
    """By column name; a cell that wasn't understood is absent."""
    texts: Mapping[str, str]
    """Every cell as it was written."""


@dataclass(frozen=True)
class Table:
    """A sheet that was understood as far as it goes."""

    sheet: Sheet
    rows: tuple[Row, ...] = ()
    faults: tuple[Fault, ...] = ()
    is_readable: bool = True
    """False where the sheet is missing or its header is wrong."""

    def texts(self, column: str) -> set[str]:
        """Return all that is written in `column`."""
        return {row.texts[column] for row in self.rows}


Tables = Mapping[str, Table]
"""All rule sheets, by name."""


@dataclass(frozen=True)
class Reading:
    """All rule sheets as they were read from a file or folder."""

    tables: Mapping[str, RawTable]
    faults: tuple[Fault, ...] = ()
    """About the whole, not about one sheet."""
    notes: tuple[str, ...] = ()
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    """Of the seeds that the reading stands for, by sheet."""


def all_faults(tables: Iterable[Table]) -> list[Fault]:
    """Return the faults of all tables, in reading order."""
    return sorted(
        (fault for table in tables for fault in table.faults), key=Fault.order
    )


def to_text(value: Value) -> str:
    """Return how a value is written in a seed."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return _number_text(value)
    return value


def _number_text(number: Decimal) -> str:
    if number == 0:
        return "0"  # never -0
    return format(number.normalize(), "f")


def is_unseen(character: str) -> bool:
    """Return whether a character is a line break, a control or no character at all."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or (
        ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF
    )


def shown(value: object) -> str:
    """Return a cell's content fit for a message: short, and safe for a terminal."""
    text = "" if value is None else str(value)
    text = "".join(
        character.encode("unicode_escape", "backslashreplace").decode()
        if is_unseen(character)
        else character
        for character in text[: LONGEST_SHOWN + 1]
    )
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
