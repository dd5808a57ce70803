"""Prints what changed as a person would want to read it, 80 columns wide."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from intent.diff.model import (
    Clock,
    Comparison,
    ContactDiff,
    EveryoneDiff,
    MovedContact,
    Mover,
    Standing,
)
from intent.explain.render import MOST, grid
from intent.report import SEGMENT_COLOURS

SCORE_BAR = 50
PART_BAR = 24
MOVER_BAR = 10
MOVERS_SHOWN = 10
LONGEST_NAME = 25
RULES_SHOWN = 12
ID_SHOWN = 8
SEGMENTS = ("hot", "warm", "cold")
WORDS = {
    "decay": "time alone: what was done fades",
    "new_activity": "what was done since",
    "corrections": "earlier things learned or taken back since",
    "identity": "identifiers joined or parted",
    "rules": "the rule sheets",
}


def print_contact_diff(diff: ContactDiff, console: Console) -> None:
    """Print why a contact's score changed."""
    console.print(Text(diff.contact_id, style="bold"))
    print_comparison(diff.comparison, diff.notes, console)
    console.print(standing_line("before", diff.before))
    console.print(standing_line("after", diff.after))
    console.print()
    console.print(parts_table(diff.parts, diff.after, diff.before))
    if diff.movers:
        console.print()
        console.print(movers_table(diff.movers))
    for line in predecessor_lines(diff):
        console.print(line)
    print_rule_changes(diff.comparison, console)


def print_everyone_diff(diff: EveryoneDiff, console: Console) -> None:
    """Print why everyone's scores changed."""
    console.print(
        Text(
            f"{diff.contacts:,} contacts, of which {diff.moved:,} moved",
            style="bold",
        )
    )
    print_comparison(diff.comparison, diff.notes, console)
    if diff.movements is not None:
        console.print(movements_table(diff))
        console.print()
    console.print(sums_table(diff))
    if diff.biggest_moves:
        console.print()
        console.print(
            moves_table(diff.biggest_moves, is_kept=diff.movements is not None)
        )
    print_rule_changes(diff.comparison, console)


def print_comparison(
    comparison: Comparison, notes: Sequence[str], console: Console
) -> None:
    """Print which clocks are compared, by which sheet."""
    sheet = comparison.sheet
    words = f": {sheet.description}" if sheet.description else ""
    console.print(
        Text(
            f"from {clock_words(comparison.before)} to {clock_words(comparison.after)}"
            f"\nsheet {sheet.score_model}{words}"
        )
    )
    for note in notes:
        console.print(Text(note, style="dim"))
    console.print()


def clock_words(clock: Clock) -> str:
    """A clock, and where its scores come from."""
    if clock.is_live:
        return f"{clock.at:%Y-%m-%d %H:%M} UTC (the last build)"
    return f"{clock.at:%Y-%m-%d} ({clock.basis or 'counted anew'})"


def standing_line(title: str, standing: Standing) -> Text:
    """A score as a bar."""
    colour = SEGMENT_COLOURS.get(standing.segment or "", "dim")
    filled = round(SCORE_BAR * standing.intent_score / MOST)
    return Text.assemble(
        f"{title:<7}",
        (f"{standing.intent_score:.2f} ", f"bold {colour}"),
        ("█" * filled, colour),
        ("░" * (SCORE_BAR - filled), "dim"),
        (f" {standing.segment or 'no contact'}", f"bold {colour}"),
    )


def parts_table(parts: dict[str, float], after: Standing, before: Standing) -> Table:
    """The five parts as bars to the left and the right; they add up."""
    change = after.intent_score - before.intent_score
    table = grid(footer=True)
    table.add_column("changed by", "together", no_wrap=True)
    table.add_column("points", signed(change), justify="right")
    table.add_column("", no_wrap=True)
    most = max(*(abs(part) for part in parts.values()), 1e-9)
    for part, points in parts.items():
        table.add_row(part, signed(points), signed_bar(points, most, PART_BAR))
    return table


def signed(points: float, decimals: int = 2) -> str:
    """A difference with its sign; none before 0."""
    rounded = round(points, decimals)
    return f"{rounded:+,.{decimals}f}" if rounded else f"{0:.{decimals}f}"


def signed_bar(points: float, most: float, width: int) -> Text:
    """A bar that starts in the middle: to the left what was lost."""
    length = round(width * abs(points) / most)
    bar = "█" * length
    left, right = (bar, "") if points < 0 else ("", bar)
    return Text.assemble(
        (f"{left:>{width}}", "red"), ("│", "dim"), (f"{right:<{width}}", "green")
    )


def movers_table(movers: Sequence[Mover]) -> Table:
    """The drivers whose part of the score moved most."""
    table = grid()
    table.add_column("what moved most", min_width=LONGEST_NAME, overflow="fold")
    table.add_column("times", justify="right", no_wrap=True)
    table.add_column("part of the score", justify="right", no_wrap=True)
    table.add_column("", justify="right")
    table.add_column("", no_wrap=True)
    most = abs(movers[0].change)
    for mover in movers[:MOVERS_SHOWN]:
        unit = "s" if mover.measure == "seconds" else "x"
        table.add_row(
            mover.activity,
            f"{mover.count_before:,}{unit} → {mover.count_after:,}{unit}",
            f"{mover.part_before:.2f} → {mover.part_after:.2f}",
            signed(mover.change),
            signed_bar(mover.change, most, MOVER_BAR // 2),
        )
    if left := movers[MOVERS_SHOWN:]:
        table.add_row(
            f"{len(left)} more",
            "",
            f"{sum(each.part_before for each in left):.2f} → "
            f"{sum(each.part_after for each in left):.2f}",
            signed(sum(each.change for each in left)),
            style="dim",
        )
    return table


def predecessor_lines(diff: ContactDiff) -> Iterator[Text]:
    """Whose identifiers the contact has now and had not then."""
    if not diff.predecessors:
        return
    yield Text("\nAt the earlier clock some of its identifiers were of", style="bold")
    for each in diff.predecessors:
        words = f"a contact that scored {each.intent_score:.2f}"
        yield Text(f"{each.contact_id}: {words if each.is_known else 'a visitor'}")


def print_rule_changes(comparison: Comparison, console: Console) -> None:
    """Print what the rule sheet says differently."""
    changes = comparison.rule_changes
    if not changes:
        return
    versions = f"{comparison.before.rule_version} -> {comparison.after.rule_version}"
    console.print(Text(f"\nrules that changed, version {versions}", style="bold"))
    for each in changes[:RULES_SHOWN]:
        console.print(Text(f"{each.subject}: {each.change}"))
    if len(changes) > RULES_SHOWN:
        console.print(Text(f"and {len(changes) - RULES_SHOWN} more", style="dim"))


def movements_table(diff: EveryoneDiff) -> Table:
    """From which segment to which: rows before, columns after."""
    counts = {
        (each.from_segment, each.to_segment): each.contacts
        for each in diff.movements or ()
    }
    rows = (*SEGMENTS, None)
    table = grid(footer=True)
    table.add_column("was \\ is", "all", min_width=12)
    for segment in rows:
        total = sum(count for (_, now), count in counts.items() if now == segment)
        table.add_column(segment or "gone", f"{total:,}", justify="right", min_width=7)
    table.add_column("all", f"{sum(counts.values()):,}", justify="right", min_width=7)
    for row in rows:
        cells = [
            Text(
                f"{counts[row, column]:,}" if (row, column) in counts else "",
                style="dim" if row == column else "",
            )
            for column in rows
        ]
        total = sum(count for (was, _), count in counts.items() if was == row)
        colour = SEGMENT_COLOURS.get(row or "", "dim")
        table.add_row(Text(row or "newcomers", colour), *cells, f"{total:,}")
    return table


def sums_table(diff: EveryoneDiff) -> Table:
    """The five parts over all, and how many scores each moved most."""
    change = diff.total_after - diff.total_before
    table = grid(footer=True)
    table.add_column("changed by", "together", no_wrap=True)
    table.add_column("sum", signed(change, 1), justify="right")
    table.add_column("raised", str_sum(diff, "raised"), justify="right")
    table.add_column("lowered", str_sum(diff, "lowered"), justify="right")
    table.add_column("", f"scores sum up to {diff.total_after:,.1f}", no_wrap=True)
    for each in diff.parts:
        table.add_row(
            each.part,
            signed(each.total, 1),
            f"{each.raised:,}",
            f"{each.lowered:,}",
            Text(WORDS[each.part], style="dim"),
        )
    return table


def str_sum(diff: EveryoneDiff, column: str) -> str:
    """The sum of a column of counts."""
    return f"{sum(getattr(each, column) for each in diff.parts):,}"


def moves_table(moves: Sequence[MovedContact], *, is_kept: bool) -> Table:
    """The contacts whose scores moved most: first up, then down."""
    table = grid()
    table.add_column("moved most", no_wrap=True)
    table.add_column("before", justify="right", no_wrap=True)
    table.add_column("after", justify="right", no_wrap=True)
    table.add_column("change", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("mainly by", no_wrap=True)
    most = max(abs(change_of(each)) for each in moves)
    for each in moves:
        table.add_row(
            each.contact_id[:ID_SHOWN],
            standing_words(each.before, nobody="new" if is_kept else ""),
            standing_words(each.after, nobody="gone" if is_kept else ""),
            signed(change_of(each)),
            signed_bar(change_of(each), most, MOVER_BAR),
            each.main_part,
        )
    return table


def change_of(moved: MovedContact) -> float:
    """By how much a score moved."""
    return moved.after.intent_score - moved.before.intent_score


def standing_words(standing: Standing, *, nobody: str) -> Text:
    """A score with its segment, or with a word for who has none."""
    return Text(
        f"{standing.segment or nobody} {standing.intent_score:.2f}".strip(),
        style=SEGMENT_COLOURS.get(standing.segment or "", "dim"),
    )
