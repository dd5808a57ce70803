"""The workbook that marketers edit, written: rule sheets out to .xlsx."""

import re
import tempfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, cast

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.formatting.rule import Rule
from openpyxl.packaging.custom import StringProperty
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from intent.errors import BadInputError, UnavailableError
from intent.rules.headers import FIRST_ROW, HEADER_ROW
from intent.rules.readme import README_SHEET, readme_lines
from intent.rules.sheets import (
    ACTIVITY_RULES,
    LARGEST_NUMBER,
    SCORE_MODELS,
    SHEETS,
    Column,
    Kind,
    Sheet,
)
from intent.rules.tables import Table, Tables, Value

SUFFIX = ".xlsx"
FINGERPRINT = "intent_rules_"
"""Before the sheet's name: the document property with its seed's fingerprint."""
ROOM_TO = 2000
"""Down to this row, new rows get drop-downs and colours too."""
NARROWEST, WIDEST = 10, 60
NOTE_WIDTH = 34
TYPEFACE = "Calibri"
LONGEST_LIST = 255  # a spreadsheet refuses longer drop-downs
MODEL_TINTS = ("DDEBF7", "E2EFDA", "EDEDED", "FFF2CC", "FCE4D6", "E4DFEC")
GREY = "808080"
ESCAPE_LOOKALIKE = re.compile(r"_x[0-9A-Fa-f]{4}_")
"""What a spreadsheet would take for a coded character."""


def save_workbook(
    path: Path, tables: Tables, fingerprints: Mapping[str, str], *, overwrite: bool
) -> None:
    """Write the rule sheets to a workbook, aside first.

    Raises:
        BadInputError: `path` doesn't end in .xlsx.
        UnavailableError: it exists and `overwrite` is False, or can't be written.
    """
    if path.suffix.lower() != SUFFIX:
        raise BadInputError(f"{path} doesn't end in {SUFFIX}: name a workbook.")
    if path.exists() and not overwrite:
        raise UnavailableError(
            f"{path} exists already. It may hold somebody's changes: import it first, "
            "choose another name, or overwrite it with --force."
        )
    book = build_workbook(tables, fingerprints)
    try:
        with tempfile.TemporaryDirectory(prefix=".", dir=path.parent) as folder:
            aside = Path(folder) / path.name
            book.save(aside)
            aside.replace(path)
    except OSError as error:
        raise UnavailableError(f"{path} can't be written: {error.strerror}.") from error


def build_workbook(tables: Tables, fingerprints: Mapping[str, str]) -> Workbook:
    """Return a workbook of valid rule sheets, made for people."""
    book = Workbook()
    _fill_readme(cast(Worksheet, book.active))
    for sheet in SHEETS:
        _fill_sheet(book.create_sheet(sheet.name), tables[sheet.name], tables)
    properties: Any = book  # whose type lacks them
    for name, value in fingerprints.items():
        properties.custom_doc_props.append(
            StringProperty(name=FINGERPRINT + name, value=value)
        )
    return book


def _fill_readme(page: Worksheet) -> None:
    page.title = README_SHEET
    page.sheet_view.showGridLines = False
    page.column_dimensions["A"].width = 24
    page.column_dimensions["B"].width = 100
    for number, (left, right) in enumerate(readme_lines(), start=1):
        cell, text = page.cell(number, 1, left), page.cell(number, 2, right)
        is_title = bool(left) and not right
        cell.font = Font(name=TYPEFACE, bold=True, size=14 if is_title else 11)
        top = Alignment(vertical="top", wrap_text=not is_title)
        cell.alignment = text.alignment = top
        # spreadsheets don't grow a row by themselves when a program wrote it
        page.row_dimensions[number].height = 24 if is_title else 15.5 * _lines(right)


def _lines(text: str, width: int = 95) -> int:
    return 1 + len(text) // width


def _fill_sheet(page: Worksheet, table: Table, tables: Tables) -> None:
    sheet = table.sheet
    page.sheet_properties.tabColor = sheet.colour
    _fill_header(page, sheet)
    for number, row in enumerate(table.rows, start=FIRST_ROW):
        for at, column in enumerate(sheet.columns, start=1):
            _fill_cell(
                cast(Cell, page.cell(number, at)), column, row.values[column.name]
            )
    for at, column in enumerate(sheet.columns, start=1):
        letter = get_column_letter(at)
        page.column_dimensions[letter].width = _width(column, table)
        if not column.is_numeric and column.kind is not Kind.SWITCH:
            # else a typed 3-4 would become a date
            page.column_dimensions[letter].number_format = "@"
        _add_validation(page, column, letter, tables)
    last = get_column_letter(len(sheet.columns))
    page.auto_filter.ref = f"A{HEADER_ROW}:{last}{HEADER_ROW + len(table.rows)}"
    page.freeze_panes = f"{get_column_letter(1 + _frozen(sheet))}{FIRST_ROW}"
    _add_colours(page, sheet, tables, f"A{FIRST_ROW}:{last}{ROOM_TO}")


def _frozen(sheet: Sheet) -> int:
    """How many columns stay in view: the key, where it stands first."""
    return len(sheet.key)


def _fill_header(page: Worksheet, sheet: Sheet) -> None:
    page.row_dimensions[HEADER_ROW].height = 22
    for at, column in enumerate(sheet.columns, start=1):
        cell = page.cell(HEADER_ROW, at, column.name)
        cell.font = Font(name=TYPEFACE, bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", start_color="44546A")
        cell.alignment = Alignment(vertical="center")
        comment = Comment(
            f"{column.description}\n\nAllowed: {column.allowed}.", "intent"
        )
        comment.width, comment.height = 320, 170
        cell.comment = comment


def _fill_cell(cell: Cell, column: Column, value: Value) -> None:
    if isinstance(value, str):
        cell.value = ESCAPE_LOOKALIKE.sub(lambda found: f"_x005F{found[0]}", value)
        cell.data_type = "s"  # also where it begins with =: never a formula
        cell.number_format = "@"
        cell.quotePrefix = value.startswith(("=", "+", "-", "@"))
    elif isinstance(value, Decimal):
        cell.value = int(value) if value == int(value) else float(value)
    else:
        cell.value = value
    if column.is_numeric:
        cell.alignment = Alignment(horizontal="right")
    elif column.kind is Kind.SWITCH:
        cell.alignment = Alignment(horizontal="center")


def _width(column: Column, table: Table) -> float:
    longest = max((len(row.texts[column.name]) for row in table.rows), default=0)
    header = len(column.name) + 4  # room for the filter's arrow
    narrowest = NOTE_WIDTH if column.kind is Kind.TEXT else NARROWEST
    return min(max(longest + 2, header, narrowest), WIDEST)


def _add_validation(
    page: Worksheet, column: Column, letter: str, tables: Tables
) -> None:
    validation = _validation(column, tables)
    if validation is None:
        return
    validation.allow_blank = not column.required
    validation.errorTitle = column.name
    validation.error = f"Allowed: {column.allowed}."[:LONGEST_LIST]
    validation.showErrorMessage = True
    page.add_data_validation(validation)
    validation.add(f"{letter}{FIRST_ROW}:{letter}{ROOM_TO}")


def _validation(column: Column, tables: Tables) -> DataValidation | None:
    if column.kind is Kind.SWITCH:
        return DataValidation(type="list", formula1='"TRUE,FALSE"')
    if column.choices:
        return _list_validation(column.choices)
    if column.refers_to:
        return _reference_validation(column.refers_to, tables)
    if column.is_numeric:
        return _number_validation(column)
    return None


def _list_validation(choices: tuple[str, ...]) -> DataValidation | None:
    text = ",".join(choices)
    if not choices or len(text) > LONGEST_LIST or '"' in text:
        return None
    return DataValidation(type="list", formula1=f'"{text}"')


def _reference_validation(
    target: tuple[str, str], tables: Tables
) -> DataValidation | None:
    """A drop-down of what the other sheet holds."""
    name, column = target
    table = tables[name]
    if table.sheet.key != (column,):
        # a column with repeats: the list as it is now, and a warning for new ones
        values = dict.fromkeys(row.texts[column] for row in table.rows)
        validation = _list_validation(tuple(values))
        if validation is not None:
            validation.errorStyle = "warning"
        return validation
    letter = get_column_letter(1 + table.sheet.column_names.index(column))
    cells = f"${letter}${FIRST_ROW}:${letter}${ROOM_TO}"
    first = f"{name}!${letter}${FIRST_ROW}"
    # grows as rows are added there
    return DataValidation(
        type="list", formula1=f"OFFSET({first},0,0,MAX(1,COUNTA({name}!{cells})),1)"
    )


def _number_validation(column: Column) -> DataValidation:
    kind: Literal["whole", "decimal"] = (
        "whole" if column.kind is Kind.WHOLE else "decimal"
    )
    if column.above is not None:
        return DataValidation(
            type=kind, operator="greaterThan", formula1=str(column.above)
        )
    lowest = -LARGEST_NUMBER if column.at_least is None else column.at_least
    highest = LARGEST_NUMBER if column.at_most is None else column.at_most
    return DataValidation(
        type=kind, operator="between", formula1=str(lowest), formula2=str(highest)
    )


def _add_colours(page: Worksheet, sheet: Sheet, tables: Tables, cells: str) -> None:
    """Tint rows by their score, and grey what is switched off.

    By conditions, so that new and changed rows are tinted too.
    """
    if sheet is ACTIVITY_RULES:
        switch = get_column_letter(1 + sheet.column_names.index("is_enabled"))
        switch = f"${switch}{FIRST_ROW}"
        _add_condition(
            page,
            cells,
            # a blank alone would equal FALSE
            f'AND({switch}<>"",{switch}=FALSE)',
            DifferentialStyle(font=Font(color=GREY, italic=True)),
        )
    if "score_model" not in sheet.column_names:
        return
    for number, row in enumerate(tables[SCORE_MODELS.name].rows):
        tint = MODEL_TINTS[number % len(MODEL_TINTS)]
        _add_condition(
            page,
            cells,
            f'$A{FIRST_ROW}="{row.texts["score_model"]}"',
            DifferentialStyle(fill=PatternFill(bgColor=tint)),
        )


def _add_condition(
    page: Worksheet, cells: str, formula: str, style: DifferentialStyle
) -> None:
    page.conditional_formatting.add(
        cells, Rule(type="expression", formula=[formula], dxf=style)
    )
