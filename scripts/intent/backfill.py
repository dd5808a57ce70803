"""Writes past midnights into the history, with what is known today."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import accumulate
from pathlib import Path
from typing import Any

import duckdb

from intent.console import err
from intent.dbt import run_dbt
from intent.errors import BadInputError, UnavailableError
from intent.publish import publish
from intent.settings import Places
from intent.warehouse import open_warehouse

MOST_MIDNIGHTS = 4_000
FACTS_PER_PASS = 30_000_000
"""How many facts one pass of dbt scores, each counted at each of its midnights; they
are held in memory together."""
HISTORY = "int_midnights+,+segment_daily"
"""All models of the history, in dbt's words: none that hangs on the live clock."""
SEGMENTS_SINCE = "int_segments_since+,+contact_intent"
"""What tells since when contacts are in their segment."""


class Grain(StrEnum):
    """How far apart midnights are."""

    DAY = "day"
    WEEK = "week"

    @property
    def days(self) -> int:
        """The same as a number of days."""
        return 7 if self is Grain.WEEK else 1


@dataclass(frozen=True)
class BackfillRequest:
    """Which midnights to write: from the first day on, up to the last."""

    first: date
    last: date
    grain: Grain = Grain.DAY

    @property
    def count(self) -> int:
        """How many midnights that are."""
        return (self.last - self.first).days // self.grain.days + 1

    def midnights(self) -> list[date]:
        """The midnights, in order."""
        step = timedelta(days=self.grain.days)
        return [self.first + number * step for number in range(self.count)]


@dataclass(frozen=True)
class Stock:
    """What the warehouse has to make a history of."""

    last_midnight: date
    """The newest one that the last build knew all of."""
    sheet: str
    """The sheet that the last build showed."""
    fact_days: Sequence[date]
    """The days of which there are facts, in order."""
    fact_counts: Sequence[int]
    """How many facts there are of each of them."""
    lived: frozenset[date]
    """Midnights of which the history keeps what was said then."""


@dataclass(frozen=True)
class Backfilled:
    """What a backfill came to."""

    midnights: Sequence[date]
    """Those written; what was lived is not among them."""
    lived: int
    """How many in the range were lived, and left as they are."""
    passes: int
    published: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "midnights": len(self.midnights),
            "first": self.midnights[0].isoformat() if self.midnights else None,
            "last": self.midnights[-1].isoformat() if self.midnights else None,
            "lived": self.lived,
            "passes": self.passes,
            "published": list(self.published),
        }


def backfill(places: Places, request: BackfillRequest) -> Backfilled:
    """Write the midnights of a range into the history and publish it.

    What was lived stays. Cut short, it can be repeated: what is not written in full
    counts as missing.

    Raises:
        BadInputError: there is no such range, or the warehouse has nothing of it.
        UnavailableError: nothing was built yet, the warehouse is locked, or the disk
            is full.
        IntentError: a model or test failed. What was published before stays.
    """
    refuse_length(request)
    stock = read_stock(places.warehouse)
    refuse_range(request, stock)
    wanted = [day for day in request.midnights() if day > stock.fact_days[0]]
    if skipped := request.count - len(wanted):
        err.print(
            f"{skipped:,} midnights are left out: there is nothing before "
            f"{stock.fact_days[0] + timedelta(days=1)}."
        )
    missing = [day for day in wanted if day not in stock.lived]
    passes = list(split(wanted, stock)) if missing else []
    done = 0
    for midnights in passes:
        is_last = midnights is passes[-1]
        run_dbt(
            places,
            dbt_arguments(is_last),
            dbt_variables(midnights, request.grain, stock.sheet),
            label=f"midnights {done + 1:,} to {done + len(midnights):,} "
            f"of {len(wanted):,}",
        )
        done += len(midnights)
        err.print(f"{done:,} of {len(wanted):,} midnights are written")
    return Backfilled(
        midnights=missing,
        lived=len(wanted) - len(missing),
        passes=len(passes),
        published=publish(places) if passes else (),
    )


def dbt_arguments(is_last: bool) -> list[str]:
    """What dbt is to do in a pass.

    The last one also tells since when contacts are in their segment, and runs the
    tests: what fails them is not published.
    """
    if is_last:
        selected = ["--select", HISTORY, SEGMENTS_SINCE]
        return ["build", "--exclude-resource-type", "unit_test", *selected]
    return ["run", "--select", HISTORY]


def dbt_variables(
    midnights: Sequence[date], grain: Grain, sheet: str
) -> dict[str, Any]:
    """The dbt vars of a pass; contact_intent shows the same sheet as before."""
    return {
        "intent_sheet": sheet,
        "intent_backfill": {
            "from": midnights[0].isoformat(),
            "to": midnights[-1].isoformat(),
            "grain": grain.value,
        },
    }


def parse_day(option: str, text: str) -> date:
    """Read the day that an option gives.

    Raises:
        BadInputError: there is no such day.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(
            f"{option}: '{text}' is no day of the calendar. Give a UTC midnight, such "
            "as 2026-05-01."
        ) from error


def refuse_length(request: BackfillRequest) -> None:
    """Raise BadInputError for a range that is reversed or too long."""
    if request.last < request.first:
        raise BadInputError(
            f"the range is reversed: it begins on {request.first} and ends before, on "
            f"{request.last}. Give the earlier day as --from."
        )
    if request.count > MOST_MIDNIGHTS:
        raise BadInputError(
            f"from {request.first} to {request.last} there are {request.count:,} "
            f"midnights; at most {MOST_MIDNIGHTS:,} are written at once. Give a "
            "shorter range, and then the next one"
            + (", or --grain week." if request.grain is Grain.DAY else ".")
        )


def refuse_range(request: BackfillRequest, stock: Stock) -> None:
    """Raise BadInputError for a range of which the warehouse has nothing."""
    if request.last > stock.last_midnight:
        raise BadInputError(
            f"--to: {request.last} is after {stock.last_midnight}, the newest midnight "
            "that the last build knew all of. End there, or `intent build` first."
        )
    if not stock.fact_days:
        raise BadInputError(
            "there is no history to write: the warehouse knows of no activity. Load "
            "some, then `intent build`."
        )
    if request.last <= stock.fact_days[0]:
        raise BadInputError(
            f"there is nothing before {stock.fact_days[0] + timedelta(days=1)}: the "
            f"first activity is of the day before that midnight. End later than on "
            f"{request.last}."
        )


def split(midnights: Sequence[date], stock: Stock) -> Iterator[Sequence[date]]:
    """Part midnights into passes that each have a bounded number of facts to score.

    A midnight has those of all days before it. One that alone has more is a pass.
    """
    counts = [0, *accumulate(stock.fact_counts)]
    first, facts = 0, 0
    for number, midnight in enumerate(midnights):
        more = counts[bisect_left(stock.fact_days, midnight)]
        if number > first and facts + more > FACTS_PER_PASS:
            yield midnights[first:number]
            first, facts = number, 0
        facts += more
    yield midnights[first:]


def read_stock(warehouse: Path) -> Stock:
    """Read what the warehouse has to make a history of.

    Raises:
        UnavailableError: nothing was built yet, or the warehouse can't be read.
    """
    try:
        with open_warehouse(warehouse) as connection:
            [[clock, sheet]] = connection.execute(
                "select"
                " (select cast(as_of as date) from intent_intermediate.int_clock),"
                " (select any_value(score_model) from contact_intent)"
            ).fetchall()
            facts = connection.execute(
                "select activity_date, count(*)"
                " from intent_intermediate.int_activity_days"
                " where known_to is null group by 1 order by 1"
            ).fetchall()
            lived = connection.execute(
                "select distinct as_of_date from segment_daily where basis = 'lived'"
            ).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise UnavailableError(
            f"The warehouse {warehouse} has no history yet, or that of another "
            "version. Build it first: `intent build`."
        ) from error
    return Stock(
        last_midnight=clock,
        sheet=sheet,
        fact_days=[day for day, _ in facts],
        fact_counts=[count for _, count in facts],
        lived=frozenset(day for (day,) in lived),
    )
