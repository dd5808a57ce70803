"""What is to be measured, and where."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from intent.errors import BadInputError

EVENTS_PER_CONTACT = 91.2
"""Rows in web/events and email/events of the demo, by contact, in so many days."""
SHOP_CONTACTS = 40_000
"""Contacts that are made at a time: bounds the memory that making feeds takes."""
DAYS = 361
UNTIL = date(2026, 1, 1)
NEW_DAYS = 2
"""The last days, on one of which a newsletter is sent, have 1.1% of the events."""
FEWEST, MOST = 10_000, 1_000_000_000


@dataclass(frozen=True)
class BenchSpec:
    """A benchmark: how many events, in which folder, from which seed."""

    events: int
    folder: Path
    seed: int = 7

    @property
    def contacts(self) -> int:
        """The contacts that make about so many events."""
        return max(1, round(self.events / EVENTS_PER_CONTACT))

    @property
    def shops(self) -> list[int]:
        """The contacts of each shop of which the feeds are made."""
        whole, rest = divmod(self.contacts, SHOP_CONTACTS)
        return [SHOP_CONTACTS] * whole + ([rest] if rest else [])

    @property
    def cut(self) -> date:
        """The midnight from which on rows are new."""
        return UNTIL - timedelta(days=NEW_DAYS)

    @property
    def landing(self) -> Path:
        """The folder of the feeds."""
        return self.folder / "landing"

    @property
    def arriving(self) -> Path:
        """The folder of the files that are still to land."""
        return self.folder / "arriving"


def events_of(text: str) -> int:
    """Read a number of events, such as 1e6 or 1000000.

    Raises:
        BadInputError: it is none, or not one that can be measured.
    """
    try:
        events = round(float(text))
    except (ValueError, OverflowError):
        raise BadInputError(
            f"--events: '{text}' is no number of events, such as 1e6."
        ) from None
    if not FEWEST <= events <= MOST:
        raise BadInputError(f"--events: {text} is not between {FEWEST:,} and {MOST:,}.")
    return events
