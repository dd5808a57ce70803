"""`intent refresh`: the round that a scheduler runs."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from rich.text import Text

from intent.build import BuildRequest
from intent.console import err, out
from intent.interrupt import sigterm_as_interrupt
from intent.refresh import Export, Request, Round, chosen, files_to_come, refresh
from intent.settings import Places, places
from intent.sync import service
from intent.sync.progress import bar
from intent.sync.render import as_text, print_plans, span
from intent.sync.results import RunResult
from intent.sync.several import Fault, do_each
from intent.sync.spec import Sync

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def refresh_command(
    every: Annotated[
        str | None,
        typer.Option(
            metavar="30s|5m|1h",
            help="Start a round so often, until stopped. Default: one round.",
            show_default=False,
        ),
    ] = None,
    exports: Annotated[
        list[str] | None,
        typer.Option(
            "--load",
            metavar="PATH=MAPPING",
            help="First land what is new in this folder, as `intent load` does (again "
            "for more).",
            show_default=False,
        ),
    ] = None,
    syncs: Annotated[
        list[str] | None,
        typer.Option(
            "--sync",
            metavar="SYNC",
            help="Send this one (again for more). Default: those with `enabled: true`.",
            show_default=False,
        ),
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(help="As of `intent build`.", show_default=False)
    ] = None,
    feeds: Annotated[
        list[str] | None,
        typer.Option("--feed", help="As of `intent build`.", show_default=False),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="Wait so long if another refresh, build or sync runs.",
        ),
    ] = 0.0,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Build and send nothing: show what would be sent now."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON a round.")
    ] = False,
) -> None:
    """Do the round for a scheduler: build what has landed, publish, send what changed.

    Made to be run again and again, by cron or with --every. Only one runs on a
    warehouse. What a round did not do, since it failed, was stopped or was killed, the
    next one does. If the build fails, nothing is sent.

    Exit codes: 0 all was built and sent, 4 another one runs; else as of `intent build`
    and `intent sync run`, the one that asks most of you. With --every: 0 when stopped.

        intent refresh

        intent refresh --every 5m --json

        intent refresh --load exports/orders=orders.yml --sync hubspot
    """
    place = places()
    request = Request(
        exports=[Export.parse(text) for text in exports or ()],
        build=BuildRequest(sheet=sheet, feeds=feeds or ()),
        syncs=syncs or (),
        wait=wait,
    )

    if dry_run:
        show_plans(place, request, as_json)
        return

    def send(sync: Sync) -> RunResult:
        with bar(sync.name) as progress:
            return service.run(place, sync, progress, wait=wait)

    def tell(done: Round) -> None:
        if as_json:
            typer.echo(json.dumps(done.as_json(), default=as_text))
        else:
            print_round(done)

    with sigterm_as_interrupt():
        code = refresh(place, request, send, tell, seconds(every))
    if code:
        raise typer.Exit(code)


def print_round(done: Round) -> None:
    """Say in a line what a round came to; its faults on stderr."""
    out.print(
        f"{done.started_at:%Y-%m-%d %H:%M:%S} UTC  {'; '.join(parts(done))}",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    tell_faults(done.faults)


def tell_faults(faults: Sequence[Fault]) -> None:
    """Say what failed."""
    for fault in faults:
        err.print(
            Text.assemble(("Error: ", "bold red"), f"{fault.of}: {fault.error}"),
            soft_wrap=True,
        )


def show_plans(place: Places, request: Request, as_json: bool) -> None:
    """Show what a round would send if it did not build before."""
    files = files_to_come(place)
    plans = do_each(chosen(place, request), lambda sync: service.plan(place, sync))
    if as_json:
        content = {
            "files": files,
            "plans": [plan.as_json() for plan in plans.results],
            "faults": [fault.as_json() for fault in plans.faults],
        }
        typer.echo(json.dumps(content, default=as_text))
    else:
        print_plans(plans.results, out)
        out.print(f"{files:,} files have landed since the last build.")
        tell_faults(plans.faults)
    if code := plans.worst_fault:
        raise typer.Exit(code)


def parts(done: Round) -> Iterator[str]:
    """What a round came to, part by part."""
    if done.is_built:
        files = "1 new file" if done.files == 1 else f"{done.files:,} new files"
        yield f"built in {span(done.build_seconds)}, {files}"
    elif done.faults:
        yield "not built, nothing was sent"
    for run in done.runs:
        counts = {
            "acknowledged": run.acknowledged,
            "refused": run.rejected,
            "deferred": run.deferred,
            "in doubt": run.in_doubt,
        }
        told = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
        yield f"{run.sync}: {told or 'nothing to send'}"
    if done.is_built and not (done.runs or done.faults or done.is_stopped):
        yield "no sync is switched on"
    if done.landed_to_sent is not None:
        yield f"{span(done.landed_to_sent)} from landed to sent"
    if done.is_stopped:
        yield "stopped; the next round does the rest"


def seconds(text: str | None) -> float | None:
    """Read `30s`, `5m` or `1h`.

    Raises:
        BadParameter: it is none of these.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if found is None or float(found[1]) <= 0:
        raise typer.BadParameter(
            f"'{text}' is no length of time, such as 30s, 5m or 1h",
            param_hint="--every",
        )
    return float(found[1]) * UNITS[found[2]]
