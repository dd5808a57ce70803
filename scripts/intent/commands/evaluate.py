"""`intent evaluate`: did hot contacts buy?"""

import json
from pathlib import Path
from typing import Annotated

import typer

from intent.backfill import parse_day
from intent.commands.midnights import EveryDays, Horizon, Last, Midnights
from intent.console import err, out
from intent.errors import BadInputError, GateError
from intent.evaluate import (
    Evaluation,
    EvaluationRequest,
    State,
    evaluate,
    print_evaluation,
    write_page,
)
from intent.evaluate.request import EVERY_DAYS, MIDNIGHTS
from intent.settings import places


def evaluate_command(
    midnights: Midnights = None,
    every_days: EveryDays = None,
    last: Last = None,
    horizon: Horizon = None,
    sheet: Annotated[
        str | None,
        typer.Option(
            help="Show this rule sheet first, and judge it alone.",
            show_default="the one that is shown; all in use are judged",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a report with plots, as one page."),
    ] = None,
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit with 8 if a score can't be relied on.")
    ] = False,
    is_built: Annotated[
        bool,
        typer.Option("--no-build", help="Show what the last evaluation built."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for machines: all there is.")
    ] = False,
) -> None:
    """Say whether scores told the truth: what contacts did after past midnights.

    At each midnight contacts are scored by what was known then, by every rule sheet and
    by three plain baselines, and compared with who bought in the days after.

        intent evaluate

        intent evaluate --html report.html

        intent evaluate --gate --json

    The gate fails when a cooler band converts more than a hotter one, when a sheet is
    worse than undecayed points, or under a floor of the project (`intent_gate`). Under
    100 contacts with or without the outcome it abstains, says so, and exits with 0.

    Exit codes: 3 there is no such midnight, horizon or sheet, 4 nothing was built yet,
    8 the gate said no.
    """
    refuse_midnights_of_built(is_built, midnights, every_days, last)
    request = EvaluationRequest(
        last=parse_day("--last", last) if last else None,
        midnights=MIDNIGHTS if midnights is None else midnights,
        every_days=EVERY_DAYS if every_days is None else every_days,
        horizon=horizon,
        sheet=sheet,
        builds=not is_built,
    )
    found = evaluate(places(), request)
    if html is not None:
        write_page(found, html)
        err.print(f"Wrote {html}", soft_wrap=True, highlight=False)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2, default=str))
    else:
        print_evaluation(found, out)
    if gate:
        refuse_failed(found)


def refuse_midnights_of_built(is_built: bool, *given: object) -> None:
    """Raise BadInputError for midnights that would not be looked at."""
    if is_built and any(each is not None for each in given):
        raise BadInputError(
            "--no-build shows the midnights of the last evaluation. Leave out "
            "--midnights, --every-days and --last, or --no-build."
        )


def refuse_failed(found: Evaluation) -> None:
    """Raise GateError with what the gate found, if it says no."""
    if found.verdict.state is not State.FAILED:
        return
    faults = (
        f"- {each.sheet}, {each.check}: {each.says}" for each in found.verdict.failures
    )
    raise GateError("\n".join(["the gate is not passed:", *faults]))
