"""What to make, and what was made."""

from dataclasses import dataclass, field
from datetime import date

from intent.errors import BadInputError


@dataclass(frozen=True)
class DemoSpec:
    """An invented shop: how many people, over which days, from which seed."""

    contacts: int = 4000
    """People that the shop could know; anonymous visitors come on top."""
    days: int = 365
    """Days of history."""
    until: date = date(2026, 7, 1)
    """End of history, exclusive: all happens before this midnight UTC."""
    seed: int = 7
    """Not negative; another seed is another shop."""

    def check(self) -> None:
        """Raise BadInputError if such a shop can't be made."""
        for name, least in (("contacts", 1), ("days", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise BadInputError(
                    f"demo: {name} must be at least {least}, not {getattr(self, name)}"
                )


@dataclass(frozen=True)
class DemoSummary:
    """What was written."""

    rows: dict[str, int]
    """Rows written by table, such as `web.events`."""
    planted: dict[str, dict[str, int]] = field(default_factory=dict)
    """Rows by table and kind of dirt (the names of `intent.demo.dirt.Dirt`)."""
    events: int = 0
    """Rows of the event tables: web events and email events."""
    seconds: float = 0.0
    """Wall-clock time that it took."""
