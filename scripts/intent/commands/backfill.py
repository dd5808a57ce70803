"""`intent backfill`."""

import json
import time
from typing import Annotated

import typer

from intent.backfill import BackfillRequest, Grain, backfill, parse_day
from intent.console import out
from intent.settings import places


def backfill_command(
    first: Annotated[
        str, typer.Option("--from", metavar="YYYY-MM-DD", help="The first midnight.")
    ],
    last: Annotated[
        str,
        typer.Option("--to", metavar="YYYY-MM-DD", help="The last midnight, at most."),
    ],
    grain: Annotated[
        Grain, typer.Option(help="Each midnight, or one every seven days.")
    ] = Grain.DAY,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for machines.")
    ] = False,
) -> None:
    """Write past midnights into the history, with what is known today.

    Scores all contacts at each midnight (UTC) of the range, by the rules and the data
    of the last build, and publishes. What builds said at the time stays; what an
    earlier backfill wrote is written anew. Cut short, give the same command again.

        intent backfill --from 2025-07-01 --to 2026-06-30 --grain week
    """
    started = time.monotonic()
    request = BackfillRequest(
        parse_day("--from", first), parse_day("--to", last), grain
    )
    done = backfill(places(), request)
    seconds = time.monotonic() - started
    if as_json:
        typer.echo(json.dumps({**done.as_json(), "seconds": round(seconds, 1)}))
        return
    stays = f"; {done.lived:,} were lived and stay as they are" if done.lived else ""
    out.print(
        f"Wrote {len(done.midnights):,} midnights into the history in "
        f"{seconds:.0f} s{stays}."
    )
