"""`intent build`, `intent check` and `intent publish`."""

import json
from typing import Annotated

import typer

from intent.build import BuildRequest, build, leave_erased_out
from intent.console import err, out
from intent.dbt import run_dbt
from intent.landing import refuse_cut_off_files
from intent.publish import publish
from intent.report import print_report, read_report
from intent.rules.service import valid_tables
from intent.settings import places

AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="YYYY-MM-DD",
        help="Score as of this past UTC midnight instead of now.",
    ),
]
Feeds = Annotated[
    list[str] | None,
    typer.Option("--feed", help="Only this feed (again for more); default: all."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def build_command(
    as_of: AsOf = None,
    sheet: Annotated[
        str | None,
        typer.Option(help="Show the scores of this rule sheet, not the primary one."),
    ] = None,
    feeds: Feeds = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Count every file anew.")
    ] = False,
    no_publish: Annotated[
        bool, typer.Option("--no-publish", help="Leave the published copies alone.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Score all contacts from what has landed, test it, and publish the marts.

    Reads only what is new since the last build. If anything fails, what was published
    before stays as it is.

        intent build
        intent build --as-of 2026-05-01
    """
    place = places()
    request = BuildRequest(as_of, sheet, feeds or (), full_refresh, not no_publish)
    published = build(place, request)
    report = read_report(place.warehouse)
    if as_json:
        typer.echo(json.dumps({**report.as_json(), "published": published}, indent=2))
        return
    print_report(report, out)
    if published:
        out.print(f"Published {len(published)} relations to {place.published}")


def publish_command() -> None:
    """Publish the public marts as they stand, for BI tools to read."""
    place = places()
    names = publish(place)
    out.print(f"Published {len(names)} relations to {place.published}")


def check_command(feeds: Feeds = None) -> None:
    """Check the landed files and the rule sheets, without building anything."""
    place = places()
    valid_tables(place.seeds)
    refuse_cut_off_files(place)
    leave_erased_out(place)
    run_dbt(
        place,
        ["run-operation", "open_landing", "--args", "{takes_all_for_new: true}"],
        BuildRequest(feeds=feeds or ()).variables(),
    )
    err.print("The landed files and the rule sheets can be used.")
