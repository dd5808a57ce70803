"""From what a cell holds to what it means, one column at a time. Pure."""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite

from intent.rules.sheets import (
    LARGEST_NUMBER,
    LONGEST_TEXT,
    MOST_DECIMALS,
    Column,
    Kind,
)
from intent.rules.tables import (
    Fault,
    RawRow,
    RawTable,
    Row,
    Table,
    Value,
    is_unseen,
    shown,
)

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
COMMA_NUMBER = re.compile(r"[+-]?[0-9.]*,[0-9]+")
LONGEST_NUMBER = 25  # within what Decimal rounds nothing of
SHEET_DIGITS = ".15g"  # all that a spreadsheet shows; hides 0.30000000000000004


class CellError(ValueError):
    """A cell that can't be understood: what is wrong, and what is allowed."""

    def __init__(self, wrong: str, allowed: str = "") -> None:
        """Say what is wrong; where `allowed` is empty, the column says it."""
        super().__init__(wrong)
        self.wrong = wrong
        self.allowed = allowed


class Unreadable:
    """A cell that its file holds no usable value for: a formula, an error."""

    def __init__(self, text: str, wrong: str, allowed: str) -> None:
        """Keep the cell's text and why it can't be used."""
        self.text = text
        self.wrong = wrong
        self.allowed = allowed

    def __str__(self) -> str:
        """Return the cell's text."""
        return self.text


def parse_table(raw: RawTable) -> Table:
    """Understand every cell of a sheet; note those that can't be."""
    faults = list(raw.faults)
    rows = tuple(_parse_row(raw, row, faults) for row in raw.rows)
    return Table(raw.sheet, rows, tuple(faults), is_readable=not raw.faults)


def _parse_row(raw: RawTable, row: RawRow, faults: list[Fault]) -> Row:
    values: dict[str, Value] = {}
    texts: dict[str, str] = {}
    for column in raw.sheet.columns:
        cell = row.cells.get(column.name)
        texts[column.name] = plain_text(cell)
        try:
            values[column.name] = parse_cell(column, cell)
        except CellError as error:
            faults.append(
                Fault(
                    raw.sheet.name,
                    row.number,
                    column.name,
                    shown(cell),
                    error.wrong,
                    error.allowed or column.allowed,
                )
            )
    return Row(row.number, values, texts)


def parse_cell(column: Column, cell: object) -> Value:
    """Return what a cell means in its column.

    Raises:
        CellError: it means nothing there.
    """
    if isinstance(cell, Unreadable):
        raise CellError(cell.wrong, cell.allowed)
    if plain_text(cell) == "":
        if column.required:
            raise CellError("is blank")
        return None
    return PARSERS[column.kind](column, cell)


def plain_text(cell: object) -> str:
    """Return a cell's content as text, without spaces around it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return format(cell, SHEET_DIGITS)
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    return str(cell).strip()


def _parse_text(column: Column, cell: object) -> str:  # noqa: ARG001 - as the others
    text = plain_text(cell)
    if any(is_unseen(character) for character in text):
        raise CellError("holds a line break or an unseen character", "text on one line")
    if len(text) > LONGEST_TEXT:
        raise CellError(
            f"is {len(text)} characters long", f"at most {LONGEST_TEXT} characters"
        )
    if text.lower() == "null":
        raise CellError(
            "is the word null, which the warehouse may take for a blank",
            "another word",
        )
    return text


def _parse_name(column: Column, cell: object) -> str:
    text = _parse_text(column, cell)
    if column.choices:
        if text not in column.choices:
            raise CellError("is not a known choice")
    elif column.refers_to is None and not NAME.fullmatch(text):
        raise CellError("is not a name in small letters and underscores")
    return text


def _parse_switch(column: Column, cell: object) -> bool:  # noqa: ARG001
    text = plain_text(cell).lower()
    if text not in ("true", "false"):
        raise CellError("is neither true nor false")
    return text == "true"


def _parse_number(column: Column, cell: object) -> Decimal:
    number = _read_number(cell)
    if abs(number) > LARGEST_NUMBER:
        raise CellError(
            "is too large", f"a number from -{LARGEST_NUMBER} to {LARGEST_NUMBER}"
        )
    if not _fits(number, MOST_DECIMALS):
        raise CellError(
            f"has more than {MOST_DECIMALS} decimals", "a rounded number such as 4.286"
        )
    _refuse_out_of_range(column, number)
    return number


def _read_number(cell: object) -> Decimal:
    if isinstance(cell, bool):
        raise CellError("is true or false, not a number")
    if isinstance(cell, date | time | timedelta):
        raise CellError(
            "is a date: the spreadsheet made one of what was typed",
            "a number; format the cell as a number and type it again",
        )
    if isinstance(cell, float) and not isfinite(cell):
        raise CellError("is not a finite number")
    text = plain_text(cell)
    if COMMA_NUMBER.fullmatch(text):
        raise CellError("has a comma", "a point before the decimals, such as 3.5")
    if not NUMBER.fullmatch(text):
        raise CellError("is not a number")
    if len(text) > LONGEST_NUMBER:
        raise CellError("has too many digits", f"at most {LONGEST_NUMBER} characters")
    return Decimal(text)


def _fits(number: Decimal, decimals: int) -> bool:
    exponent = number.normalize().as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -decimals


def _refuse_out_of_range(column: Column, number: Decimal) -> None:
    if column.above is not None and number <= column.above:
        raise CellError(f"is not above {column.above}")
    if column.at_least is not None and number < column.at_least:
        raise CellError(f"is under {column.at_least}")
    if column.at_most is not None and number > column.at_most:
        raise CellError(f"is over {column.at_most}")


def _parse_whole(column: Column, cell: object) -> Decimal:
    number = _parse_number(column, cell)
    if not _fits(number, 0):
        raise CellError("is not a whole number")
    return number


PARSERS: dict[Kind, Callable[[Column, object], Value]] = {
    Kind.NAME: _parse_name,
    Kind.TEXT: _parse_text,
    Kind.NUMBER: _parse_number,
    Kind.WHOLE: _parse_whole,
    Kind.SWITCH: _parse_switch,
}
