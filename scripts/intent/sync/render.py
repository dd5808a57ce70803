"""What syncs come to, as tables for people."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from intent.sync.model import Op
from intent.sync.outbox import (
    EXISTS,
    HELD_BACK,
    NO_MATCH,
    RECORD_REFUSED,
    SHARED_RECORD,
)
from intent.sync.results import (
    Drift,
    Finding,
    Plan,
    Rejection,
    RunResult,
    Sample,
    SetUp,
)
from intent.sync.spec import Mode

GOOD, NOTE, BAD, QUIET = "green", "yellow", "red", "dim"
SAMPLE_FIELDS = 6
ID_SHOWN = 8
"""As many characters of a contact's id as `intent explain` needs."""
NAME_SHOWN = 30
ROWS_SHOWN = 3
SKIPS = {
    NO_MATCH: "not there",
    EXISTS: "there already",
    HELD_BACK: "tried before, later again",
    RECORD_REFUSED: "the contact itself was refused",
    SHARED_RECORD: "the record is that of another contact, too",
}
"""Why rows were skipped, by code."""
DIED = ("running", "died")
"""States of runs that did not end by themselves; one that runs has the ledger."""

OPS: Mapping[str, tuple[str, str]] = {
    Op.CREATE: ("create", "never acknowledged before"),
    Op.UPDATE: ("update", "something that matters changed"),
    Op.LEAVE: ("unset", "no longer to be sent: their fields are unset"),
    Op.DELETE: ("delete", "erased, or no longer in a mirror"),
    Op.DROP: ("off lists", ""),
    Op.JOIN: ("on lists", ""),
    Op.EVENT: ("events", "changes of the segment"),
}
"""What rows to be sent are called here, and what they are for."""
FIRST_WRITES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    Mode.UPDATE_ONLY: {
        Op.CREATE: ("first update", "nobody is created: the unknown are skipped")
    },
    Mode.CREATE_ONLY: {Op.CREATE: ("create", "who is there already is skipped")},
}
"""The same for modes that may not do it all."""


class Count(NamedTuple):
    """A column of numbers; it is left out where all of them are 0."""

    title: str
    numbers: Sequence[int]
    style: str = ""


# Plans -----------------------------------------------------------------------------


def print_plans(plans: Sequence[Plan], console: Console) -> None:
    """Print each plan, and a table of all where there are several."""
    for plan in plans:
        print_plan(plan, console)
    if len(plans) > 1:
        console.print(plans_table(plans))


def print_plan(plan: Plan, console: Console) -> None:
    """Print what a run of one sync would do."""
    console.print(
        heading(plan.sync, f"{plan.object} of {plan.destination}", plan.as_of)
    )
    console.print(Padding(plan_counts(plan), (0, 0, 0, 2)))
    for words in hindrances(plan):
        console.print(words, soft_wrap=True)
    if plan.sample:
        console.print(Padding(sample_table(plan), (0, 0, 0, 2)))
    console.print()


def heading(sync: str, words: str, as_of: datetime | None = None) -> Text:
    """Which sync it is about, in one line."""
    clock = f", as of {moment(as_of)}" if as_of else ""
    return Text.assemble((sync, "bold"), f": {words}{clock}")


def plan_counts(plan: Plan) -> Table:
    """The rows of a plan by what becomes of them, and what sending them takes."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style=QUIET)
    for op, (name, meaning) in ops_of(plan).items():
        if count := plan.by_op.get(op):
            table.add_row(name, f"{count:,}", meaning)
    if not any(plan.by_op.values()):
        table.add_row("to send", "0", "nothing that matters changed")
    if refused := sum(plan.refused.values()):
        count_text = Text(f"{refused:,}", style=NOTE)
        table.add_row("refused here", count_text, by_count(plan.refused))
    if plan.held_back:
        meaning = "refused or not found before; tried again later, or by `retry`"
        table.add_row("held back", f"{plan.held_back:,}", meaning)
    if plan.without_key:
        meaning = "can't be found over there, such as for want of an email"
        table.add_row("no match key", f"{plan.without_key:,}", meaning)
    table.add_row("unchanged", f"{plan.unchanged:,}", "")
    if plan.requests:
        table.add_row("requests", f"{plan.requests:,}", quota(plan))
        table.add_row("takes", span(plan.minutes * 60), "as fast as they allow")
    return table


def ops_of(plan: Plan) -> Mapping[str, tuple[str, str]]:
    """What rows to be sent are called in a plan."""
    return {**OPS, **FIRST_WRITES.get(plan.mode, {})}


def quota(plan: Plan) -> str:
    """How much of the day's requests a run takes."""
    if plan.requests_a_day is None:
        return "no limit a day"
    share = share_of(plan.requests, plan.requests_a_day)
    used = f", {plan.requests_used:,} used today" if plan.requests_used else ""
    too_many = plan.requests_used + plan.requests > plan.requests_a_day
    rest = "; the rest goes another day" if too_many else ""
    return f"{share} of {plan.requests_a_day:,} a day{used}{rest}"


def hindrances(plan: Plan) -> Iterator[Text]:
    """What stands in the way of a run, in words."""
    if plan.unfinished:
        yield Text.assemble(("  Settled first: ", NOTE), plan.unfinished)
    for guard in plan.guards:
        yield Text.assemble(
            ("  A guard stops it. ", BAD),
            f"{guard}. If that is right: --allow {guard.split(':')[0]}",
        )


def sample_table(plan: Plan) -> Table:
    """Some of the rows that would be sent, masked."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style=QUIET, pad_edge=False)
    table.add_column("for example", no_wrap=True)
    table.add_column("whom (masked)", no_wrap=True)
    table.add_column("what", overflow="fold")
    names = ops_of(plan)
    for row in plan.sample:
        name, _ = names.get(row.op, (row.op, ""))
        table.add_row(name, Text(row.key), Text(", ".join(sample_values(row))))
    return table


def sample_values(row: Sample) -> Iterator[str]:
    """The fields for which a row is sent, with their values."""
    names = list(row.changed or row.values)
    for name in names[:SAMPLE_FIELDS]:
        value = row.values.get(name)
        yield f"{name} {'unset' if value is None else value}"
    if len(names) > SAMPLE_FIELDS:
        yield f"and {len(names) - SAMPLE_FIELDS} more"


def plans_table(plans: Sequence[Plan]) -> Table:
    """A row per plan."""
    counts = [
        Count("to send", [sum(plan.by_op.values()) for plan in plans]),
        Count("refused", [sum(plan.refused.values()) for plan in plans], NOTE),
        Count("held", [plan.held_back for plan in plans]),
        Count("unchanged", [plan.unchanged for plan in plans]),
        Count("requests", [plan.requests for plan in plans]),
    ]
    texts = {
        "of day": [
            share_of(plan.requests, plan.requests_a_day) if plan.requests_a_day else "-"
            for plan in plans
        ],
        "takes": [span(plan.minutes * 60) for plan in plans],
    }
    return counts_table("sync", [plan.sync for plan in plans], counts, texts)


# Runs ------------------------------------------------------------------------------


def print_runs(
    results: Sequence[RunResult], console: Console, with_ids: bool = False
) -> None:
    """Print what runs came to: a row each, then what a person should know of it."""
    if not results:
        return
    counts = [
        Count("acknowledged", [each.acknowledged for each in results], GOOD),
        Count("refused", [each.rejected for each in results], BAD),
        Count("deferred", [each.deferred for each in results], NOTE),
        Count("skipped", [each.skipped for each in results]),
        Count("in doubt", [each.in_doubt for each in results], NOTE),
        Count("unchanged", [each.unchanged for each in results]),
        Count("requests", [each.requests for each in results]),
    ]
    texts = {"took": [span(each.seconds) for each in results]}
    if with_ids:  # they begin with when and what
        console.print(
            counts_table("run", [each.run_id for each in results], counts[:5], texts)
        )
    else:
        names = [each.sync for each in results]
        console.print(counts_table("sync", names, counts, texts))
    newest: dict[str, RunResult] = {}
    for result in results:
        newest.setdefault(result.sync, result)
    for result in newest.values():
        for words in remarks(result):
            console.print(words, soft_wrap=True)


def remarks(result: RunResult) -> Iterator[Text]:
    """What a person should know of a run beyond its numbers."""
    if result.state in DIED:
        yield heading(result.sync, "the run died; the next one settles it")
    elif result.state != "done":
        yield heading(result.sync, result.reason or result.state)
    if result.without_key and not (result.planned or result.unchanged):
        words = f"none of {result.without_key:,} has a match key, such as an email"
        yield heading(result.sync, words)
    if result.rejected:
        yield Text.assemble(
            (result.sync, "bold"),
            f": refused {by_count(result.rejections) or f'{result.rejected:,}'}",
            (f". Which: intent sync rejected {result.sync}", QUIET),
        )
    if result.skips:
        words = "; ".join(f"{SKIPS.get(c, c)} {n:,}" for c, n in result.skips.items())
        yield heading(result.sync, f"skipped: {words}")
    if result.deferred:
        yield heading(result.sync, "what was deferred is sent by the next run")
    if result.in_doubt:
        yield heading(
            result.sync,
            "what is in doubt was sent without an answer; the next run settles it",
        )


# The rest --------------------------------------------------------------------------


def print_setup(setup: SetUp, console: Console) -> None:
    """Print what is to be done before the first run."""
    console.print(heading(setup.sync, f"{setup.object} of {setup.destination}"))
    console.print("\nOver there, once:")
    for step in setup.steps:
        # As it is, unbroken: some of it is to be copied, such as a formula.
        console.print(Text(f"- {step}"), soft_wrap=True)
    console.print("\nHere, in the environment:")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", style=QUIET)
    for each in setup.settings:
        state = Text("missing" if each.is_required else "optional", style=QUIET)
        if each.is_required:
            state.style = BAD
        if each.found:
            words = "set" if each.found == "environment" else f"set, in a {each.found}"
            state = Text(words, style=GOOD)
        table.add_row(each.variable, state, Text(each.description))
    console.print(Padding(table, (0, 0, 0, 2)))
    if any(each.is_secret for each in setup.settings):
        console.print(
            "\nA secret can also stand in a file that a variable with _FILE at its end "
            "names,\nor in the system's keyring (service intent_scoring).",
            style=QUIET,
            highlight=False,
        )


def print_findings(sync: str, findings: Sequence[Finding], console: Console) -> None:
    """Print what a check found, a line each."""
    console.print(heading(sync, "can be sent" if all_ok(findings) else "can't be sent"))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in findings:
        mark = Text("ok", style=GOOD) if each.ok else Text("wrong", style=BAD)
        line = f" (line {each.line})" if each.line and not each.ok else ""
        table.add_row(mark, Text(each.what), Text(f"{each.message}{line}"))
    console.print(Padding(table, (0, 0, 0, 2)))


def all_ok(findings: Sequence[Finding]) -> bool:
    """True if a check found nothing wrong."""
    return all(each.ok for each in findings)


def print_rejections(rejections: Sequence[Rejection], console: Console) -> None:
    """Print rows of a sync that were refused, a row each."""
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    table.add_column("row", no_wrap=True)
    table.add_column("to", no_wrap=True)
    table.add_column("tries", justify="right", no_wrap=True)
    table.add_column("next try from", no_wrap=True)
    table.add_column("why", overflow="fold")
    for each in rejections:
        name, _ = OPS.get(each.op, (each.op, ""))
        why = (each.code, each.field, each.message)
        table.add_row(
            Text((each.row_id or "")[:ID_SHOWN]),
            name,
            f"{each.tries}",
            moment(each.next_try_at),
            Text(": ".join(part for part in why if part)),
        )
    console.print(table)


def print_drift(drift: Drift, console: Console) -> None:
    """Print how a destination differs from what it acknowledged."""
    words = f"{drift.same:,} of {drift.compared:,} records are as acknowledged"
    console.print(heading(drift.sync, words))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    if drift.missing:
        table.add_row("not there any more", f"{drift.missing:,}")
    for name, count in sorted(drift.by_field.items(), key=lambda item: -item[1]):
        table.add_row(Text(f"another {name}"), f"{count:,}")
    if table.row_count:
        console.print(Padding(table, (0, 0, 0, 2)))
    if drift.row_ids:
        some = ", ".join(each[:ID_SHOWN] for each in drift.row_ids[:ROWS_SHOWN])
        console.print(Text(f"  Such as {some}. Whose: intent explain ROW"))


def counts_table(
    title: str,
    names: Sequence[str],
    counts: Sequence[Count],
    texts: Mapping[str, Sequence[str]],
) -> Table:
    """A row per name: its counts, without those that are 0 for all, then texts."""
    shown = [each for each in counts if any(each.numbers)]
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    longest = max((len(name) for name in names), default=0)
    table.add_column(title, overflow="fold", min_width=min(longest, NAME_SHOWN))
    for heads in (*(each.title for each in shown), *texts):
        table.add_column(heads, justify="right", no_wrap=True)
    for row, name in enumerate(names):
        table.add_row(
            Text(name),
            *(
                Text(
                    f"{each.numbers[row]:,}", style=each.style * bool(each.numbers[row])
                )
                for each in shown
            ),
            *(text[row] for text in texts.values()),
        )
    return table


def by_count(counts: Mapping[str, int]) -> str:
    """Counts by name in one line, the largest first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count:,}" for name, count in ordered)


def share_of(part: int, whole: int) -> str:
    """A share in per cent; what is not nothing never looks like it."""
    share = part / whole if whole else 0.0
    return "< 0.1%" if 0 < share < 0.001 else f"{share:.1%}"


def span(seconds: float) -> str:
    """A length of time, as short as it can be said."""
    if seconds < 1:
        return "< 1 s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def moment(at: datetime) -> str:
    """A moment in UTC, to the minute."""
    utc = at.astimezone(UTC) if at.tzinfo else at
    return f"{utc:%Y-%m-%d %H:%M} UTC"


def as_text(value: object) -> str:
    """A value that JSON does not have: moments as ISO, in UTC."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return str(value)
