"""The rule sheets as dbt seeds: CSV files in, CSV bytes out."""

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from intent.errors import UnavailableError
from intent.rules.headers import HEADER_ROW, match_header
from intent.rules.parsing import Unreadable
from intent.rules.sheets import SHEETS, Sheet
from intent.rules.tables import Fault, RawRow, RawTable, Reading, shown


def read_seeds(seeds: Path) -> Reading:
    """Read all rule sheets below the folder `seeds`.

    Raises:
        UnavailableError: a file is there but can't be read.
    """
    contents = {sheet.name: _read_bytes(seeds / sheet.path) for sheet in SHEETS}
    return Reading(
        tables={sheet.name: read_seed(sheet, contents[sheet.name]) for sheet in SHEETS},
        fingerprints={
            name: fingerprint(content)
            for name, content in contents.items()
            if content is not None
        },
    )


def fingerprint(content: bytes) -> str:
    """Return what tells one content of a file from another."""
    return hashlib.sha256(content).hexdigest()


def read_seed(sheet: Sheet, content: bytes | None) -> RawTable:
    """Return a seed's rows, numbered by the file's lines."""
    if content is None:
        return _unusable(sheet, None, f"the file {sheet.path} is missing", "a CSV file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return _unusable(sheet, line, "is not UTF-8 text", "a CSV file saved as UTF-8")
    try:
        lines = list(_numbered_lines(text))
    except csv.Error as error:
        return _unusable(sheet, None, f"can't be read as CSV: {error}", "a CSV file")
    if not lines:
        return _unusable(sheet, None, f"the file {sheet.path} is empty", "a header")
    return _table(sheet, lines)


def write_seed(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Return a seed's bytes: UTF-8, LF newlines, quotes only where needed."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _read_bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnavailableError(f"{path} can't be read: {error.strerror}.") from error


def _numbered_lines(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    start = 1
    for cells in reader:
        if cells:
            yield start, cells
        start = reader.line_num + 1


def _table(sheet: Sheet, lines: list[tuple[int, list[str]]]) -> RawTable:
    (_, header), *body = lines
    columns, faults = match_header(sheet, header, any_case=False)
    blank_at = [at for at, name in enumerate(header) if not name]
    if blank_at:
        faults.append(
            Fault(
                sheet.name,
                HEADER_ROW,
                None,
                "",
                f"column {blank_at[0] + 1} has no name",
                "a header without blanks",
            )
        )
    if faults:
        return RawTable(sheet, (), tuple(faults))
    rows: list[RawRow] = []
    for number, cells in body:
        if len(cells) != len(header):
            faults.append(_wrong_length(sheet, number, cells, len(header)))
        else:
            rows.append(
                RawRow(number, {columns[at]: _cell(cells[at]) for at in columns})
            )
    return RawTable(sheet, tuple(rows), tuple(faults))


def _cell(text: str) -> object:
    if text != text.strip():
        # dbt would load the spaces, and nothing would match
        return Unreadable(text, "has spaces around it", "the same without spaces")
    return text


def _wrong_length(sheet: Sheet, number: int, cells: list[str], length: int) -> Fault:
    return Fault(
        sheet.name,
        number,
        None,
        shown(",".join(cells)),
        f"has {len(cells)} values for {length} columns",
        f"{length} values; put a value that holds a comma in double quotes",
    )


def _unusable(sheet: Sheet, row: int | None, wrong: str, allowed: str) -> RawTable:
    return RawTable(sheet, (), (Fault(sheet.name, row, None, "", wrong, allowed),))
