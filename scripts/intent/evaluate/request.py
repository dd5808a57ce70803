"""Which midnights to look at, and whether the warehouse has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from intent.errors import BadInputError, UnavailableError
from intent.warehouse import open_warehouse
from intent.yaml_files import did_you_mean

MIDNIGHTS = 12
EVERY_DAYS = 28
MOST_MIDNIGHTS = 400


@dataclass(frozen=True)
class MidnightsRequest:
    """Which midnights and horizon to look at; what is None is found out."""

    last: date | None = None
    midnights: int = MIDNIGHTS
    every_days: int = EVERY_DAYS
    horizon: int | None = None


@dataclass(frozen=True)
class EvaluationRequest(MidnightsRequest):
    """What to evaluate."""

    sheet: str | None = None
    builds: bool = True
    """False: look at what the last evaluation built."""


@dataclass(frozen=True)
class Stock:
    """What the warehouse has to evaluate."""

    clock: date
    """The day of the last build's clock."""
    shown_sheet: str
    sheets: Sequence[str]
    """Those that are not archived."""
    first_day: date | None
    """Of the first activity; None: there is none."""
    last_day: date | None


@dataclass(frozen=True)
class Plan:
    """The midnights that are evaluated."""

    last: date
    midnights: int
    every_days: int
    left_out: int = 0
    """Those asked for before which there was nothing."""

    @property
    def variables(self) -> dict[str, Any]:
        """The dbt vars that say so."""
        return {
            "intent_evaluation": {
                "last": self.last.isoformat(),
                "midnights": self.midnights,
                "every_days": self.every_days,
            }
        }


def plan(request: MidnightsRequest, stock: Stock, days: Sequence[int]) -> Plan:
    """Find the midnights of a request, with outcomes within so many days.

    Raises:
        BadInputError: there are none.
    """
    refuse_midnights(request, days)
    if stock.first_day is None or stock.last_day is None:
        raise BadInputError(
            "there is nothing to evaluate: the warehouse knows of no activity. Load "
            "some, then `intent build`."
        )
    day = timedelta(days=1)
    first, known_to = stock.first_day + day, min(stock.clock, stock.last_day + day)
    newest = known_to - max(days) * day
    if newest < first:
        raise BadInputError(
            f"the activities, from {stock.first_day} to {stock.last_day}, are too few "
            "days to evaluate: what "
            f"contacts do in the {max(days)} days after a midnight has to be known, "
            "and something before it. Load more, or shorten intent_target.days in "
            "dbt_project.yml."
        )
    last = request.last or newest
    if last > newest:
        raise BadInputError(
            f"--last: {last} is after {newest}, the newest midnight of which the "
            f"{max(days)} days after it are known. End there, or `intent build` with "
            "newer data first."
        )
    if last < first:
        raise BadInputError(
            f"--last: there is nothing before {first}: the first activity is of the "
            f"day before that midnight. Give a later one than {last}, up to {newest}."
        )
    count = min(request.midnights, (last - first).days // request.every_days + 1)
    return Plan(last, count, request.every_days, request.midnights - count)


def refuse_midnights(request: MidnightsRequest, days: Sequence[int]) -> None:
    """Raise BadInputError for midnights and horizons that there are not."""
    if not 1 <= request.midnights <= MOST_MIDNIGHTS:
        raise BadInputError(
            f"--midnights: {request.midnights} are no number of midnights to look at. "
            f"Give 1 to {MOST_MIDNIGHTS}."
        )
    if request.every_days < 1:
        raise BadInputError(
            f"--every-days: midnights can't be {request.every_days} days apart. Give 1 "
            "or more, such as 28."
        )
    if request.horizon is not None and request.horizon not in days:
        raise BadInputError(
            f"--horizon: outcomes within {request.horizon} days are not looked at. "
            f"There are: {', '.join(map(str, sorted(days)))}. Others are set by "
            "intent_target.days in dbt_project.yml."
        )


def refuse_request(
    request: EvaluationRequest, stock: Stock, days: Sequence[int]
) -> None:
    """Raise BadInputError for what there is not."""
    refuse_midnights(request, days)
    if request.sheet is not None and request.sheet not in stock.sheets:
        raise BadInputError(
            f"--sheet: there is no sheet '{request.sheet}'"
            f"{did_you_mean(request.sheet, stock.sheets)}. There are: "
            f"{', '.join(stock.sheets)}."
        )


def read_stock(warehouse: Path) -> Stock:
    """Read what the warehouse has to evaluate.

    Raises:
        UnavailableError: nothing was built yet, or the warehouse can't be read.
    """
    try:
        with open_warehouse(warehouse) as connection:
            [row] = connection.execute(
                """
                select
                    (select cast(as_of as date) from intent_intermediate.int_clock),
                    (select any_value(score_model) from contact_intent),
                    (
                        select list(score_model order by score_model)
                        from intent_rules.score_models
                        where status <> 'archived'
                    ),
                    min(activity_date),
                    max(activity_date),
                from intent_intermediate.int_activity_days
                where known_to is null
                """
            ).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise UnavailableError(
            f"The warehouse {warehouse} was not built whole, or by another version. "
            "Build it first: `intent build`."
        ) from error
    clock, shown_sheet, sheets, first_day, last_day = row
    return Stock(clock, shown_sheet or sheets[0], sheets, first_day, last_day)
