"""`intent move`: from the landing folder to the team's engine."""

import json
from typing import Annotated

import typer

from intent.console import out
from intent.move import move
from intent.settings import places


def move_command(
    to: Annotated[
        str, typer.Option("--to", metavar="ENGINE", help="The engine: postgres.")
    ],
    anew: Annotated[
        bool, typer.Option("--anew", help="Copy every file, in place of what is there.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for machines.")
    ] = False,
) -> None:
    """Copy the landed rows to the raw tables of another engine, where dbt builds them.

    Checks the files first, as `intent check` does, and copies those that the engine has
    not yet: all of them or none.

        intent move --to postgres
    """
    copied = move(places(), to, anew)
    if as_json:
        typer.echo(json.dumps(copied, indent=2))
        return
    for table, rows in copied.items():
        out.print(f"{table}: {rows:,} rows", highlight=False)
