"""Plans and switches as a person would want to read them, from 80 columns on."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from intent.report import SEGMENT_COLOURS
from intent.rules.changes import Change, ChangeKind
from intent.rules.live.model import (
    SEGMENTS,
    Finding,
    Movement,
    Mover,
    Quality,
    SheetPlan,
    Writes,
)
from intent.rules.live.switch import Switch, spelt_changes

ID_SHOWN = 8
"""As many characters of a contact's id as `intent explain` needs."""
REASONS_SHOWN = 3
LEAST_SHOWN = 0.005
"""What is less would be shown as 0.00."""
RULES_SHOWN = 6
SECONDS = 60


def grid(*, footer: bool = False) -> Table:
    """An empty table, its columns two blanks apart."""
    return Table(
        box=None,
        show_footer=footer,
        padding=(0, 2, 0, 0),
        pad_edge=False,
        header_style="bold underline",
        footer_style="bold",
    )


def print_difference(
    changes: Sequence[Change], before: str, after: str, console: Console
) -> None:
    """Print what differs between two sheets."""
    if not changes:
        console.print(Text(f"{before} and {after} have the same rules."))
        return
    number = f"{len(changes)} difference{'s' if len(changes) > 1 else ''}"
    console.print(Text(f"{number}, from {before} to {after}", style="bold"))
    console.print()
    table = grid()
    table.add_column("sheet", no_wrap=True)
    table.add_column("rule", overflow="fold")
    table.add_column(f"{before} → {after}", overflow="fold")
    for change in changes:
        table.add_row(
            Text(change.sheet),
            Text(" for ".join(filter(None, change.key))),
            Text(difference_words(change, before, after)),
        )
    console.print(table)


def difference_words(change: Change, before: str, after: str) -> str:
    """What differs in a rule, in words."""
    cells = change.cells or {}
    if change.kind is ChangeKind.CHANGED:
        return "\n".join(
            f"{column}: {old or 'blank'} → {new or 'blank'}"
            for column, (old, new) in cells.items()
        )
    values = ", ".join(
        f"{column} {old or new}"
        for column, (old, new) in cells.items()
        if (old or new) not in change.key
    )
    where = before if change.kind is ChangeKind.REMOVED else after
    return f"only in {where}: {values}" if values else f"only in {where}"


def print_plan(plan: SheetPlan, console: Console) -> None:
    """Print what would change if a sheet became the primary one."""
    movement = plan.movement
    console.print(
        Text.assemble(
            (plan.sheet, "bold"),
            f" in place of {plan.primary}, by the build as of "
            f"{plan.as_of:%Y-%m-%d %H:%M} UTC",
        )
    )
    console.print(
        Text(
            f"{movement.moved:,} of {movement.contacts:,} contacts "
            f"({movement.share:.1%}) would be in another segment"
        )
    )
    console.print()
    console.print(movement_table(movement))
    if plan.movers:
        console.print()
        console.print(movers_table(plan.movers))
    console.print()
    if plan.quality:
        console.print(quality_table(plan.quality))
    else:
        console.print(Text(f"How well it told what came next: {plan.no_quality}"))
    console.print()
    if plan.writes:
        console.print(writes_table(plan.writes))
        for line in stop_lines(plan.writes):
            console.print(line)
    else:
        console.print(Text(f"Writes to other tools: {plan.no_writes}"))
    if plan.findings:
        console.print()
        console.print(Text("What to look at", style="bold"))
        console.print(findings_table(plan.findings))
    if plan.guards:
        console.print()
        print_guards(plan.guards, console)


def print_guards(guards: Sequence[str], console: Console) -> None:
    """Print what stops a publish."""
    console.print(Text("A publish stops", style="bold red"))
    table = Table.grid(padding=(0, 1, 0, 0))
    for guard in guards:
        table.add_row(Text("-"), Text(guard))
    console.print(table)


def coloured(segment: str) -> Text:
    """A segment in its colour."""
    return Text(segment, style=SEGMENT_COLOURS.get(segment, ""))


def movement_table(movement: Movement) -> Table:
    """From which segment into which, with the sums."""
    table = grid(footer=True)
    table.add_column("now \\ then", "then", no_wrap=True)
    for after in SEGMENTS:
        table.add_column(after, f"{movement.after(after):,}", justify="right")
    table.add_column("now", f"{movement.contacts:,}", justify="right")
    table.add_column("change", justify="right")
    for before in SEGMENTS:
        counts = [movement.counts.get((before, after), 0) for after in SEGMENTS]
        table.add_row(
            coloured(before),
            *(
                Text(f"{count:,}", style="dim" if after == before else "")
                for after, count in zip(SEGMENTS, counts, strict=True)
            ),
            f"{movement.before(before):,}",
            f"{movement.after(before) - movement.before(before):+,}",
        )
    return table


def movers_table(movers: Sequence[Mover]) -> Table:
    """Who moves, and by which activities."""
    table = grid()
    table.add_column("who moves most", no_wrap=True)
    table.add_column("from → to", no_wrap=True)
    table.add_column("score", no_wrap=True, justify="right")
    table.add_column("most of it by", overflow="fold")
    for mover in movers:
        table.add_row(
            Text(mover.contact_id[:ID_SHOWN]),
            Text.assemble(
                coloured(mover.segment_before), " → ", coloured(mover.segment_after)
            ),
            f"{mover.score_before:.2f} → {mover.score_after:.2f}",
            Text(reason_words(mover)),
        )
    return table


def reason_words(mover: Mover) -> str:
    """The activities that move a contact most, the way that it moves."""
    is_up = mover.score_after >= mover.score_before
    shown = [
        f"{activity} {difference:+.2f}"
        for activity, difference in mover.reasons.items()
        if (difference > 0) is is_up and abs(difference) >= LEAST_SHOWN
    ]
    return ", ".join(shown[:REASONS_SHOWN]) or "other edges of the bands"


def quality_table(quality: Sequence[Quality]) -> Table:
    """How well both sheets told at past midnights what came next."""
    table = grid()
    table.add_column("what came within", no_wrap=True)
    table.add_column("ROC AUC", justify="right", no_wrap=True)
    table.add_column("change", justify="right", no_wrap=True)
    table.add_column("lift of best tenth", justify="right", no_wrap=True)
    table.add_column("midnights", justify="right", no_wrap=True)
    for each in quality:
        spread = "" if each.roc_auc_spread is None else f" ± {each.roc_auc_spread:.3f}"
        table.add_row(
            f"{each.horizon_days} days",
            f"{each.roc_auc_before:.3f} → {each.roc_auc_after:.3f}",
            f"{each.roc_auc_after - each.roc_auc_before:+.3f}{spread}",
            f"{number(each.lift_before)} → {number(each.lift_after)}",
            f"{each.midnights:,}",
        )
    return table


def number(value: float | None) -> str:
    """A number with two decimals; a dash where there is none."""
    return "-" if value is None else f"{value:.2f}"


def writes_table(writes: Sequence[Writes]) -> Table:
    """What syncs would send."""
    table = grid()
    table.add_column("sync", overflow="fold")
    table.add_column("due now", justify="right", no_wrap=True)
    table.add_column("due then", justify="right", no_wrap=True)
    table.add_column("requests", justify="right", no_wrap=True)
    table.add_column("takes", justify="right", no_wrap=True)
    for each in writes:
        table.add_row(
            Text(each.sync),
            f"{each.now:,}",
            f"{each.then:,}",
            f"{each.requests:,}",
            takes(each.minutes),
        )
    return table


def takes(minutes: float) -> str:
    """A span in the unit that fits."""
    if minutes * SECONDS < 1:
        return "< 1 s"
    if minutes < 1:
        return f"{minutes * SECONDS:.0f} s"
    return f"{minutes:,.0f} min"


def stop_lines(writes: Sequence[Writes]) -> Iterator[Text]:
    """Which syncs their own guards would stop."""
    for each in writes:
        for stop in each.stops:
            yield Text(f"{each.sync} would be stopped: {stop}", style="yellow")


def findings_table(findings: Sequence[Finding]) -> Table:
    """What is odd about the sheet."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column()
    table.add_column(overflow="fold")
    for each in findings:
        table.add_row(Text("-"), Text(finding_words(each)))
    return table


def finding_words(finding: Finding) -> str:
    """A finding with the rules that it is about."""
    if not finding.rules:
        return finding.words
    shown = ", ".join(finding.rules[:RULES_SHOWN])
    left = len(finding.rules) - RULES_SHOWN
    more = f" and {left} more" if left > 0 else ""
    return f"{shown}{more}: {finding.words}"


def print_switch(switch: Switch, console: Console) -> None:
    """Print what becomes of the sheets."""
    table = grid()
    for title in ("sheet", "now", "then"):
        table.add_column(title, overflow="fold")
    for name, before, after in spelt_changes(switch):
        table.add_row(Text(name), Text(before), Text(after))
    console.print(table)


def difference_json(change: Change) -> Mapping[str, object]:
    """A difference as plain data."""
    return {
        "sheet": change.sheet,
        "difference": change.kind.value,
        "rule": list(change.key),
        "columns": {
            column: {"before": before or None, "after": after or None}
            for column, (before, after) in (change.cells or {}).items()
        },
    }
