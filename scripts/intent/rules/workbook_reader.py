"""The workbook that marketers edit, read: whatever came back, fault by fault."""

import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from intent.errors import BadInputError, UnavailableError
from intent.rules.headers import FIRST_ROW, match_header
from intent.rules.parsing import Unreadable
from intent.rules.readme import README_SHEET
from intent.rules.sheets import SHEETS, Sheet
from intent.rules.tables import Fault, RawRow, RawTable, Reading, shown
from intent.rules.workbook_writer import FINGERPRINT, SUFFIX

MOST_ROWS = 20_000
MOST_COLUMNS = 100
MOST_BYTES = 200 * 1024 * 1024
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
OLD_OR_LOCKED = b"\xd0\xcf\x11\xe0"
"""How .xls files begin, and .xlsx files with a password."""


def load_reading(path: Path) -> Reading:
    """Read the rule sheets of a workbook as they stand.

    Raises:
        BadInputError: it isn't a workbook that can be read.
        UnavailableError: the file is missing or locked.
    """
    _refuse_other_files(path)
    # twice: what formulas say, and what they came to when the file was saved
    written, computed = _load(path, computed=False), _load(path, computed=True)
    pages, faults = _find_pages(written)
    tables = {
        sheet.name: read_page(
            sheet, written[pages[sheet.name]], computed[pages[sheet.name]]
        )
        if sheet.name in pages
        else RawTable(sheet, (), (_missing(sheet),))
        for sheet in SHEETS
    }
    return Reading(
        tables,
        tuple(faults),
        tuple(_notes(written, set(pages.values()))),
        _fingerprints(written),
    )


def _fingerprints(book: Workbook) -> dict[str, str]:
    properties: Any = book  # whose type lacks them
    known = {FINGERPRINT + sheet.name: sheet.name for sheet in SHEETS}
    return {
        known[item.name]: str(item.value)
        for item in properties.custom_doc_props.props
        if item.name in known
    }


def read_page(sheet: Sheet, page: Worksheet, computed: Worksheet) -> RawTable:
    """Return the rows of one sheet of a workbook, blank ones left out."""
    faults = list(_merged(sheet, page))
    if page.max_row > MOST_ROWS:
        faults.append(_too_long(sheet, page.max_row))
    if faults:
        return RawTable(sheet, (), tuple(faults))
    grid = [
        [_content(cell, computed) for cell in cells]
        for cells in page.iter_rows(max_col=min(page.max_column, MOST_COLUMNS))
    ] or [[]]
    header = [str(cell).strip() if cell is not None else "" for cell in grid[0]]
    columns, faults = match_header(sheet, header, any_case=True)
    faults += _without_header(sheet, header, grid)
    if faults:
        return RawTable(sheet, (), tuple(faults))
    rows = (
        RawRow(number, {columns[at]: cells[at] for at in columns})
        for number, cells in enumerate(grid[1:], start=FIRST_ROW)
    )
    return RawTable(
        sheet, tuple(row for row in rows if not all(map(_is_blank, row.cells.values())))
    )


def _refuse_other_files(path: Path) -> None:
    if path.name.startswith("~$"):
        raise BadInputError(
            f"{path} is the mark of a workbook that is open. Save and close it, and "
            "name the workbook itself."
        )
    if path.suffix.lower() != SUFFIX:
        raise BadInputError(
            f"{path} isn't an {SUFFIX} workbook. Save it as an Excel workbook "
            f"({SUFFIX}) and import that."
        )
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise UnavailableError(f"{path} can't be read: {error.strerror}.") from error
    if start == OLD_OR_LOCKED:
        raise BadInputError(
            f"{path} has a password or is in an old format. Save it as an Excel "
            f"workbook ({SUFFIX}) without a password."
        )
    _refuse_bombs(path)


def _refuse_bombs(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(item.file_size for item in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise _broken(path) from error
    if size > MOST_BYTES:
        raise BadInputError(f"{path} is far too large for rule sheets.")


def _broken(path: Path) -> BadInputError:
    return BadInputError(
        f"{path} isn't a workbook, or is broken or half saved. Open it in the "
        f"spreadsheet, save it as an Excel workbook ({SUFFIX}) and import that."
    )


def _load(path: Path, *, computed: bool) -> Workbook:
    try:
        with warnings.catch_warnings():
            # about decorations that are lost on reading, which nobody needs here
            warnings.simplefilter("ignore")
            return load_workbook(path, data_only=computed)
    except Exception as error:  # openpyxl raises whatever its parsers meet
        raise _broken(path) from error


def _find_pages(book: Workbook) -> tuple[dict[str, str], list[Fault]]:
    """Return the title of the page for each sheet."""
    pages: dict[str, str] = {}
    faults: list[Fault] = []
    names = {sheet.name for sheet in SHEETS}
    for page in book.worksheets:
        name = _sheet_name(page.title)
        if name in pages:
            faults.append(
                Fault(
                    name,
                    None,
                    None,
                    page.title,
                    f"stands twice: as {pages[name]} and as {page.title}",
                    "one sheet of that name",
                )
            )
        elif name in names:
            pages[name] = page.title
    return pages, faults


def _sheet_name(title: str) -> str:
    return "_".join(title.lower().split())


def _missing(sheet: Sheet) -> Fault:
    return Fault(
        sheet.name,
        None,
        None,
        "",
        "the sheet is missing",
        "every sheet of the export, unrenamed",
    )


def _notes(book: Workbook, used: set[str]) -> Iterator[str]:
    for title in book.sheetnames:
        if title not in used and title != README_SHEET:
            yield f"The sheet {shown(title)} is no rule sheet and was left alone."
        elif title in used and book[title].sheet_state != "visible":
            yield f"The sheet {title} is hidden. It was read all the same."


def _merged(sheet: Sheet, page: Worksheet) -> Iterator[Fault]:
    for cells in page.merged_cells.ranges:
        yield Fault(
            sheet.name,
            cells.min_row,
            None,
            "",
            f"the cells {cells.coord} are merged",
            "single cells: unmerge them and fill in each",
        )


def _too_long(sheet: Sheet, rows: int) -> Fault:
    return Fault(
        sheet.name,
        rows,
        None,
        "",
        f"the sheet reaches down to row {rows}",
        f"at most {MOST_ROWS} rows: delete the empty rows below the last rule",
    )


def _without_header(
    sheet: Sheet, header: list[str], grid: list[list[object]]
) -> Iterator[Fault]:
    for number, cells in enumerate(grid[1:], start=FIRST_ROW):
        for at, cell in enumerate(cells):
            if not header[at] and not _is_blank(cell):
                yield Fault(
                    sheet.name,
                    number,
                    get_column_letter(at + 1),
                    shown(cell),
                    "stands in a column without a name",
                    "nothing there",
                )


def _is_blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _content(cell: Cell | MergedCell, computed: Worksheet) -> object:
    """Return what a cell holds, of a formula what it came to."""
    if cell.data_type == "f":
        return _formula(cell, computed[cell.coordinate])
    if cell.data_type == "e":
        return Unreadable(
            str(cell.value), "is an error of the spreadsheet", "a plain value"
        )
    if isinstance(cell.value, str):
        return ESCAPED.sub(lambda found: chr(int(found[1], 16)), cell.value)
    return cell.value


def _formula(cell: Cell | MergedCell, result: Cell | MergedCell) -> object:
    if result.data_type == "e":
        return Unreadable(
            str(result.value), "is a formula that ends in an error", "a plain value"
        )
    if result.value is None:
        text = getattr(cell.value, "text", cell.value)
        return Unreadable(
            str(text),
            "is a formula without a stored result",
            "a plain value; or open the workbook in the spreadsheet and save it",
        )
    return result.value
