"""One hot contact shown whole: its identifiers, devices, feeds and drivers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from intent.warehouse import open_warehouse

DRIVERS_SHOWN = 8


@dataclass(frozen=True)
class ToldDriver:
    """A reason for the score, and the feeds that told of it."""

    activity: str
    count: int
    contribution: float
    feeds: Sequence[str]


@dataclass(frozen=True)
class Showcase:
    """A contact whose score draws on many feeds and devices."""

    contact_id: str
    intent_score: float
    segment: str
    identifiers: Mapping[str, Sequence[str]]
    """By kind, such as `email`."""
    feeds: Sequence[str]
    """The feeds that told of what raises the score."""
    drivers: Sequence[ToldDriver]
    """What raises the score, the strongest first."""

    @property
    def devices(self) -> int:
        """How many cookies or devices are the contact's."""
        return len(self.identifiers.get("anonymous_id", ()))

    def as_json(self) -> dict[str, Any]:
        """The contact as plain data."""
        return asdict(self)


def read_showcase(warehouse: Path) -> Showcase | None:
    """A hot or warm contact of many identifiers, devices and feeds; None if none is."""
    with open_warehouse(warehouse) as connection:
        connection.execute(_TOLD)
        chosen = connection.execute(_CHOSEN).fetchone()
        if chosen is None:
            return None
        contact_id, intent_score, segment = chosen
        return Showcase(
            contact_id=contact_id,
            intent_score=intent_score,
            segment=segment,
            identifiers=_identifiers(connection, contact_id),
            feeds=_feeds(connection, contact_id),
            drivers=_drivers(connection, contact_id),
        )


_TOLD = """
    create temp table told as
    with drivers as (
        select
            drivers.contact_id, drivers.activity, drivers.activity_count,
            drivers.contribution,
        from contact_intent_drivers as drivers
        inner join contact_intent
            on
                drivers.contact_id = contact_intent.contact_id
                and drivers.score_model = contact_intent.score_model
        where contact_intent.segment in ('hot', 'warm') and drivers.contribution > 0
    )
    select
        drivers.*,
        coalesce(
            list(distinct activities.feed order by activities.feed)
                filter (activities.feed is not null),
            []
        ) as feeds,
    from drivers
    left join intent_intermediate.int_contact_identifiers as identifiers
        on drivers.contact_id = identifiers.contact_id
    left join intent_intermediate.int_activities_judged as activities
        on
            identifiers.identifier = activities.identifier
            and drivers.activity = activities.activity
            and activities.disposition = 'counted'
    group by all
"""
_CHOSEN = """
    with known as (
        select
            contact_id,
            count(*) filter (identifier like 'anonymous_id:%') as devices,
            count(distinct split_part(identifier, ':', 1)) as kinds,
        from intent_intermediate.int_contact_identifiers
        group by 1
    ),
    feeds as (
        select contact_id, count(distinct feed) as feeds
        from (select contact_id, unnest(feeds) as feed from told)
        group by 1
    )
    select contact_intent.contact_id, intent_score, segment
    from contact_intent
    inner join feeds using (contact_id)
    inner join known using (contact_id)
    order by
        segment = 'hot' and devices >= 2 and feeds >= 4 desc,
        devices >= 2 and feeds >= 4 desc,
        kinds desc,
        feeds desc,
        round(intent_score, 9) desc,
        contact_id
    limit 1
"""


def _identifiers(
    connection: duckdb.DuckDBPyConnection, contact_id: str
) -> dict[str, list[str]]:
    """The contact's identifiers by kind."""
    rows = connection.execute(
        """
        select split_part(identifier, ':', 1), list(
            substring(identifier, strpos(identifier, ':') + 1) order by identifier)
        from intent_intermediate.int_contact_identifiers
        where contact_id = ?
        group by 1
        order by 1
        """,
        [contact_id],
    ).fetchall()
    return dict(rows)


def _feeds(connection: duckdb.DuckDBPyConnection, contact_id: str) -> list[str]:
    """The feeds that told of what raises the contact's score."""
    rows = connection.execute(
        "select distinct unnest(feeds) from told where contact_id = ? order by 1",
        [contact_id],
    ).fetchall()
    return [feed for (feed,) in rows]


def _drivers(
    connection: duckdb.DuckDBPyConnection, contact_id: str
) -> list[ToldDriver]:
    """What raises the contact's score, the strongest first."""
    rows = connection.execute(
        """
        select activity, activity_count, contribution, feeds
        from told
        where contact_id = ?
        order by round(contribution, 9) desc, activity
        """,
        [contact_id],
    ).fetchall()
    return [ToldDriver(*row) for row in rows]


def print_showcase(showcase: Showcase, console: Console) -> None:
    """Print the contact: who it is, then what its score is made of."""
    title = (
        f"One contact, from {len(showcase.feeds)} feeds and {showcase.devices} devices"
        f": {showcase.intent_score:.2f}, {showcase.segment}"
    )
    known = Table(title=Text(title), box=box.SIMPLE_HEAD, min_width=len(title) + 2)
    known.add_column("known by")
    known.add_column("")
    for kind, values in showcase.identifiers.items():
        known.add_row(Text(kind), Text("\n".join(values)))
    made_of = Table(box=box.SIMPLE_HEAD)
    made_of.add_column("its score is made of", no_wrap=True)
    made_of.add_column("times", justify="right")
    made_of.add_column("part", justify="right")
    made_of.add_column("told by")
    for driver in showcase.drivers[:DRIVERS_SHOWN]:
        made_of.add_row(
            Text(driver.activity),
            f"{driver.count:,}",
            f"{driver.contribution:+.2f}",
            Text(", ".join(driver.feeds) or "derived"),
        )
    console.print(known)
    console.print(made_of)
