"""`intent sync`: tells CRMs and other tools what changed."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.text import Text

from intent import console
from intent.demo import holds_demo
from intent.errors import ExitCode, LockedError, StoppedError, worst
from intent.interrupt import sigterm_as_interrupt
from intent.settings import Places, places
from intent.sync import render, service
from intent.sync.audit import read_audit
from intent.sync.choose import choose
from intent.sync.load import sync_files
from intent.sync.progress import bar
from intent.sync.results import Drift, Finding, Plan, RunResult
from intent.sync.several import Several, do_each
from intent.sync.spec import Sync

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Send what changed to CRMs and other tools. Nothing is sent but by run, "
    "resume, retry and rollback. What is sent where is said by the files in syncs/.",
)


class Guard(StrEnum):
    """What stops a run until it is allowed."""

    SHRINKING = "shrinking"
    DOWNGRADES = "downgrades"
    DELETIONS = "deletions"


def complete_names() -> list[str]:
    """The names that a shell can complete."""
    return list(sync_files(places().syncs))


Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SYNC...",
        help="Files in syncs/, without .yml. None: those with `enabled: true`.",
        show_default=False,
        autocompletion=complete_names,
    ),
]
OneOrMore = Annotated[
    list[str],
    typer.Argument(
        metavar="SYNC...",
        help="Files in syncs/, without .yml.",
        show_default=False,
        autocompletion=complete_names,
    ),
]
Allow = Annotated[
    list[Guard] | None,
    typer.Option(
        "--allow",
        metavar="GUARD",
        help="Go on past this guard: shrinking, downgrades or deletions (again for "
        "more).",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Send, don't ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


@app.command("setup")
def setup_command(names: OneOrMore, as_json: AsJson = False) -> None:
    """Say what an admin must create over there, and what to set in the environment.

    Needs no credentials, and shows no values of secrets.

        intent sync setup hubspot
    """
    several = do_each(choose(places(), names), service.setup)
    if as_json:
        print_json("syncs", [each.as_json() for each in several.results], several)
    else:
        for each in several.results:
            render.print_setup(each, console.out)
    finish(several)


@app.command("check")
def check_command(names: Names = None, as_json: AsJson = False) -> None:
    """Check credentials, and if each field is there and takes what is to be sent.

    Reads only. Exit codes: 0 all fine, 3 a field or a setting is wrong, 4 the
    destination can't be reached, 5 it refused the credentials.

        intent sync check hubspot
    """
    place = places()

    def check(sync: Sync) -> tuple[str, Sequence[Finding]]:
        with asking(sync):
            return sync.name, service.check(place, sync)

    several = do_each(choose(place, names), check)
    if as_json:
        content = [
            {
                "sync": name,
                "ok": render.all_ok(findings),
                "findings": [vars(each) for each in findings],
            }
            for name, findings in several.results
        ]
        print_json("checks", content, several)
    else:
        for name, findings in several.results:
            render.print_findings(name, findings, console.out)
    finish(
        several,
        (
            ExitCode.OK if render.all_ok(findings) else ExitCode.BAD_INPUT
            for _, findings in several.results
        ),
    )


@app.command("plan")
def plan_command(
    names: Names = None,
    allow: Allow = None,
    sample: Annotated[
        int, typer.Option(min=0, help="Show so many rows of each, masked.")
    ] = 3,
    as_json: AsJson = False,
) -> None:
    """Say what a run would send. Nothing is sent or written.

    Needs no credentials: what the destination has is known by what it acknowledged.
    Exit code 7: a guard would stop the run.

        intent sync plan

        intent sync plan hubspot --sample 10
    """
    place = places()
    several = do_each(
        choose(place, names),
        lambda sync: service.plan(place, sync, sample, allow or ()),
    )
    if as_json:
        print_json("plans", [each.as_json() for each in several.results], several)
    else:
        render.print_plans(several.results, console.out)
    finish(several, (code_of(each) for each in several.results))


def code_of(plan: Plan) -> ExitCode:
    """What a plan is to tell scripts."""
    return ExitCode.GUARD if plan.guards else ExitCode.OK


@app.command("run")
def run_command(
    names: Names = None,
    allow: Allow = None,
    wait: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="Wait so long if another sync runs, or dbt builds.",
        ),
    ] = 0.0,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send what changed since the destination last acknowledged it.

    Shows the plan and asks; scripts say --yes. What a run before left unfinished is
    settled first. Stopped (Ctrl-C, SIGTERM) or killed, run it again: nothing is lost.

    Exit codes: 0 all was acknowledged, 1 rows were refused (see `intent sync
    rejected`), 3 a file, column or setting is wrong, 4 another sync runs or dbt builds,
    5 the credentials were refused, 6 rows are left for the next run, 7 a guard stopped
    it. Of several syncs, the code that asks most of you.

        intent sync run hubspot

        intent sync run --yes --json

        intent sync run hubspot --allow shrinking
    """
    place, allowed = places(), allow or ()
    send(
        agreed(place, choose(place, names), allowed, yes, as_json),
        lambda sync, progress: service.run(place, sync, progress, allowed, wait),
        as_json,
    )


@app.command("resume")
def resume_command(names: Names = None, as_json: AsJson = False) -> None:
    """Finish the run before as it was planned, without a look at the warehouse.

    For when dbt builds, or the warehouse is away; `run` finishes it, too. Does not ask:
    it sends nothing but what that run was to send.

        intent sync resume hubspot
    """
    place = places()
    send(
        choose(place, names),
        lambda sync, progress: service.resume(place, sync, progress),
        as_json,
    )


@app.command("retry")
def retry_command(
    names: Names = None, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Run, and try all rows again that were refused before.

    `run` tries them again when their values change, or after a while.

        intent sync retry hubspot
    """
    place = places()
    send(
        agreed(place, choose(place, names), (), yes, as_json),
        lambda sync, progress: service.retry(place, sync, progress),
        as_json,
    )


@app.command("rejected")
def rejected_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SYNC...",
            help="Files in syncs/, without .yml. None: all.",
            show_default=False,
            autocompletion=complete_names,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the rows that were refused, and why, without their values.

    `intent explain ROW` says whose it is.

        intent sync rejected hubspot --json
    """
    place = places()
    several = do_each(
        choose(place, names or list(sync_files(place.syncs))),
        lambda sync: (sync.name, service.rejected(place, sync)),
    )
    if as_json:
        rows = [vars(each) for _, found in several.results for each in found]
        print_json("rejected", rows, several)
    else:
        for name, found in several.results:
            if found:
                console.out.print(render.heading(name, f"{len(found):,} refused"))
                render.print_rejections(found, console.out)
        if not (several.faults or any(found for _, found in several.results)):
            console.out.print("No row is refused.")
    finish(several)


@app.command("status")
def status_command(
    runs: Annotated[
        int, typer.Option(min=1, help="Show so many runs of each sync.")
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Show the last run of each sync, with its id.

    While a sync runs, what was published after the run before.

        intent sync status --runs 5
    """
    place = places()
    try:
        results = service.status(place, runs)
    except LockedError:
        results = read_audit(place, runs)
        console.err.print(
            "A sync runs now, and has the ledger. This is what was before.",
            style="yellow",
        )
    several = Several(list(results))
    if as_json:
        print_json("runs", [each.as_json() for each in results], several)
    elif results:
        render.print_runs(results, console.out, with_ids=True)
    else:
        console.out.print("Nothing was sent yet.")


@app.command("reconcile")
def reconcile_command(
    names: Names = None,
    sample: Annotated[
        int, typer.Option(min=1, help="Read so many records back, chosen at random.")
    ] = 1000,
    everything: Annotated[
        bool, typer.Option("--all", help="Read all of them back.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read records back, and say where they are no longer as was acknowledged.

    Somebody may have changed or deleted them there. Reads only. Exit code 1: some are.

        intent sync reconcile hubspot

        intent sync reconcile hubspot --all --json
    """
    place = places()

    def compare(sync: Sync) -> Drift:
        with asking(sync):
            return service.reconcile(place, sync, None if everything else sample)

    several = do_each(choose(place, names), compare)
    if as_json:
        print_json("drift", [each.as_json() for each in several.results], several)
    else:
        for each in several.results:
            render.print_drift(each, console.out)
    finish(
        several,
        (
            ExitCode.OK if each.same == each.compared else ExitCode.FAILED
            for each in several.results
        ),
    )


@app.command("rollback")
def rollback_command(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="The id of a run; `status --json` and `run` have it."
        ),
    ],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send again what was acknowledged before a run, for each row that it changed.

    Rows that a later run changed stay. The next run sends today's values again: switch
    the sync off (`enabled: false`), or mend what was wrong, first.

        intent sync rollback 20260701T080000-1a2b
    """
    ask(f"Send what was acknowledged before the run {run} again?", yes, as_json)
    place = places()

    several: Several[RunResult] = Several()
    with stopping_well(several), bar("rollback") as progress:
        several.results.append(service.rollback(place, run, progress))
    show_runs(several, as_json)


# What the commands share -----------------------------------------------------------


def asking(sync: Sync) -> AbstractContextManager[object]:
    """Show, in a terminal, that we wait for a destination, within the block."""
    return console.err.status(f"asking {sync.destination}")


def agreed(
    place: Places,
    syncs: Several[Sync],
    allowed: Sequence[str],
    yes: bool,
    as_json: bool,
) -> Several[Sync]:
    """Show what would be sent, and ask, unless told not to.

    Raises:
        typer.Abort: the answer is no.
    """
    if holds_demo(place.landing):
        console.err.print(
            "These contacts are the demo's: all of them are invented.", style="yellow"
        )
    if not yes:
        refuse_to_ask_nobody(as_json)
        plans = do_each(syncs, lambda sync: service.plan(place, sync, 3, allowed))
        render.print_plans(plans.results, console.err)
        free = [plan for plan in plans.results if not plan.guards]
        rows = sum(sum(plan.by_op.values()) for plan in free)
        if rows or any(plan.unfinished for plan in free):
            where = ", ".join(dict.fromkeys(plan.destination for plan in free))
            ask(f"Send {rows:,} rows to {where}?", yes, as_json)
    return syncs


def ask(question: str, yes: bool, as_json: bool) -> None:
    """Ask, unless told not to.

    Raises:
        typer.Abort: the answer is no.
    """
    if not yes:
        refuse_to_ask_nobody(as_json)
        typer.confirm(question, abort=True, err=True)


def refuse_to_ask_nobody(as_json: bool) -> None:
    """Raise BadParameter where a question would reach nobody."""
    if as_json or not sys.stdin.isatty():
        raise typer.BadParameter(
            "nobody is there to be asked: say --yes, or look first with "
            "`intent sync plan`",
            param_hint="--yes",
        )


def send(
    syncs: Several[Sync],
    act: Callable[[Sync, service.Progress], RunResult | None],
    as_json: bool,
) -> None:
    """Send for each sync, and say what came of it."""

    def with_bar(sync: Sync) -> RunResult | None:
        with bar(sync.name) as progress:
            return act(sync, progress)

    several: Several[RunResult | None] = Several()
    with stopping_well(several):
        do_each(syncs, with_bar, into=several)
    done = [each for each in several.results if each]
    if not (done or several.faults or as_json):
        names = ", ".join(sync.name for sync in syncs.results)
        console.out.print(f"Nothing is unfinished: {names}.")
    show_runs(Several(done, several.faults), as_json)


@contextmanager
def stopping_well(several: Several[Any]) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM stop a block, and keep what came of its last run."""
    try:
        with sigterm_as_interrupt():
            yield
    except service.RunStopped as stopped:
        several.results.append(stopped.result)
    except KeyboardInterrupt as stopped:
        raise StoppedError("It was stopped before anything was sent.") from stopped


def show_runs(several: Several[RunResult], as_json: bool) -> None:
    """Print what runs came to, and leave with its exit code."""
    if as_json:
        print_json("runs", [each.as_json() for each in several.results], several)
    else:
        render.print_runs(several.results, console.out)
    finish(several, (each.exit_code for each in several.results))


def print_json(name: str, content: Sequence[Any], several: Several[Any]) -> None:
    """Print results and faults as JSON."""
    faults = [each.as_json() for each in several.faults]
    # Not through rich, which would break long lines.
    document = {name: content, "faults": faults}
    typer.echo(json.dumps(document, indent=2, default=render.as_text))


def finish(several: Several[Any], codes: Iterable[ExitCode] = ()) -> None:
    """Tell the faults, and leave with the worst code of all."""
    names: dict[str, list[str]] = {}
    for fault in several.faults:
        names.setdefault(str(fault.error), []).append(fault.of)
    for error, of in names.items():  # what all fail by is told once
        console.err.print(
            Text.assemble(("Error: ", "bold red"), f"{', '.join(of)}: {error}"),
            soft_wrap=True,
        )
    code = worst([*codes, several.worst_fault])
    if code:
        raise typer.Exit(code)
