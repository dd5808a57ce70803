"""`intent diff`: why scores changed between two clocks."""

import json
from typing import Annotated

import typer

from intent.console import out
from intent.diff import (
    diff_contact,
    diff_everyone,
    print_contact_diff,
    print_everyone_diff,
)
from intent.settings import places


def diff_command(
    contact: Annotated[
        str | None,
        typer.Argument(
            metavar="CONTACT",
            help="A contact_id or its first 8 characters, an email address, or "
            "`kind:value`. Nobody: all contacts.",
            show_default=False,
        ),
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="YYYY-MM-DD",
            help="The earlier clock, a UTC midnight.",
            show_default="7 days before the later",
        ),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="YYYY-MM-DD",
            help="The later clock, a UTC midnight.",
            show_default="the clock of the last build",
        ),
    ] = None,
    sheet: Annotated[
        str | None,
        typer.Option(help="By this rule sheet, not the one that is shown."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for machines: all there is.")
    ] = False,
) -> None:
    """Say why scores changed between two clocks: a contact's, or everyone's.

    Five parts add up to the difference, counted in this order: decay (time alone), new
    activity, corrections (earlier things that became known or were taken back since),
    identity (identifiers joined or parted) and rules.

        intent diff

        intent diff --from 2026-05-01 --to 2026-06-01

        intent diff 25486d4a --from 2026-05-01

    Clocks that the history has are compared by what was said then; `intent backfill`
    writes others into it. Nothing is rebuilt.

    Exit codes: 3 there is no such contact, sheet or day, 4 nothing was built yet.
    """
    if contact is None:
        everyone = diff_everyone(places(), before, after, sheet)
        content = everyone.as_json()
    else:
        one = diff_contact(places(), contact, before, after, sheet)
        content = one.as_json()
    if as_json:
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
    elif contact is None:
        print_everyone_diff(everyone, out)
    else:
        print_contact_diff(one, out)
