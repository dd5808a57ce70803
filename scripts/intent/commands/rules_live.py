"""`intent rules diff`, `plan`, `publish` and `rollback`: from a draft to live."""

from typing import Annotated

import typer
from rich.text import Text

from intent import console
from intent.commands.rules import AsJson, app, print_json, seeds_folder
from intent.errors import BadInputError, ExitCode, GuardError
from intent.interrupt import sigterm_as_interrupt
from intent.rules.live import render
from intent.rules.live.change_log import PLACE
from intent.rules.live.difference import compare_sheets
from intent.rules.live.model import Guard, SheetPlan
from intent.rules.live.plan import Wanted, make_plan, refuse_unknown, stopping
from intent.rules.live.switch import (
    Switch,
    publish_switch,
    rollback_switch,
    write_switch,
)
from intent.rules.parsing import CellError, parse_cell
from intent.rules.service import valid_tables
from intent.rules.sheets import NOTE
from intent.settings import places

__all__ = ["app"]

Syncs = Annotated[
    list[str] | None,
    typer.Option(
        "--sync",
        metavar="SYNC",
        help="Count what this sync would send (again for more). Default: those that "
        "are switched on or ever ran.",
        show_default=False,
    ),
]
NoWrites = Annotated[
    bool,
    typer.Option(
        "--no-writes", help="Don't count what syncs would send, which takes longest."
    ),
]
Movers = Annotated[
    int, typer.Option("--movers", min=0, help="Name so many contacts that move.")
]
Allow = Annotated[
    list[Guard] | None,
    typer.Option(
        "--allow",
        metavar="GUARD",
        help="Go on past this guard: moved or worse (again for more).",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Write, don't ask.")]
TAKES_EFFECT = (
    "The next build takes effect: `intent build`. Until then contacts, and what tools "
    "are told of them, stay as they are."
)


@app.command("diff")
def diff_command(
    before: Annotated[
        str,
        typer.Argument(metavar="SHEET", help="Such as purchase.", show_default=False),
    ],
    after: Annotated[
        str, typer.Argument(metavar="OTHER", help="Another.", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Show in which rules two sheets differ.

    Points, half-lives, caps, scale and bands; notes change no score and are left out.

    Example: intent rules diff purchase purchase_2
    """
    tables = valid_tables(seeds_folder())
    for name in (before, after):
        refuse_unknown(tables, name)
    if before == after:
        raise BadInputError(
            f"{before} is named twice: name the sheet to compare it with, too."
        )
    changes = compare_sheets(tables, before, after)
    if as_json:
        print_json(
            {
                "before": before,
                "after": after,
                "differences": [render.difference_json(each) for each in changes],
            }
        )
    else:
        render.print_difference(changes, before, after, console.out)


@app.command("plan")
def plan_command(
    sheet: Annotated[
        str | None,
        typer.Argument(
            metavar="SHEET",
            help="The sheet that could become the primary one. Default: the draft, if "
            "there is only one.",
            show_default=False,
        ),
    ] = None,
    syncs: Syncs = None,
    no_writes: NoWrites = False,
    movers: Movers = 10,
    allow: Allow = None,
    as_json: AsJson = False,
) -> None:
    """Show what would change if a draft became the primary sheet. Nothing is written.

    By the last build, in which drafts are scored like all: who would be in another
    segment, and why; how much each tool would be sent; how well both sheets told what
    came next, after `intent evaluate`; what is odd about the rules; and what would stop
    `intent rules publish`.

    Exit codes: 0 it could be published, 3 there is no such sheet or the rules are not
    those of the last build, 4 nothing was built or a file is in use, 7 a guard would
    stop it.

    Example: intent rules plan purchase_2 --sync hubspot
    """
    seeds_folder()
    plan = plan_sheet(sheet, syncs, no_writes, movers)
    stops = stopping(plan.guards, allow or ())
    if as_json:
        print_json({**plan.as_json(), "ok": not stops})
    else:
        render.print_plan(plan, console.out)
    if stops:
        raise typer.Exit(ExitCode.GUARD)


@app.command("publish")
def publish_command(
    sheet: Annotated[
        str,
        typer.Argument(
            metavar="SHEET",
            help="The sheet that becomes the primary one.",
            show_default=False,
        ),
    ],
    why: Annotated[
        str,
        typer.Option("--why", metavar="TEXT", help="The reason, for the log."),
    ] = "",
    syncs: Syncs = None,
    no_writes: NoWrites = False,
    movers: Movers = 10,
    allow: Allow = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make a draft the primary sheet, by which contacts are hot, warm or cold.

    Plans first, and stops at a guard; asks; then writes: the sheet is the primary one,
    the one before is archived, and seeds/rules/sheet_changes.csv says so. The next
    build takes effect. `intent rules rollback` brings everything back.

    Exit codes: 0 done, 1 answered no, 3 there is no such sheet or the rules are not
    those of the last build, 4 a file can't be read or written, 7 a guard stopped it.

    Example: intent rules publish purchase_2 --why "Wish lists tell more than thought"

    Example: intent rules publish purchase_2 --allow moved
    """
    refuse_questions(as_json, yes)
    reason = read_reason(why)
    seeds = seeds_folder()
    plan = plan_sheet(sheet, syncs, no_writes, movers)
    if not as_json:
        render.print_plan(plan, console.out)
        console.out.print()
    if stops := stopping(plan.guards, allow or ()):
        if as_json:
            print_json({"written": False, "plan": plan.as_json()})
        raise GuardError(
            "\n".join(
                [
                    f"{sheet} was not published, nothing was written:",
                    *(f"- {each}" for each in stops),
                    "If that is meant so, go on with "
                    + " ".join(f"--allow {each.partition(':')[0]}" for each in stops)
                    + ".",
                ]
            )
        )
    switch = publish_switch(seeds, plan, reason)
    carry_out(switch, f"Make {sheet} the primary sheet?", yes, as_json, plan)


@app.command("rollback")
def rollback_command(
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway",
            help="Also if rules were changed since; these changes stay.",
        ),
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Take back the last publish: the rule sheets are what they were, to the byte.

    seeds/rules/sheet_changes.csv keeps both, the publish and that it was taken back.
    Again, it takes back the publish before. The next build takes effect.

    Exit codes: 0 done, 1 answered no, 3 there is nothing to take back or the rules were
    changed since, 4 a file can't be read or written.

    Example: intent rules rollback
    """
    refuse_questions(as_json, yes)
    switch = rollback_switch(seeds_folder(), anyway)
    question = f"Make {switch.entry.score_model} the primary sheet again?"
    carry_out(switch, question, yes, as_json)


def plan_sheet(
    sheet: str | None, syncs: list[str] | None, no_writes: bool, movers: int
) -> SheetPlan:
    """Plan; SIGTERM ends it as Ctrl-C does, so that its copies are taken away."""
    wanted = Wanted(sheet, movers, tuple(syncs or ()), not no_writes)
    with sigterm_as_interrupt():
        return make_plan(places(), wanted)


def carry_out(
    switch: Switch,
    question: str,
    yes: bool,
    as_json: bool,
    plan: SheetPlan | None = None,
) -> None:
    """Ask, write, and say what was written."""
    if not as_json:
        render.print_switch(switch, console.out)
    if not yes:
        typer.confirm(question, abort=True, err=True)
    write_switch(places().seeds, switch)
    if as_json:
        told = {"plan": plan.as_json()} if plan else {}
        print_json({"written": True, **switch.as_json(), **told})
        return
    console.out.print(
        Text(f"Written: {', '.join(map(str, switch.contents))}. {TAKES_EFFECT}")
    )


def refuse_questions(as_json: bool, yes: bool) -> None:
    """Refuse --json without --yes: programs answer nothing."""
    if as_json and not yes:
        raise typer.BadParameter("--json asks no questions: add --yes.")


def read_reason(why: str) -> str:
    """The reason for the log.

    Raises:
        BadInputError: the log can't hold it.
    """
    try:
        parse_cell(NOTE, why)
    except CellError as error:
        raise BadInputError(
            f"--why {error.wrong}. {PLACE} holds one line of text."
        ) from error
    return why.strip()
