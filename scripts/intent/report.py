"""What a build came to, for people: segments, hottest contacts, unwell feeds."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from intent.warehouse import open_warehouse

STRONGEST = 3
SEGMENT_COLOURS = {"hot": "red", "warm": "yellow", "cold": "blue"}


@dataclass(frozen=True)
class Driver:
    """One reason for a score: an activity, how much of it, and the part it brings."""

    activity: str
    count: int
    measure: str
    contribution: float


@dataclass(frozen=True)
class HotContact:
    """One of the hottest contacts, with what drives its score."""

    contact_id: str
    name: str
    intent_score: float
    segment: str
    last_activity_at: str | None
    drivers: Sequence[Driver]


@dataclass(frozen=True)
class FeedFinding:
    """A table of a feed that is not as usual, on the last days before the clock."""

    table: str
    date: str
    status: str
    finding: str


@dataclass(frozen=True)
class Report:
    """The state of the warehouse at its clock."""

    as_of: str
    score_model: str
    segments: dict[str, int]
    states: dict[str, int]
    quarantined: dict[str, int]
    feeds: Sequence[FeedFinding]
    hottest: Sequence[HotContact]

    def as_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return asdict(self)


def read_report(warehouse: Path, limit: int = 10) -> Report:
    """Read the report of the last build from the warehouse."""
    with open_warehouse(warehouse) as connection:
        [[as_of, score_model]] = connection.execute(
            "select strftime(as_of, '%Y-%m-%d %H:%M:%S'), score_model"
            " from intent_intermediate.int_clock"
            " left join (select distinct score_model from contact_intent) on true"
        ).fetchall()
        return Report(
            as_of=as_of,
            score_model=score_model,
            segments=counts(
                connection,
                "select coalesce(segment, 'suppressed'), count(*)"
                " from contact_intent group by 1",
            ),
            states=counts(
                connection,
                "select state, count(*) from contact_intent group by 1",
            ),
            quarantined=counts(
                connection,
                "select reason, count(*) from quarantined_events group by 1",
            ),
            feeds=read_feeds(connection),
            hottest=read_hottest(connection, limit),
        )


def counts(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, int]:
    """Names and counts, the largest count first."""
    return dict(connection.sql(f"from ({sql}) order by 2 desc, 1").fetchall())


def read_feeds(connection: duckdb.DuckDBPyConnection) -> Sequence[FeedFinding]:
    """The tables that are not as usual: the last whole day, and the one that runs."""
    rows = connection.execute(
        """
        select
            feed || '.' || feed_table,
            strftime(arrival_date, '%Y-%m-%d'),
            status,
            finding,
        from feed_health
        cross join intent_intermediate.int_clock
        where status <> 'ok' and arrival_date >= as_of::date - 1
        order by 1, 2
        """
    ).fetchall()
    return [FeedFinding(*row) for row in rows]


def read_hottest(
    connection: duckdb.DuckDBPyConnection, limit: int
) -> Sequence[HotContact]:
    """The contacts with the highest scores, with their three strongest drivers."""
    rows = connection.execute(
        """
        with names as (
            select contact_id, min(identifier) as name
            from intent_intermediate.int_contact_identifiers
            where identifier not like 'anonymous_id:%'
            group by 1
        ),
        hottest as (
            select contact_intent.*, coalesce(email, names.name) as name
            from contact_intent
            left join names using (contact_id)
            where intent_score is not null
            order by round(intent_score, 9) desc, contact_id
            limit ?
        )
        select
            hottest.contact_id,
            hottest.name,
            hottest.intent_score,
            hottest.segment,
            strftime(hottest.last_activity_at, '%Y-%m-%d %H:%M'),
            list(
                (
                    drivers.activity,
                    drivers.activity_count,
                    coalesce(activities.measure, ''),
                    drivers.contribution
                )
                order by drivers.driver_rank
            ) filter (drivers.contribution > 0),
        from hottest
        left join contact_intent_drivers as drivers
            on
                hottest.contact_id = drivers.contact_id
                and hottest.score_model = drivers.score_model
        left join intent_rules.activities as activities
            on drivers.activity = activities.activity
        group by 1, 2, 3, 4, 5
        order by round(hottest.intent_score, 9) desc, hottest.contact_id
        """,
        [limit],
    ).fetchall()
    return [
        HotContact(
            contact_id=contact_id,
            name=name,
            intent_score=intent_score,
            segment=segment,
            last_activity_at=last_activity_at,
            drivers=[Driver(*driver) for driver in (drivers or [])[:STRONGEST]],
        )
        for contact_id, name, intent_score, segment, last_activity_at, drivers in rows
    ]


def print_report(report: Report, console: Console) -> None:
    """Print the report as tables."""
    console.print(segments_table(report))
    console.print(hottest_table(report))
    for feed in report.feeds:
        console.print(feed_line(feed))


def feed_line(feed: FeedFinding) -> Text:
    """A feed that is not as usual, in one line."""
    return Text.assemble(
        (f"{feed.table} is {feed.status}", "yellow"),
        f": on {feed.date}, {feed.finding}. See feed_health.",
    )


def segments_table(report: Report) -> Table:
    """The segments' sizes, with a bar for each."""
    total = sum(report.segments.values()) or 1
    title = f"Contacts as of {report.as_of} UTC, sheet {report.score_model}"
    table = Table(title=Text(title), box=box.SIMPLE_HEAD)
    table.add_column("segment")
    table.add_column("contacts", justify="right")
    table.add_column("share", justify="right")
    table.add_column("")
    for segment in ("hot", "warm", "cold", "suppressed"):
        count = report.segments.get(segment, 0)
        colour = SEGMENT_COLOURS.get(segment, "dim")
        table.add_row(
            Text(segment, style=colour),
            f"{count:,}",
            f"{count / total:.1%}",
            Text("█" * round(40 * count / total), style=colour),
        )
    return table


def driver_line(driver: Driver) -> Text:
    """A driver in one line."""
    unit = "s" if driver.measure == "seconds" else "x"
    return Text(
        f"{driver.activity:<22}{driver.count:>4}{unit} {driver.contribution:+.2f}"
    )


def hottest_table(report: Report) -> Table:
    """The hottest contacts, each with its drivers and what they bring."""
    table = Table(title="The hottest contacts, and why", box=box.SIMPLE_HEAD)
    table.add_column("contact", no_wrap=True)
    table.add_column("score", justify="right", min_width=5)
    table.add_column("drivers: how often, part of the score", no_wrap=True)
    for contact in report.hottest:
        table.add_row(
            Text(contact.name),
            Text(f"{contact.intent_score:.2f}", style=SEGMENT_COLOURS[contact.segment]),
            Text("\n").join(driver_line(driver) for driver in contact.drivers),
        )
    return table
