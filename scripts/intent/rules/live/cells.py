"""Changes single cells of a CSV file, and no other byte. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from intent.errors import BadInputError

BOM = "\ufeff"


@dataclass(frozen=True)
class Cell:
    """Where a cell stands in a text, its quotes included, and what it holds."""

    start: int
    end: int
    text: str

    def spelt(self, text: str, whole: str) -> str:
        """Another value in this cell's place: in quotes if it is."""
        return f'"{text}"' if whole[self.start : self.end].startswith('"') else text


def read_cells(
    content: bytes, key: str, columns: Sequence[str]
) -> dict[str, dict[str, str]]:
    """What stands in some columns, by the value of the key column."""
    text = content.decode("utf-8")
    return {
        name: {column: cells[column].text for column in columns}
        for name, cells in _rows(text, key).items()
    }


def with_cells(
    content: bytes, key: str, changes: Mapping[str, Mapping[str, str]]
) -> bytes:
    """The file with other values in some cells.

    Args:
        content: the file, without faults.
        key: the column that tells rows apart.
        changes: by the key's value, the new values by column.

    Raises:
        BadInputError: there is no such row.
    """
    text = content.decode("utf-8")
    rows = _rows(text, key)
    if missing := [name for name in changes if name not in rows]:
        raise BadInputError(f"score_models has no row {', '.join(missing)}.")
    edits = [
        (rows[name][column], value)
        for name, values in changes.items()
        for column, value in values.items()
    ]
    changed = text
    for cell, value in sorted(edits, key=lambda edit: edit[0].start, reverse=True):
        changed = changed[: cell.start] + cell.spelt(value, text) + changed[cell.end :]
    return changed.encode("utf-8")


def _rows(text: str, key: str) -> dict[str, dict[str, Cell]]:
    """The rows by the value of the key column, each with its cells by column."""
    lines = [cells for cells in _lines(text) if any(cell.text for cell in cells)]
    names = [cell.text for cell in lines[0]]
    rows = [dict(zip(names, cells, strict=False)) for cells in lines[1:]]
    return {row[key].text: row for row in rows}


def _lines(text: str) -> Iterator[list[Cell]]:
    cells: list[Cell] = []
    start = 1 if text.startswith(BOM) else 0
    is_quoted = False
    for at, character in enumerate(text):
        if character == '"':
            is_quoted = not is_quoted
        elif not is_quoted and character in ",\r\n":
            cells.append(_cell(text, start, at))
            start = at + 1
            if character != ",":
                yield cells
                cells = []
    if cells or start < len(text):
        yield [*cells, _cell(text, start, len(text))]


def _cell(text: str, start: int, end: int) -> Cell:
    held = text[start:end]
    if held.startswith('"'):
        held = held[1:-1].replace('""', '"')
    return Cell(start, end, held)
