"""The options by which commands are told which midnights to look at."""

from typing import Annotated

import typer

from intent.evaluate.request import EVERY_DAYS, MIDNIGHTS

Midnights = Annotated[
    int | None,
    typer.Option(
        help="How many past midnights to look at.", show_default=str(MIDNIGHTS)
    ),
]
EveryDays = Annotated[
    int | None,
    typer.Option(help="How many days apart.", show_default=str(EVERY_DAYS)),
]
Last = Annotated[
    str | None,
    typer.Option(
        metavar="YYYY-MM-DD",
        help="The last midnight (UTC).",
        show_default="the newest whose outcomes are all known",
    ),
]
Horizon = Annotated[
    int | None,
    typer.Option(
        metavar="DAYS",
        help="Look at what contacts did within so many days.",
        show_default="the longest of the project",
    ),
]
