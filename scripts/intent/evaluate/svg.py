"""A few words of SVG: what the plots of a report are drawn with.

Lengths are pixels of the screen; colours are classes that the page gives a colour.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

Point = tuple[float, float]


@dataclass(frozen=True)
class Frame:
    """A plot's area: values from `x` and `y` on pixels, y upwards."""

    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]
    left: float = 44
    right: float = 14
    top: float = 12
    bottom: float = 40

    def at_x(self, value: float) -> float:
        """Where a value is from the left."""
        low, high = self.x
        inner = self.width - self.left - self.right
        return self.left + inner * (value - low) / (high - low)

    def at_y(self, value: float) -> float:
        """Where a value is from above."""
        low, high = self.y
        inner = self.height - self.top - self.bottom
        return self.height - self.bottom - inner * (value - low) / (high - low)


def tag(name: str, content: str = "", **attributes: object) -> str:
    """An element; `class_` is its class, and `_` in other names is a hyphen."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(number(value))}"'
        for key, value in attributes.items()
        if value != ""
    )
    return f"<{name}{told}>{content}</{name}>" if content else f"<{name}{told}/>"


def number(value: object) -> str:
    """A number without needless digits; a text as it is."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else f"{value}"


def drawing(frame: Frame, label: str, parts: Iterable[str]) -> str:
    """A whole plot, with words for those who can't see it."""
    return tag(
        "svg",
        "".join(parts),
        viewBox=f"0 0 {number(frame.width)} {number(frame.height)}",
        width=frame.width,
        height=frame.height,
        role="img",
        aria_label=label,
    )


def text(
    words: str, x: float, y: float, *, anchor: str = "start", class_: str = ""
) -> str:
    """Words at a place."""
    return tag("text", escape(words), x=x, y=y, text_anchor=anchor, class_=class_)


def line(start: Point, end: Point, class_: str) -> str:
    """A straight line."""
    return tag("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=class_)


def polyline(points: Sequence[Point], class_: str) -> str:
    """A line through points."""
    path = " ".join(f"{number(float(x))},{number(float(y))}" for x, y in points)
    return tag("polyline", points=path, class_=f"line {class_}")


def dot(at: Point, class_: str, told: str, radius: float = 4) -> str:
    """A dot that says what it is when pointed at."""
    title = tag("title", escape(told))
    return tag("circle", title, cx=at[0], cy=at[1], r=radius, class_=class_)


def bar(start: Point, width: float, height: float, class_: str, told: str) -> str:
    """A bar that says what it is when pointed at."""
    title = tag("title", escape(told))
    return tag(
        "rect",
        title,
        x=start[0],
        y=start[1],
        width=max(width, 0.0),
        height=max(height, 0.0),
        rx=2,
        class_=class_,
    )


def whisker(low: Point, high: Point) -> str:
    """An interval as a line with ends, upright or lying."""
    is_upright = low[0] == high[0]
    across = (4.0, 0.0) if is_upright else (0.0, 4.0)
    ends = (
        line((x - across[0], y - across[1]), (x + across[0], y + across[1]), "interval")
        for x, y in (low, high)
    )
    return line(low, high, "interval") + "".join(ends)


def y_axis(frame: Frame, ticks: Sequence[tuple[float, str]]) -> str:
    """Thin lines across, each with its value on the left."""
    right = frame.width - frame.right
    return "".join(
        line((frame.left, frame.at_y(value)), (right, frame.at_y(value)), "rule")
        + text(words, frame.left - 6, frame.at_y(value) + 4, anchor="end", class_="t")
        for value, words in ticks
    )


def x_axis(frame: Frame, ticks: Sequence[tuple[float, str]], title: str = "") -> str:
    """Values under the plot, and what they are."""
    base = frame.height - frame.bottom
    labels = "".join(
        text(words, frame.at_x(value), base + 16, anchor="middle", class_="t")
        for value, words in ticks
    )
    middle = (frame.left + frame.width - frame.right) / 2
    return labels + (
        text(title, middle, base + 34, anchor="middle", class_="t") if title else ""
    )


def nice_ticks(most: float, least: float = 0.0, count: int = 5) -> list[float]:
    """Round values around `least` and `most`, about so many."""
    rough = max(most - least, 1e-9) / count
    power = 10.0 ** floor(log10(rough))
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= rough)
    first, last = floor(least / step + 1e-9), ceil(most / step - 1e-9)
    return [round(each * step, 10) for each in range(first, max(last, first + 1) + 1)]
