"""The findings as a table, as JSON and as Markdown."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from intent.bench.ratios import GIBIBYTE, Row
from intent.bench.steps import Findings, machine

HEADINGS = (
    *("what", "seconds", "of processors", "peak", "against", "ratio"),
    *("by processors", "aim"),
)


def cells(row: Row) -> tuple[str, ...]:
    """A line of the table as texts."""
    peak = "" if row.peak_bytes is None else f"{row.peak_bytes / GIBIBYTE:.1f} GB"
    return (
        row.what,
        number(row.seconds),
        number(row.cpu_seconds),
        peak,
        row.against,
        number(row.ratio),
        number(row.cpu_ratio),
        row.aim,
    )


def number(value: float | None) -> str:
    """A number to three digits; nothing for none."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def as_table(rows: Sequence[Row]) -> Table:
    """The lines for a terminal."""
    table = Table(box=None, header_style="bold")
    for heading in HEADINGS:
        is_text = heading in {"what", "against"}
        table.add_column(heading, justify="left" if is_text else "right")
    for row in rows:
        table.add_row(*cells(row))
    return table


def header(findings: Findings) -> str:
    """When, where and on how much it was measured."""
    place = machine()
    before, after = findings.load
    return (
        f"{findings.started_at:%Y-%m-%d}: {findings.feeds.landed:,} events, then "
        f"{findings.feeds.arriving:,} new ones; {place['processors']} processors, "
        f"{place['memory_bytes'] / GIBIBYTE:.0f} GB, DuckDB {place['duckdb']}; load "
        f"{before:.1f} before, {after:.1f} after."
    )


def as_markdown(findings: Findings, rows: Sequence[Row]) -> str:
    """The lines as a table in Markdown."""
    rule = ["---" if name in {"what", "against"} else "---:" for name in HEADINGS]
    lines = [HEADINGS, rule, *(cells(row) for row in rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{header(findings)}\n\n{table}\n"


def write_report(findings: Findings, rows: Sequence[Row], folder: Path) -> list[Path]:
    """Write the findings as JSON and as Markdown; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    content = findings.as_json() | {"rows": [row.as_json() for row in rows]}
    name = f"bench_{findings.spec.events}"
    files = {
        folder / f"{name}.json": json.dumps(content, indent=2) + "\n",
        folder / f"{name}.md": as_markdown(findings, rows),
    }
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return list(files)


def read_earlier(folder: Path) -> dict[int, Any]:
    """The findings of earlier runs, by their events."""
    contents = [
        json.loads(path.read_text("utf-8")) for path in folder.glob("bench_*.json")
    ]
    return {int(content["events"]): content for content in contents}
