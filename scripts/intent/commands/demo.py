"""`intent demo`: an invented shop, from raw files to hot contacts."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from intent.build import BuildRequest, build
from intent.console import err, out
from intent.demo import DemoSpec, DemoSummary, clear_demo, write_demo_feeds
from intent.report import Report, print_report, read_report
from intent.settings import Places, places
from intent.showcase import print_showcase, read_showcase
from intent.sync import service
from intent.sync.choose import all_syncs
from intent.sync.planning import DELETIONS, DOWNGRADES, SHRINKING
from intent.sync.progress import bar
from intent.sync.render import plans_table
from intent.sync.results import Plan, RunResult
from intent.sync.several import Several, do_each

DEFAULTS = DemoSpec()
SYNC = "demo"
"""What the sync of the demo is called, which no sync of the shop's is."""
FILES = "files"
"""The sync of the shop's that it is like."""


def demo_command(
    contacts: Annotated[
        int, typer.Option(min=1, help="People that the shop could know.")
    ] = DEFAULTS.contacts,
    days: Annotated[int, typer.Option(min=1, help="Days of history.")] = DEFAULTS.days,
    seed: Annotated[
        int, typer.Option(min=0, help="Another seed is another shop.")
    ] = DEFAULTS.seed,
    feeds_only: Annotated[
        bool, typer.Option("--feeds-only", help="Write the raw files, build nothing.")
    ] = False,
    clear: Annotated[
        bool,
        typer.Option("--clear", help="Only take the demo's files away again."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for machines.")
    ] = False,
) -> None:
    """Make an invented shop's feeds, score its contacts, and show the hottest.

    Writes raw files into the landing folder, as a shop's tools would export them, dirt
    included, and builds everything as of the midnight on which they end. Then plans
    what each CRM would be sent, and sends it to files. All people are invented. Again
    with the same options, it makes the same shop.

        intent demo
        intent demo --contacts 40000 --days 365
    """
    place = places()
    if clear:
        clear_demo(place.landing)
        err.print(f"{place.landing} holds no demo any more.")
        return
    started = time.monotonic()
    spec = DemoSpec(contacts=contacts, days=days, seed=seed)
    with err.status("writing the demo's raw files"):
        summary = write_demo_feeds(place.landing, spec)
    if feeds_only:
        show_feeds(summary, place, as_json)
        return
    build(place, BuildRequest(as_of=spec.until.isoformat(), full_refresh=True))
    report, showcase = read_report(place.warehouse), read_showcase(place.warehouse)
    plans = plan_all(place)
    exports = place.landing.parent / "exports"
    sent = send_to_files(place, exports)
    if as_json:
        shown: dict[str, Any] = {"showcase": showcase.as_json()} if showcase else {}
        shown["plans"] = [plan.as_json() for plan in plans.results]
        shown["sent"] = sent and sent.as_json()
        typer.echo(json.dumps(report.as_json() | shown, indent=2, default=str))
        return
    out.print(f"{sum(summary.rows.values()):,} raw rows in {place.landing}")
    print_report(report, out)
    if showcase:
        print_showcase(showcase, out)
    print_sent(plans, sent, exports)
    print_next_steps(report, place, time.monotonic() - started)


def plan_all(place: Places) -> Several[Plan]:
    """What each destination would be sent, for which no credentials are needed."""
    return do_each(all_syncs(place), lambda sync: service.plan(place, sync, sample=0))


def send_to_files(place: Places, folder: Path) -> RunResult | None:
    """Send the demo's contacts to files, wherever the shop's own files go.

    None: the project has no such sync.
    """
    for files in all_syncs(place).results:
        if files.name == FILES:
            sync = files.model_copy(update={"name": SYNC})
            here = environment(INTENT_FILES_FOLDER=str(folder), INTENT_FILES_URL="")
            # Another demo, with other people, may have been there before.
            allowed = (SHRINKING, DOWNGRADES, DELETIONS)
            with here, bar(SYNC) as progress:
                return service.run(place, sync, progress, allowed)
    return None


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set variables of the environment within the block."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def print_sent(plans: Several[Plan], sent: RunResult | None, folder: Path) -> None:
    """Say what each destination would be sent, and what went to files."""
    if not sent:
        return
    out.print("  What each destination would be sent, if it were connected:\n")
    out.print(plans_table(plans.results))
    for fault in plans.faults:
        err.print(f"{fault.of}: {fault.error}", style="yellow", markup=False)
    out.print(
        f"\nSent to files: {sent.acknowledged:,} contacts that changed, in "
        f"{folder / SYNC}\n",
        soft_wrap=True,
        highlight=False,
    )


def show_feeds(summary: DemoSummary, place: Places, as_json: bool) -> None:
    """Say what was written where."""
    if as_json:
        typer.echo(json.dumps(summary.rows, indent=2))
        return
    for table, rows in summary.rows.items():
        out.print(f"{table}: {rows:,} rows")
    out.print(f"in {place.landing}")


def print_next_steps(report: Report, place: Places, seconds: float) -> None:
    """Say what was kept out, and what to look at next."""
    left_out = sum(report.quarantined.values())
    reasons = ", ".join(
        f"{name} {count:,}" for name, count in report.quarantined.items()
    )
    out.print(f"Kept out: {left_out:,} rows, in quarantined_events ({reasons}).\n")
    out.print(f"Done in {seconds:.0f} s. What to look at next:")
    out.print(f"  the marts, in any BI tool  {place.published}/intent_bi.duckdb")
    out.print("  every command              .venv/bin/intent --help")
    out.print("  the rules, as a marketer   .venv/bin/intent rules show")
    out.print("  what is sent to whom       .venv/bin/intent sync plan hubspot")
    out.print("  to change the rules        .venv/bin/intent rules export rules.xlsx")
    out.print("  your own shop              docs/loading.md")
