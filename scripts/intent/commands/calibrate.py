"""`intent calibrate`: which points would have told best who buys?"""

import json
from typing import Annotated

import typer

from intent.backfill import parse_day
from intent.calibrate import CalibrationRequest, calibrate, print_calibration
from intent.calibrate.model import EdgeWish
from intent.commands.midnights import EveryDays, Horizon, Last, Midnights
from intent.console import out
from intent.evaluate.request import EVERY_DAYS, MIDNIGHTS
from intent.settings import places


def calibrate_command(
    sheet: Annotated[
        str | None,
        typer.Option(
            help="Learn the numbers of this rule sheet.",
            show_default="the one that is shown",
        ),
    ] = None,
    draft: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Call the draft so; an earlier draft of that name is replaced.",
            show_default="SHEET_learned",
        ),
    ] = None,
    midnights: Midnights = None,
    every_days: EveryDays = None,
    last: Last = None,
    horizon: Horizon = None,
    any_sign: Annotated[
        bool,
        typer.Option(
            "--any-sign",
            help="Let points change from plus to minus, and back.",
        ),
    ] = False,
    hot_capacity: Annotated[
        int | None,
        typer.Option(
            metavar="CONTACTS", help="At most so many contacts are hot at a time."
        ),
    ] = None,
    hot_precision: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE", help="At least such a share of hot contacts converts."
        ),
    ] = None,
    warm_capacity: Annotated[
        int | None,
        typer.Option(
            metavar="CONTACTS", help="At most so many are warm or hot at a time."
        ),
    ] = None,
    warm_precision: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="At least such a share of warm and hot contacts converts.",
        ),
    ] = None,
    is_dry: Annotated[
        bool, typer.Option("--dry-run", help="Show it, and write no draft.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for machines: all there is.")
    ] = False,
) -> None:
    """Learn a rule sheet from history: points, half-lives and caps, as a draft.

    Looks at what contacts had done before past midnights and who bought after them, and
    finds the numbers that would have told best. Those that the data can't tell stay as
    they are. Numbers are learned at earlier midnights, chosen at later ones, and shown
    beside the present sheet and plain baselines at still later ones.

        intent calibrate

        intent calibrate --sheet loyalty --draft loyalty_spring

        intent calibrate --hot-capacity 200

        intent calibrate --dry-run --json

    The draft moves no contact: it is a sheet beside the others, to look at, to change
    and to publish. Its scale, daily limits and what discharges what stay.

    Exit codes: 3 there is no such midnight, horizon or sheet, or too little to learn
    from, 4 nothing was built yet.
    """
    request = CalibrationRequest(
        sheet=sheet,
        draft=draft,
        last=parse_day("--last", last) if last else None,
        midnights=MIDNIGHTS if midnights is None else midnights,
        every_days=EVERY_DAYS if every_days is None else every_days,
        horizon=horizon,
        any_sign=any_sign,
        wishes=(
            EdgeWish("hot", hot_capacity, hot_precision),
            EdgeWish("warm", warm_capacity, warm_precision),
        ),
        writes=not is_dry,
    )
    found = calibrate(places(), request)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        print_calibration(found, out)
