"""The `intent` command."""

import sys

import typer
from rich.text import Text

from intent.commands import rules_live, sync
from intent.commands.backfill import backfill_command
from intent.commands.bench import bench_command
from intent.commands.build import build_command, check_command, publish_command
from intent.commands.calibrate import calibrate_command
from intent.commands.demo import demo_command
from intent.commands.diff import diff_command
from intent.commands.evaluate import evaluate_command
from intent.commands.explain import explain_command
from intent.commands.forget import forget_command
from intent.commands.load import load
from intent.commands.move import move_command
from intent.commands.refresh import refresh_command
from intent.console import err
from intent.errors import IntentError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Contact intent scores from a shop's raw events, in its own warehouse.",
    epilog="Exit codes: 0 fine, 1 a build or check failed, 2 wrong command line, "
    "3 a file, rule sheet or sync can't be used, 4 a place is locked, missing or full, "
    "5 a destination refused the credentials, 6 rows are left for the next run, "
    "7 a guard stopped a sync or a publish, 8 the gate of an evaluation said no.",
)
app.command("demo")(demo_command)
app.command("load")(load)
app.command("move")(move_command)
app.command("check")(check_command)
app.command("build")(build_command)
app.command("backfill")(backfill_command)
app.command("publish")(publish_command)
app.command("diff")(diff_command)
app.command("explain")(explain_command)
app.command("evaluate")(evaluate_command)
app.command("calibrate")(calibrate_command)
app.command("refresh")(refresh_command)
app.command("forget")(forget_command)
app.command("bench")(bench_command)
app.add_typer(rules_live.app, name="rules")
app.add_typer(sync.app, name="sync")


def main() -> None:
    """Run the command; faults are told in words, with an exit code of their own."""
    try:
        app()
    except IntentError as error:
        err.print(Text.assemble(("Error: ", "bold red"), str(error)), soft_wrap=True)
        sys.exit(error.exit_code)
