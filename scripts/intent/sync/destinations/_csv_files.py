"""CSV files that several destinations take: cells, and rows in files of a size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from intent.sync.model import Advice, Outcome, Part, Row, Value, Verdict

BETWEEN = b"\0"
"""Between the files of a part; no row has it."""


FEW = 100
"""Rows of which those that were passed over are looked for by halves."""


def passed_over(rows: Sequence[Row], outcomes: Mapping[int, Outcome]) -> Verdict:
    """What to do where fewer rows were processed than sent, and which is not told."""
    left = len(rows) - len(outcomes)
    is_few = 1 < left <= FEW
    return Verdict(outcomes, Advice.SPLIT if is_few else Advice.RESEND)


def line(cells: Sequence[str]) -> bytes:
    """A line of cells, each as `quoted` made it."""
    return (",".join(cells) + "\n").encode()


def to_cell(value: Value) -> str:
    """A value in a file; blank if it is unset."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return quoted(value)
        case _:
            return repr(value)


def quoted(text: str) -> str:
    """A text, with quotes around it where it needs them."""
    if not any(mark in text for mark in '",\r\n') and text == text.strip():
        return text
    return '"' + text.replace('"', '""') + '"'


@dataclass(frozen=True)
class Sizes:
    """How much goes together."""

    rows: int
    """In all files of a part."""
    files: int
    """Of a part."""
    size: int
    """Bytes of a file."""


@dataclass
class Pile:
    """Rows that become one part: files, each as full as may be."""

    route: str
    header: bytes
    sizes: Sizes
    rows: list[Row] = field(default_factory=list)
    files: list[bytearray] = field(default_factory=list)

    def has_room(self, size: int) -> bool:
        """Whether a line of so many bytes fits in."""
        if len(self.rows) >= self.sizes.rows:
            return False
        is_last = len(self.files) == self.sizes.files
        return not is_last or len(self.files[-1]) + size <= self.sizes.size

    def add(self, row: Row, told: bytes) -> None:
        """Put a row on it."""
        if not self.files or len(self.files[-1]) + len(told) > self.sizes.size:
            self.files.append(bytearray(self.header))
        self.files[-1] += told
        self.rows.append(row)

    def cut(self) -> Part:
        """The part that it is now; then it is empty."""
        part = Part(self.rows, self.route, BETWEEN.join(self.files))
        self.rows, self.files = [], []
        return part
