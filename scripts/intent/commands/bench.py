"""`intent bench`: how fast it all is, and next to what."""

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer

from intent.bench.ratios import rows_of
from intent.bench.report import as_table, header, read_earlier, write_report
from intent.bench.spec import BenchSpec, events_of
from intent.bench.steps import run_all
from intent.console import err, out
from intent.errors import UnavailableError
from intent.settings import places


def bench_command(
    events: Annotated[
        str, typer.Option(metavar="1e6|1e7|1e8", help="How many events.")
    ] = "1e6",
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Work on this disk; 1e8 events take 40 GB there.",
            show_default="data/bench",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write the findings into this folder, and compare with those at other "
            "sizes that are there.",
            show_default="data/bench",
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the feeds and the shop built of them.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another shop.")] = 7,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for machines.")
    ] = False,
) -> None:
    """Measure everything, next to the least that any build takes and to other tools.

    Makes the feeds of a shop of that size, builds, refreshes after 1% new events,
    scores alone and by pandas, Polars, ClickHouse and one query by hand (`pip install
    -e '.[bench]'`), and prints ratios. Takes about 4 minutes at 1e6.

        intent bench --events 1e7 --folder /tmp
    """
    place = places()
    data = place.project / "data" / "bench"
    spec = BenchSpec(events_of(events), work_folder(folder or data, events), seed)
    reports = report or data
    with err.status("starting") as status:
        findings = run_all(spec, place, status.update)
    rows = rows_of(findings, read_earlier(reports))
    files = write_report(findings, rows, reports)
    if not keep:
        shutil.rmtree(spec.folder)
    if as_json:
        typer.echo(json.dumps([row.as_json() for row in rows], indent=2))
        return
    out.print(f"{header(findings)}\n", soft_wrap=True, highlight=False)
    out.print(as_table(rows))
    for name in findings.skipped:
        err.print(
            f"Left out, as it is not installed: {name}. pip install -e '.[bench]'"
        )
    err.print(f"Wrote {' and '.join(map(str, files))}", soft_wrap=True, highlight=False)


def work_folder(folder: Path, events: str) -> Path:
    """A folder of the benchmark's own in the folder given.

    Raises:
        UnavailableError: it can't be made.
    """
    own = folder.absolute() / f"intent_bench_{events_of(events)}"
    try:
        own.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(
            f"--folder: {own} can't be made: {error.strerror}."
        ) from error
    return own
