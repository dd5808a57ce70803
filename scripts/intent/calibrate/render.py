"""Prints a calibration as a person would want to read it, 80 columns wide."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from intent.calibrate.fitting import MOST_POINTS
from intent.calibrate.model import (
    FARTHEST,
    Calibration,
    Compared,
    Edge,
    Kind,
    Learned,
)
from intent.explain.render import grid

NUMBERS = {
    Kind.POINTS: "points",
    Kind.HALF_LIFE: "half-life, days",
    Kind.CAP: "cap",
    Kind.GROUP_CAP: "group cap",
}


def print_calibration(found: Calibration, console: Console) -> None:
    """Print what was learned, and what it is worth."""
    changed = [each for each in found.numbers if each.is_changed]
    console.print(Text(headline(found, changed), style="bold"))
    console.print(Text(verdict(found)))
    console.print(Text(f"\n{looked_at(found)}", style="dim"))
    console.print()
    console.print(compared_table(found.compared))
    if changed:
        console.print()
        console.print(numbers_table(changed))
        console.print()
        for line in table_words(changed):
            console.print(Text(line, style="dim"))
    console.print()
    for line in stay_words(found.numbers):
        console.print(Text(line))
    for edge in found.edges:
        console.print(Text(edge_words(edge)))
    for line in next_steps(found):
        console.print(Text(line))


def headline(found: Calibration, changed: Sequence[Learned]) -> str:
    """What came of it, in a line."""
    if not changed:
        return (
            f"Nothing to change: history tells of no better numbers for {found.sheet}."
        )
    return (
        f"{found.draft}: {len(changed)} of {len(found.numbers)} numbers of the sheet "
        f"{found.sheet} are learned anew."
    )


def verdict(found: Calibration) -> str:
    """Whether the draft is better than the sheet it comes from."""
    [sheet] = [each for each in found.compared if each.kind == "sheet"]
    ahead = sheet.draft_is_better_by
    if ahead is None or ahead.value == ahead.low == ahead.high == 0:
        return "It orders contacts as the present sheet does."
    if ahead.low > 0:
        return "It is better at telling who converts than the present sheet is."
    if ahead.high < 0:
        return (
            "It is worse than the present sheet at the newest midnights: what used to "
            "be so is so no more. Don't publish it."
        )
    return (
        "Whether it is better than the present sheet, the newest midnights don't tell."
    )


def looked_at(found: Calibration) -> str:
    """What was looked at."""
    did = " or ".join(found.activities)
    return (
        f"Learned at {nights(found.learned_at)}, chosen at {nights(found.chosen_at)}, "
        f"reported at {nights(found.reported_at)}; of {found.contacts:,} contacts, who "
        f"did {did} within {found.horizon} days."
    )


def nights(midnights: Sequence[datetime]) -> str:
    """Some midnights in words."""
    first, last = midnights[0].date(), midnights[-1].date()
    if len(midnights) == 1:
        return f"the midnight {first}"
    return f"{len(midnights)} midnights from {first} to {last}"


def compared_table(compared: Sequence[Compared]) -> Table:
    """How well the draft and others rank, at midnights it has not seen."""
    table = grid()
    table.add_column("at unseen midnights", no_wrap=True)
    table.add_column("ROC AUC", justify="right", no_wrap=True)
    table.add_column("95% interval", justify="right", no_wrap=True)
    table.add_column("draft is better by", justify="right", no_wrap=True)
    for each in compared:
        ahead = each.draft_is_better_by
        table.add_row(
            Text(each.scorer, style="dim" if each.kind == "baseline" else ""),
            f"{each.auc.value:.3f}",
            f"{each.auc.low:.3f} to {each.auc.high:.3f}",
            ""
            if ahead is None
            else f"{ahead.value:+.3f} ({ahead.low:+.3f} to {ahead.high:+.3f})",
            style="bold" if each.kind == "draft" else "",
        )
    return table


def numbers_table(numbers: Sequence[Learned]) -> Table:
    """What is learned anew."""
    table = grid()
    table.add_column("learned", overflow="fold")
    table.add_column("number", no_wrap=True)
    table.add_column("now", justify="right", no_wrap=True)
    table.add_column("draft", justify="right", no_wrap=True)
    table.add_column("95% interval", justify="right", no_wrap=True)
    table.add_column("contacts", justify="right", no_wrap=True)
    for each in sorted(numbers, key=lambda number: list(NUMBERS).index(number.kind)):
        name = f"{each.name} for {each.audience}" if each.audience else each.name
        table.add_row(
            name,
            NUMBERS[each.kind],
            f"{each.before:g}",
            Text(f"{each.after:g}", style="bold"),
            each.interval,
            f"{each.contacts:,}",
        )
    return table


def table_words(changed: Sequence[Learned]) -> Iterator[str]:
    """How to read the table of what is learned anew."""
    yield (
        "Each interval has the draft's number in it, and leaves out that of now. The "
        "mean raw score is that of now: data tell only what numbers are beside others."
    )
    if any(each.kind is Kind.POINTS and each.after == 0 for each in changed):
        yield "Points of 0: beside all the others, it tells nothing of who converts."
    if any(each.goes_lower or each.goes_higher for each in changed):
        yield (
            "'Up to' and 'or more': no further is looked at. Points grow to "
            f"{MOST_POINTS:g} times and keep their sign, unless --any-sign is given; "
            f"half-lives and caps change by {FARTHEST:g} times."
        )


def stay_words(numbers: Sequence[Learned]) -> Iterator[str]:
    """Why numbers stay."""
    staying = [each for each in numbers if not each.is_changed]
    untold = sum(each.low <= each.before <= each.high for each in staying)
    if untold:
        yield f"{untold} other numbers stay: the data do not tell them from others."
    if no_better := len(staying) - untold:
        yield (
            f"{no_better} numbers stay though the data speak for others: with those, "
            "later midnights were told no better."
        )


def edge_words(edge: Edge) -> str:
    """Where a band begins, and what that means."""
    moved = "" if edge.after == edge.before else f", was {edge.before:g}"
    those = "contacts" if edge.band == "hot" else "contacts in it or above"
    return (
        f"{edge.band} begins at {edge.after:g}{moved}: {edge.contacts:,.0f} {those} at "
        f"a midnight, of whom {edge.precision:.0%} convert."
    )


def next_steps(found: Calibration) -> Iterator[str]:
    """What to do next."""
    if not found.is_written:
        yield "Nothing was written."
        return
    yield (
        f"\nThe draft {found.draft} is in the rule sheets. Look at it: "
        f"intent rules show --sheet {found.draft}"
    )
    yield "The next build scores it beside the others; it moves no contact."
