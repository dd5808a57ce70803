"""A small plot of scores over time, in braille: two days by four steps a character."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from intent.explain.model import Edges, Moment
from intent.report import SEGMENT_COLOURS

ROWS = 8
STEPS = 4
"""Dots of a character, one above the other."""
HEIGHT = ROWS * STEPS
TOPS = (0.5, 1, 2, 3.5, 5)
BRAILLE = 0x2800
DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""The bits of the left and the right dots, from the lowest up."""
DASH = 3
"""Of so many days ahead one is left out, so that the line is dashed."""
LABEL = 9
FUTURE_STYLE = "magenta"


@dataclass
class Cell:
    """A character of the plot."""

    bits: int = 0
    style: str = ""


def plot_scores(
    past: Sequence[Moment], future: Sequence[Moment], edges: Edges
) -> list[Text]:
    """The scores, one a day, as lines of text: what was, and dashed what will be."""
    scores = [each.intent_score or 0 for each in (*past, *future)]
    top = next((each for each in TOPS if each >= max(scores)), TOPS[-1])
    grid = [[Cell() for _ in range(-(-len(scores) // 2))] for _ in range(ROWS)]
    draw_past(grid, past, top)
    draw_future(grid, [each.intent_score or 0 for each in future], len(past), top)
    marks = {row_of(0, top): f"{0:.1f}", row_of(top, top): f"{top:.1f}"}
    for band, edge in (("warm", edges.warm_enter_at), ("hot", edges.hot_enter_at)):
        if 0 < edge <= top:
            marks[row_of(edge, top)] = f"{band} {edge:.1f}"
    lines = [
        line_of(cells, marks.get(row, ""), is_edge=" " in marks.get(row, ""))
        for row, cells in reversed(list(enumerate(grid)))
    ]
    return [*lines, axis(past, future)]


def draw_past(grid: list[list[Cell]], past: Sequence[Moment], top: float) -> None:
    """Draw a line through the scores that were, in the colours of their segments."""
    before: int | None = None
    for day, moment in enumerate(past):
        if moment.intent_score is None:
            before = None
            continue
        height = height_of(moment.intent_score, top)
        steps = range(height, height + 1)
        if before is not None and before != height:
            steps = range(min(before, height), max(before, height) + 1)
        for step in steps:
            set_dot(grid, day, step, SEGMENT_COLOURS.get(moment.segment or "", "dim"))
        before = height


def draw_future(
    grid: list[list[Cell]], scores: Sequence[float], first_day: int, top: float
) -> None:
    """Draw a dashed line through the scores that will be."""
    for number, score in enumerate(scores):
        if number % DASH < DASH - 1:
            set_dot(grid, first_day + number, height_of(score, top), FUTURE_STYLE)


def set_dot(grid: list[list[Cell]], day: int, step: int, style: str) -> None:
    """Set the dot of a day, so many steps above the ground."""
    cell = grid[step // STEPS][day // 2]
    cell.bits |= DOTS[day % 2][step % STEPS]
    cell.style = style


def height_of(score: float, top: float) -> int:
    """How many steps above the ground a score stands."""
    return min(HEIGHT - 1, round(score / top * (HEIGHT - 1)))


def row_of(score: float, top: float) -> int:
    """The row of characters in which a score stands, from below."""
    return height_of(score, top) // STEPS


def line_of(cells: Sequence[Cell], label: str, *, is_edge: bool) -> Text:
    """A row of the plot with its label; the edge of a band as a dotted line."""
    line = Text(f"{label:>{LABEL}} ", style="dim")
    for cell in cells:
        if cell.bits:
            line.append(chr(BRAILLE | cell.bits), style=f"not dim {cell.style}")
        else:
            line.append("┈" if is_edge else " ")
    return line


def axis(past: Sequence[Moment], future: Sequence[Moment]) -> Text:
    """The days under the plot: the first, the clock's and the last."""
    width = -(-(len(past) + len(future)) // 2)
    days = (past[0].at, past[-1].at, future[-1].at)
    first, clock, last = (f"{day:%Y-%m-%d}" for day in days)
    line = f"{first}{clock:>{len(past) // 2 + 5 - len(first)}}"
    line = f"{line}{last[5:]:>{max(width - len(line), 6)}}"
    return Text(" " * (LABEL + 1) + line, style="dim")
