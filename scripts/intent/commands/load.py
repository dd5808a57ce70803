"""`intent load`: files of others into the landing folder."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from intent.console import err, out
from intent.contracts import find_contract, read_contracts
from intent.load import FileReport, Limit, Reason, TableReport, read_event_names
from intent.load_files import all_faults, load_files, prepare
from intent.load_mapping import shipped_mappings
from intent.load_propose import propose
from intent.load_sources import find_files
from intent.settings import Places, places

STATUS_STYLES = {"landed": "green", "failed": "red", "refused": "red"}
NOT_COUNTED = ("already landed", "failed")
COLUMNS_SHOWN = 8


def load(  # typer's options are its arguments
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE...",
            help="CSV, Parquet, JSON or NDJSON; the texts also as .gz; or a folder.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="FEED.TABLE",
            help="The table to fill, such as `web.events`. With a mapping of several "
            "tables: only this one.",
            show_default=False,
        ),
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="A mapping that is shipped, by name, or your own, by path. Without: "
            "the file's columns must be named as the table's are.",
            show_default=False,
        ),
    ] = None,
    received_at: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN|now",
            help="The file's column that says when each row became known, or `now`, "
            "the moment of landing.",
            show_default=False,
        ),
    ] = None,
    max_refused: Annotated[
        str | None,
        typer.Option(
            metavar="N|SHARE",
            help="Land nothing of a file if more rows are refused: a count (`10`) or "
            "a share (`5%` or `0.05`).",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and report; land nothing.")
    ] = False,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Land a file anew that was landed with another mapping, in its place.",
        ),
    ] = False,
    propose_mapping: Annotated[
        bool,
        typer.Option("--propose", help="Write a first mapping for FILE to stdout."),
    ] = False,
    list_mappings: Annotated[
        bool, typer.Option("--list-mappings", help="List the shipped mappings.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the report as JSON.")
    ] = False,
    landing: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The landing folder.",
            envvar="INTENT_LANDING",
            show_default="data/landing",
        ),
    ] = None,
) -> None:
    """Land your own files where the build finds them, checked against the contracts.

    Each row is taken, or set aside whole with the reason beside the landing folder
    (in `refused/`); none is lost. The same file twice lands once.

    **Examples**

    A file whose columns are named as the table's are:

        intent load events.csv --to web.events

    A file of another shape: let a mapping be written, mend it, try it, load:

        intent load orders.csv --to shop.orders --propose > orders.yml

        intent load orders.csv --mapping orders.yml --dry-run

        intent load orders.csv --mapping orders.yml

    A folder of files, for a script that wants at most 1% refused:

        intent load exports/ --mapping orders.yml --max-refused 1% --json
    """
    if list_mappings:
        _list_mappings(as_json)
        return
    if not files:
        raise typer.BadParameter("name at least one file", param_hint="FILE")
    where = places()
    if landing:
        where = dataclasses.replace(where, landing=landing.absolute())
    if propose_mapping:
        _propose(files, to, where)
        return
    request = dataclasses.replace(
        prepare(where, mapping, to, dry_run),
        received_at=received_at,
        replace=replace,
        limit=Limit.parse(max_refused) if max_refused else Limit(),
    )
    found, skipped = find_files(files)
    with _progress() as say:
        reports, faults = load_files(found, request, where, say)
    if as_json:
        out.print_json(
            data={
                "landing": str(request.landing),
                "dry_run": dry_run,
                "files": [asdict(each) for each in reports],
                "skipped": [str(each) for each in skipped],
            }
        )
    else:
        _show(reports, skipped, dry_run)
    if faults:
        raise all_faults(faults)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show what is being done, where somebody can see it."""
    if not err.is_terminal:
        yield lambda _: None
        return
    with err.status("starting") as status:
        yield lambda words: status.update(escape(words))


def _show(reports: list[FileReport], skipped: list[Path], dry_run: bool) -> None:
    """Show the report: a table, then what is to be known of each file."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("file", overflow="fold")
    table.add_column("table", no_wrap=True)
    for name in ("rows", "taken", "refused"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for report in reports:
        lines = report.tables or [TableReport("", rows=report.rows)]
        for line in lines:
            # A file that failed is told as a whole: none of its tables was landed.
            failed = report.status in ("failed", "refused", "no rows")
            status = report.status if failed else line.status
            style = STATUS_STYLES.get(status, "default")
            refused = line.refused + (report.unreadable if len(lines) == 1 else 0)
            counts = (line.rows + refused - line.refused, line.taken, refused)
            shown = ["" if status in NOT_COUNTED else f"{each:,}" for each in counts]
            name = escape(Path(report.file).name)
            table.add_row(name, line.table, *shown, f"[{style}]{status}[/]")
    out.print(table)
    for report in reports:
        _show_details(report)
    for path in skipped:
        _say(f"{path.name}: skipped, no known suffix", "yellow")
    if dry_run:
        _say("dry run: nothing was landed", "bold")


def _show_details(report: FileReport) -> None:
    """Show what a person should know of a file beyond the numbers."""
    name = Path(report.file).name
    if report.status == "no rows":
        _say(f"{name}: it has a header and no rows, so nothing was landed", "yellow")
    _show_reasons(f"{name}: not readable", report.reasons)
    for table in report.tables:
        _show_reasons(f"{name} → {table.table}: refused", table.reasons)
        if table.erased:
            _say(
                f"{name} → {table.table}: {table.erased:,} rows are of contacts that "
                "were erased; they are left out",
                "yellow",
            )
        if not report.error:
            for warning in table.warnings:
                _say(f"{name} → {table.table}: {warning}", "yellow")
        if table.refused_file:
            _say(f"{name} → {table.table}: refused rows are in {table.refused_file}")
    places_shown = {table.refused_file for table in report.tables}
    if report.unreadable_file and report.unreadable_file not in places_shown:
        _say(f"{name}: unreadable rows are in {report.unreadable_file}")
    if report.not_mapped:
        _say(f"{name}: {report.not_mapped:,} rows are for no table (`where`)", "yellow")
    if report.ignored_columns and not report.error:
        ignored = report.ignored_columns
        more = len(ignored) - COLUMNS_SHOWN
        _say(
            f"{name}: columns not used: {', '.join(ignored[:COLUMNS_SHOWN])}"
            + (f" and {more} more" if more > 0 else "")
        )


def _show_reasons(what: str, reasons: list[Reason]) -> None:
    for each in reasons:
        rows = ", ".join(str(row) for row in each.examples)
        more = ", ..." if each.rows > len(each.examples) else ""
        _say(f"{what}: {each.reason}: {each.rows:,} (row {rows}{more})", "yellow")


def _say(words: str, style: str = "default") -> None:
    """Write one line, unbroken, so that it can be copied and searched."""
    out.print(escape(words), style=style, soft_wrap=True, highlight=False)


def _list_mappings(as_json: bool) -> None:
    """List the shipped mappings."""
    mappings = shipped_mappings()
    if as_json:
        out.print_json(
            data=[
                {"name": name, "description": each.description, "to": [*each.tables]}
                for name, each in mappings.items()
            ]
        )
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("mapping", "fills", "what it is for"):
        table.add_column(title, overflow="fold")
    for name, each in mappings.items():
        table.add_row(name, "\n".join(each.tables), escape(each.description))
    out.print(table)


def _propose(files: list[Path], to: str | None, where: Places) -> None:
    """Write a first mapping for one file."""
    contracts = read_contracts(where.staging)
    names = read_event_names(where.seeds / "feeds" / "event_names.csv")
    found, _ = find_files(files)
    chosen = [find_contract(contracts, to)] if to else list(contracts.values())
    # Plain, as it is to be saved: no colours, no line breaks of the console's.
    typer.echo(propose(found[0], chosen, names), nl=False)
