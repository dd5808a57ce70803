"""Prints an explanation as a person would want to read it, 80 columns wide."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from intent.explain.model import NEVER, Driver, Explanation, Fit
from intent.explain.plot import plot_scores
from intent.report import SEGMENT_COLOURS

SCORE_BAR = 50
DRIVER_BAR = 8
MOST = 5.0
SMALLEST_SHOWN = 0.005
"""What is under this prints as 0.00; such drivers are summed up in one row."""


def print_explanation(explained: Explanation, console: Console) -> None:
    """Print all of it."""
    console.print(heading(explained))
    for note in explained.notes:
        console.print(Text(note, style="dim"))
    console.print()
    for line in (*score_lines(explained), Text()):
        console.print(line)
    if explained.drivers:
        console.print(drivers_table(explained))
        console.print()
        console.print(rules_table(explained))
    else:
        console.print(Text("It did nothing that this sheet has points for."))
    console.print(Text("\nThe last 90 days, and the next 30 if nothing more happens"))
    edges = explained.sheet.edges
    for line in plot_scores(explained.past, explained.future, edges):
        console.print(line, no_wrap=True, overflow="ignore")
    console.print()
    console.print(summary_table(explained))


def heading(explained: Explanation) -> Text:
    """Who, by which sheet, at which clock."""
    sheet = explained.sheet
    words = f": {sheet.description}" if sheet.description else ""
    return Text.assemble(
        (explained.contact_id, "bold"),
        f"\nas of {explained.as_of:%Y-%m-%d %H:%M} UTC, ",
        f"sheet {sheet.score_model}{words}",
    )


def score_lines(explained: Explanation) -> Iterator[Text]:
    """The score as a bar with the edges of the bands, and how long it stands."""
    colour = SEGMENT_COLOURS[explained.segment]
    score = f"{explained.intent_score:.2f} "
    filled = round(SCORE_BAR * explained.intent_score / MOST)
    yield Text.assemble(
        (score, f"bold {colour}"),
        ("█" * filled, colour),
        ("░" * (SCORE_BAR - filled), "dim"),
        (f" {explained.segment}", f"bold {colour}"),
    )
    yield Text(" " * len(score) + scale_line(explained), style="dim")
    yield Text(standing_words(explained))
    yield from (Text(words) for words in cooling_words(explained))


def scale_line(explained: Explanation) -> str:
    """The edges of the bands under the bar."""
    edges = explained.sheet.edges
    line = [" "] * (SCORE_BAR + 4)
    for at, words in (
        (0.0, "0"),
        (edges.warm_enter_at, f"^warm {edges.warm_enter_at:g}"),
        (edges.hot_enter_at, f"^hot {edges.hot_enter_at:g}"),
        (MOST, "5"),
    ):
        start = min(round(SCORE_BAR * at / MOST), SCORE_BAR - 1)
        line[start : start + len(words)] = words
    return "".join(line).rstrip()


def standing_words(explained: Explanation) -> str:
    """Since when the contact is in its segment, and its state."""
    words = f"{explained.segment.capitalize()}"
    since = explained.segment_since
    if since is not None:
        words += f" since {since.at:%Y-%m-%d}"
        words += " or earlier" if since.or_earlier else ""
        if since.at < explained.as_of:
            words += f" ({days_words(explained.as_of - since.at)})"
    return f"{words}; {explained.state.replace('_', ' ')}."


def cooling_words(explained: Explanation) -> Iterator[str]:
    """When the contact will cool."""
    if explained.hot_until is not None:
        until = until_words(explained.hot_until, explained.as_of)
        yield f"Stays hot {until}, if nothing more happens,"
    if explained.warm_until is not None:
        until = until_words(explained.warm_until, explained.as_of)
        is_hot = explained.hot_until is not None
        yield (
            f"then warm {until}."
            if is_hot
            else (f"Stays warm {until}, if nothing more happens.")
        )


def until_words(until: datetime, as_of: datetime) -> str:
    """Until when, and how long that is."""
    if until == NEVER:
        return "for good"
    return f"until {until:%Y-%m-%d %H:%M} ({days_words(until - as_of)})"


def days_words(span: timedelta) -> str:
    """A span of time in hours or days."""
    days = span / timedelta(days=1)
    if days < 1:
        return f"{days * 24:.1f} h"
    return f"{days:.1f} d" if days < 10 else f"{days:.0f} d"


def drivers_table(explained: Explanation) -> Table:
    """What the score is made of: all that brings or takes anything worth printing."""
    table = grid(footer=True)
    table.add_column("made of", "score", no_wrap=True)
    table.add_column("times", justify="right")
    table.add_column("last", no_wrap=True)
    table.add_column("age", justify="right", no_wrap=True)
    table.add_column("faded", justify="right")
    table.add_column("capped", points(explained.raw_score), justify="right")
    table.add_column("part", f"{explained.intent_score:.2f}", justify="right")
    table.add_column("", no_wrap=True)
    shown = shown_of(explained)
    most = max((abs(driver.net_points) for driver in shown), default=0.0)
    for driver in shown:
        table.add_row(*driver_cells(driver, most))
    if left := [driver for driver in explained.drivers if driver not in shown]:
        table.add_row(
            f"{len(left)} more",
            *("", "", ""),
            points(sum(each.decayed_amount for each in left)),
            points(sum(each.net_points for each in left)),
            part(sum(each.contribution for each in left)),
            "",
            style="dim",
        )
    return table


def shown_of(explained: Explanation) -> list[Driver]:
    """The drivers that bring or take something worth printing."""
    return [
        each
        for each in explained.drivers
        if abs(each.contribution if explained.intent_score else each.net_points)
        >= SMALLEST_SHOWN
    ]


def driver_cells(driver: Driver, most: float) -> list[Text]:
    """A driver's row: its bar is as long as its net points beside the largest."""
    unit = "s" if driver.measure == "seconds" else "x"
    colour = "green" if driver.net_points > 0 else "red"
    return [
        Text(driver.activity),
        Text(f"{driver.activity_count:,}{unit}"),
        Text(f"{driver.last_at:%Y-%m-%d}"),
        Text(days_words(timedelta(days=driver.age_days))),
        Text(points(driver.decayed_amount)),
        Text(points(driver.net_points)),
        Text(part(driver.contribution)),
        Text(
            ("█" if driver.net_points > 0 else "▒")
            * round(DRIVER_BAR * abs(driver.net_points) / most)
            or "▏",
            style=colour,
        ),
    ]


def points(value: float) -> str:
    """Points with two digits, and no `-0.00`."""
    return f"{round(value, 2) + 0.0:.2f}"


def part(value: float) -> str:
    """Part of a score, with its sign."""
    return f"{round(value, 2) + 0.0:+.2f}"


def rules_table(explained: Explanation) -> Table:
    """The rules behind the drivers, and what their caps left of them."""
    table = grid()
    table.add_column("by the rules", no_wrap=True)
    table.add_column("each", justify="right", no_wrap=True)
    table.add_column("halved", justify="right", no_wrap=True)
    table.add_column("a day", justify="right", no_wrap=True)
    table.add_column("own cap", no_wrap=True)
    table.add_column("cap of the group", overflow="fold")
    for driver in shown_of(explained):
        table.add_row(*(Text(cell) for cell in rule_cells(driver)))
    return table


def rule_cells(driver: Driver) -> list[str]:
    """A rule's row."""
    rule = driver.rule
    half_life = rule.half_life_days
    name = driver.activity
    if rule.audience:
        name += f"\n  for {rule.audience}"
    if rule.discharged_by:
        name += f"\n  used up by {rule.discharged_by}"
    return [
        name,
        f"{rule.points:g}",
        f"{half_life:g} d" if half_life else "never",
        f"{rule.daily_limit:,}" if rule.daily_limit else "all",
        capped("", rule.cap, driver.decayed_amount, driver.activity_score),
        capped(
            f"{rule.cap_group} " if rule.cap_group else "",
            rule.group_cap,
            driver.activity_score,
            driver.net_points,
        ),
    ]


def capped(name: str, cap: float | None, before: float, after: float) -> str:
    """A cap, and what it left if it took anything."""
    if cap is None:
        return f"{name}none"
    words = f"{name}{cap:g}"
    if abs(before - after) >= SMALLEST_SHOWN:
        words += f": {before:.2f}→{after:.2f}"
    return words


def summary_table(explained: Explanation) -> Table:
    """Who the contact is, what it is about, and what would make it hot."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for title, words in summary_of(explained):
        table.add_row(title, Text(words))
    return table


def summary_of(explained: Explanation) -> Iterator[tuple[str, str]]:
    """The lines of the summary."""
    if explained.segment != "hot" and explained.is_live and explained.sheet.is_shown:
        yield "to be hot", next_step_words(explained)
    yield "stage", explained.buying_stage or "none reached"
    yield "fit", fit_words(explained.fit)
    if explained.interests is None:
        yield "interests", "told at the clock of the last build only"
    else:
        yield (
            "interests",
            ", ".join(
                f"{each.product_category} {each.share:.0%}"
                for each in explained.interests
            )
            or "none",
        )
    yield (
        "known by",
        ", ".join(f"{kind} {count}" for kind, count in explained.identifiers.items()),
    )


def next_step_words(explained: Explanation) -> str:
    """What would make the contact hot."""
    step = explained.next_step
    if step is None:
        return "no single activity would do"
    return f"one {step.activity} ({step.points:+g} points) makes it " + (
        f"{step.intent_score_after:.2f}"
    )


def fit_words(fit: Fit) -> str:
    """How well the contact fits, and why."""
    if fit.score is None:
        return "nothing is known that could earn points"
    drivers = ", ".join(
        f"{each.attribute} {each.value} {each.points:+g} of {each.attainable_points:g}"
        for each in fit.drivers
    )
    return (
        f"{fit.grade}, {fit.score:.0f} of 100, by {fit.known_share or 0:.0%} of what "
        f"is asked for: {drivers}"
    )


def grid(*, footer: bool = False) -> Table:
    """Return an empty table that wastes no width."""
    return Table(
        box=None,
        show_footer=footer,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        header_style="bold underline",
        footer_style="bold",
    )
