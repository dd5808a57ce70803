"""Matching a header with the columns that a sheet must have. Pure."""

from collections.abc import Sequence

from intent.rules.sheets import Sheet
from intent.rules.tables import Fault, shown

HEADER_ROW = 1
FIRST_ROW = HEADER_ROW + 1


def match_header(
    sheet: Sheet, header: Sequence[str], *, any_case: bool
) -> tuple[dict[int, str], list[Fault]]:
    """Return the column at each position, and what is wrong with the header.

    Args:
        sheet: the sheet that the header belongs to.
        header: its cells; a blank one is an unused column.
        any_case: whether `Half life days` will do for `half_life_days`.
    """
    columns: dict[int, str] = {}
    faults: list[Fault] = []
    for position, text in enumerate(header):
        name = "_".join(text.lower().split()) if any_case else text
        if not name:
            continue
        if name not in sheet.column_names:
            faults.append(_unknown(sheet, text))
        elif name in columns.values():
            faults.append(
                _header_fault(sheet, name, "stands twice", "each column once")
            )
        else:
            columns[position] = name
    faults += [
        _header_fault(sheet, name, "is missing", _all_columns(sheet))
        for name in sheet.column_names
        if name not in columns.values()
    ]
    return columns, faults


def _unknown(sheet: Sheet, text: str) -> Fault:
    wrong = "is not a column of this sheet"
    if ";" in text:
        wrong += "; the file is separated by semicolons, not commas"
    return _header_fault(sheet, shown(text), wrong, _all_columns(sheet))


def _header_fault(sheet: Sheet, name: str, wrong: str, allowed: str) -> Fault:
    return Fault(sheet.name, HEADER_ROW, name, "", wrong, allowed)


def _all_columns(sheet: Sheet) -> str:
    return "the columns " + ", ".join(sheet.column_names)
