"""`intent forget`: erases a contact, on request."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from intent.console import err, out
from intent.erasure.forget import Outcome, Request, forget
from intent.erasure.identifiers import (
    EXAMPLES,
    KINDS,
    Identifier,
    identifier,
    parse_identifiers,
)
from intent.errors import BadInputError, UnavailableError
from intent.settings import places

Values = Annotated[list[str] | None, typer.Option(show_default=False)]
STDIN = "-"


def forget_command(
    email: Values = None,
    customer_id: Values = None,
    user_id: Values = None,
    crm_id: Values = None,
    phone: Values = None,
    anonymous_id: Values = None,
    file: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|-",
            help="Read identifiers from a file, or with `-` from stdin: one a line, "
            "such as `email: anna@example.net`.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be erased.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask, for scripts.")] = False,
    all_of_it: Annotated[
        bool,
        typer.Option(
            "--all-of-it",
            help="Erase the contact although it has several accounts or addresses.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for machines.")
    ] = False,
) -> None:
    """Erase a contact from everything we keep, by any of its identifiers.

    Rewrites the landing files, the warehouse, what is published and the ledger without
    it, has it deleted in every destination by the next run of each sync, and prints a
    certificate, which is kept without a name. What is kept besides are keyed hashes, so
    that its rows are left out if they land again: set the secret INTENT_ERASURE_KEY,
    and keep it.

    An option's value stands in the shell's history and in the list of processes.
    Without options you are asked for it instead, and nothing shows it:

        intent forget

    For scripts:

        intent forget --file request.txt --dry-run

        intent forget --file - --yes --json < request.txt
    """
    given = {
        "email": email,
        "customer_id": customer_id,
        "user_id": user_id,
        "crm_id": crm_id,
        "phone": phone,
        "anonymous_id": anonymous_id,
    }
    found = [
        identifier(kind, value)
        for kind, values in given.items()
        for value in values or ()
    ]
    if file is not None:
        found += read_identifiers(file)
    if not found:
        found = ask_whom()
    if not (yes or dry_run or sys.stdin.isatty()):
        raise typer.BadParameter(
            "nobody is there to be asked; add --yes", param_hint="--yes"
        )
    request = Request(tuple(dict.fromkeys(found)), dry_run, all_of_it)

    def agree(outcome: Outcome) -> None:
        if not yes:
            ask(outcome)

    outcome = forget(places(), request, agree, say)
    if as_json:
        content = outcome.certificate.as_json()
        content = {**content, "contact_ids": outcome.contact_ids, "dry_run": dry_run}
        typer.echo(json.dumps(content, indent=2))
        return
    show(outcome)
    if dry_run:
        out.print("dry run: nothing was erased", style="bold")
        return
    err.print(
        "Erased. The next `intent build` counts all files anew. What else there is "
        "to do: docs/erasure.md"
    )


def read_identifiers(file: str) -> list[Identifier]:
    """Read identifiers from a file or from stdin.

    Raises:
        BadInputError: it holds none, or a line is none.
        UnavailableError: it can't be read.
    """
    try:
        text = sys.stdin.read() if file == STDIN else Path(file).read_text("utf-8")
    except OSError as error:
        raise UnavailableError(f"{file} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{file} is no UTF-8 text.") from error
    found = parse_identifiers(text.splitlines())
    if not found:
        raise BadInputError(
            f"{'stdin' if file == STDIN else file} holds no identifier. Write one a "
            f"line, such as `email: {EXAMPLES['email']}`."
        )
    return found


def ask_whom() -> list[Identifier]:
    """Ask for an identifier, where somebody can answer."""
    if not sys.stdin.isatty():
        options = ", ".join(f"--{kind.replace('_', '-')}" for kind in KINDS)
        raise typer.BadParameter(
            f"say whom to erase: {options} or --file", param_hint="IDENTIFIER"
        )
    text = typer.prompt(
        f"Whom? Such as `email: {EXAMPLES['email']}` (not shown)",
        hide_input=True,
        err=True,
    )
    return parse_identifiers([text])


def ask(outcome: Outcome) -> None:
    """Show what would be erased, and ask.

    Raises:
        typer.Abort: the answer is no.
    """
    for line in outcome.certificate.lines():
        err.print(escape(line), highlight=False, soft_wrap=True)
    typer.confirm("Erase all of that? There is no way back", abort=True, err=True)


def show(outcome: Outcome) -> None:
    """Print the certificate."""
    for line in outcome.certificate.lines():
        out.print(escape(line), highlight=False, soft_wrap=True)
    for each in outcome.contact_ids:
        out.print(f"  contact     {each}", highlight=False, soft_wrap=True)


def say(words: str) -> None:
    """Say what is being done, where somebody can see it."""
    if err.is_terminal:
        err.print(words, style="dim")
