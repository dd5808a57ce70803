"""Builds the warehouse, and publishes it if all of it passed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from intent.console import err
from intent.contracts import read_contracts
from intent.dbt import run_dbt
from intent.erasure.certificate import cut_short
from intent.erasure.guard import keep_out_erased
from intent.errors import BadInputError
from intent.landing import refuse_cut_off_files
from intent.publish import publish
from intent.rules.checks import find_faults, understand
from intent.rules.csv_files import read_seeds
from intent.rules.service import finish_change
from intent.rules.tables import Fault, Reading
from intent.settings import Places

FAULTS_SHOWN = 20


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
    finish_change(places.seeds)
    refuse_request(places, request)
    refuse_rule_faults(places)
    refuse_cut_off_files(places)
    leave_erased_out(places)
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


def leave_erased_out(places: Places) -> None:
    """Take rows of erased contacts out of the files that landed since, and say so.

    Raises:
        BadInputError: the key is missing or wrong, or an erasure was cut short: what it
            still has to erase is known by what was built before.
    """
    if begun := cut_short(places.erasures):
        raise BadInputError(
            f"The erasure {begun[0]} was cut short. Finish it first: give the same "
            "`intent forget` again."
        )
    for name, changes in keep_out_erased(places).items():
        err.print(
            f"{name}: {changes.removed + changes.blanked:,} rows name contacts that "
            "were erased; they are taken out. Is their source still to be cleaned?",
            style="yellow",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def refuse_request(places: Places, request: BuildRequest) -> None:
    """Raise BadInputError if the request names a day or a feed that there is not."""
    if request.as_of:
        try:
            datetime.fromisoformat(request.as_of)
        except ValueError as error:
            raise BadInputError(
                f"--as-of: '{request.as_of}' is no day of the calendar. Give a past "
                "UTC midnight, such as 2026-05-01."
            ) from error
    known = {contract.feed for contract in read_contracts(places.staging).values()}
    if unknown := sorted(set(request.feeds) - known):
        raise BadInputError(
            f"--feed: there is no feed {', '.join(unknown)}. There are: "
            f"{', '.join(sorted(known))}."
        )


def refuse_rule_faults(places: Places) -> None:
    """Raise BadInputError with the faults of the rule sheets, if there are any.

    dbt finds them as well, but later, and those of single cells only as an engine does.
    """
    reading = read_seeds(places.seeds)
    if faults := find_faults(reading, understand(reading)):
        lines = [f"- {describe(fault, reading)}" for fault in faults[:FAULTS_SHOWN]]
        if len(faults) > FAULTS_SHOWN:
            lines.append(
                f"- and {len(faults) - FAULTS_SHOWN} more: see `intent rules check`"
            )
        raise BadInputError("\n".join(["the rule sheets can not be used:", *lines]))


def describe(fault: Fault, reading: Reading) -> str:
    """A fault of a rule sheet in one line: where, what is wrong, and what is right."""
    where = fault.sheet
    if fault.row:
        where += f": {row_key(fault, reading)} (line {fault.row})"
    value = f" '{fault.value}'" if fault.value else ""
    wrong = f"{fault.column or ''}{value} {fault.wrong}".strip()
    return f"{where}: {wrong}. Right is: {fault.allowed}"


def row_key(fault: Fault, reading: Reading) -> str:
    """What names the row of a fault, such as `purchase, cart_added`."""
    table = reading.tables[fault.sheet]
    cells = next((row.cells for row in table.rows if row.number == fault.row), {})
    return ", ".join(
        str(cells.get(name) or "(blank)")
        for name in table.sheet.key
        if cells.get(name) or table.sheet.column(name).required
    )


def only_wants_full_refresh(message: str) -> bool:
    """True if every fault in the message is mended by building all anew."""
    faults = [line for line in message.splitlines() if line.strip().startswith("- ")]
    return bool(faults) and all("--full-refresh" in fault for fault in faults)
