"""What is asked, and what is told of the contact before that is explained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from intent.explain.model import Fit, Interest, NextStep, Sheet
from intent.explain.reading import Row


@dataclass(frozen=True)
class Until:
    """When a contact will leave the bands it is in; NEVER, or None if it is in none."""

    hot: datetime | None
    warm: datetime | None


@dataclass(frozen=True)
class Asked:
    """What is asked: a contact at a clock, by a sheet."""

    connection: duckdb.DuckDBPyConnection
    contact_id: str
    at: datetime
    sheet: Sheet
    queries: Mapping[str, str]
    """The compiled analyses, by name."""

    @property
    def values(self) -> dict[str, object]:
        """What queries about it bind."""
        return {"contact_id": self.contact_id, "at": self.at}


@dataclass(frozen=True)
class Standing:
    """A contact at a clock, by one sheet."""

    is_live: bool
    """True at the clock of the last build."""
    raw_score: float
    intent_score: float
    state: str
    driver_rows: Sequence[Row]
    """With the columns of contact_intent_drivers."""
    audiences: Mapping[str, int]
    """The audiences that the contact is in, with the number of their conditions."""
    buying_stage: str | None
    fit: Fit
    segment: str | None = None
    """None: to be found by the midnights before."""
    segment_since: datetime | None = None
    """None: likewise, as the history does not go back so far."""
    until: Until | None = None
    """None: to be worked out from the drivers."""
    interests: Sequence[Interest] | None = None
    next_step: NextStep | None = None
