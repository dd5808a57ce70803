"""`intent explain`: why a contact has its score."""

import json
from datetime import date, datetime
from typing import Annotated

import typer

from intent.console import out
from intent.errors import BadInputError
from intent.explain import explain, print_explanation
from intent.settings import places


def explain_command(
    contact: Annotated[
        str,
        typer.Argument(
            metavar="CONTACT",
            help="A contact_id or its first 8 characters, an email address, or "
            "`kind:value`.",
            show_default=False,
        ),
    ],
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="YYYY-MM-DD",
            help="At this past UTC midnight instead of the clock of the last build.",
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
    """Say why a contact has its score: what it did, by which rules, and what comes.

    Its parts add up to the score. At a past midnight only what had been done by then
    counts, and the links between identifiers of then; nothing is rebuilt for it.

        intent explain 25486d4a

        intent explain anna@example.net

        intent explain customer_id:C102905 --as-of 2026-05-01 --sheet loyalty

    Ids that a contact no longer has are understood too. An email address stands in the
    shell's history; a contact_id tells nobody anything.

    Exit codes: 3 there is no such contact, sheet or day, 4 nothing was built yet.
    """
    explained = explain(places(), contact, day_of(as_of), sheet)
    if as_json:
        typer.echo(json.dumps(explained.as_json(), indent=2, ensure_ascii=False))
    else:
        print_explanation(explained, out)


def day_of(text: str | None) -> date | None:
    """The day that was given.

    Raises:
        BadInputError: it is none.
    """
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as error:
        raise BadInputError(
            f"--as-of: '{text}' is no day of the calendar. Give a past UTC midnight, "
            "such as 2026-05-01."
        ) from error
