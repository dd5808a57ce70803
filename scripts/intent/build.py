"""Builds the warehouse, and publishes it if all of it passed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from intent.dbt import run_dbt
from intent.errors import BadInputError
from intent.publish import publish
from intent.settings import Places

CHANGED_FILES = "Run with --full-refresh"


@dataclass(frozen=True)
class BuildRequest:
    """What to build: the clock, the sheet, the feeds, and whether all anew."""

    as_of: str | None = None
    sheet: str | None = None
    feeds: Sequence[str] = ()
    full_refresh: bool = False
    publishes: bool = True

    def variables(self) -> dict[str, Any]:
        """The dbt vars that say so; only those that differ from the project's."""
        variables: dict[str, Any] = {}
        if self.as_of:
            variables["intent_as_of"] = self.as_of
        if self.sheet:
            variables["intent_sheet"] = self.sheet
        if self.feeds:
            variables["intent_feeds"] = list(self.feeds)
        return variables


def build(places: Places, request: BuildRequest) -> list[str]:
    """Build, test and publish; return the names of what was published.

    Files that changed or went since they were counted make it build all anew.

    Raises:
        BadInputError: a file or rule sheet can't be used.
        UnavailableError: the warehouse is locked, or the disk is full.
        IntentError: a model or test failed. What was published before stays.
    """
    # Unit tests check the code, not the data: `make test` runs them.
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    try:
        run_dbt(
            places,
            [*arguments, *(["--full-refresh"] if request.full_refresh else [])],
            request.variables(),
        )
    except BadInputError as error:
        if request.full_refresh or not only_wants_full_refresh(str(error)):
            raise
        run_dbt(places, [*arguments, "--full-refresh"], request.variables())
    return publish(places) if request.publishes else []


def only_wants_full_refresh(message: str) -> bool:
    """True if every fault in the message is mended by building all anew."""
    faults = [line for line in message.splitlines() if line.strip().startswith("- ")]
    return bool(faults) and all("--full-refresh" in fault for fault in faults)
