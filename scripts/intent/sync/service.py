"""What the commands call: each function is one of them, without its printing."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Protocol

from intent.settings import Places
from intent.sync.destinations import find_adapter
from intent.sync.results import Drift, Finding, Plan, Rejection, RunResult, SetUp
from intent.sync.secrets import blank_settings, setting_states
from intent.sync.spec import Sync


class Progress(Protocol):
    """Is told how far a run is; a bar in a terminal, or nothing."""

    def planned(self, rows: int) -> None:
        """So many rows are to be sent."""

    def ended(self, rows: int) -> None:
        """So many more rows have an outcome."""


def setup(sync: Sync) -> SetUp:
    """What is to be created over there and to be set here; needs no credentials."""
    kind = find_adapter(sync.destination)
    adapter = kind(sync, blank_settings(kind.settings), datetime.now(UTC))
    return SetUp(
        sync=sync.name,
        destination=sync.destination,
        object=sync.object,
        steps=list(adapter.setup()),
        settings=setting_states(kind.settings),
    )


def check(sync: Sync) -> Sequence[Finding]:
    """Check credentials, the destination's schema, and the mapping against it.

    Raises:
        BadInputError: a setting is missing.
        RefusedError: the credentials are refused.
        UnavailableError: the destination can't be reached.
    """
    raise NotImplementedError


def plan(
    places: Places, sync: Sync, sample: int = 3, allowed: Collection[str] = ()
) -> Plan:
    """Work out what a run would do; nothing is sent or written."""
    raise NotImplementedError


def run(
    places: Places,
    sync: Sync,
    progress: Progress,
    allowed: Collection[str] = (),
    wait: float = 0.0,
) -> RunResult:
    """Settle the run before, plan anew, and send.

    Args:
        places: where the warehouse and the ledger are.
        sync: what to send where.
        progress: is told how far it is.
        allowed: guards that are not to stop it: shrinking, downgrades, deletions.
        wait: for how many seconds to wait for the ledger or the warehouse.

    Raises:
        GuardError: a guard stopped it before anything was sent.
        RefusedError: the credentials are refused.
        LockedError: another sync runs, or dbt builds.
        BadInputError: a setting, column or mart is missing.
        UnavailableError: a place can't be read or written.
    """
    raise NotImplementedError


def resume(places: Places, sync: Sync, progress: Progress) -> RunResult | None:
    """Finish the run before as it was planned, without reading the warehouse.

    None: it is finished.
    """
    raise NotImplementedError


def retry(places: Places, sync: Sync, progress: Progress) -> RunResult:
    """Run, and try all rows again that were refused before."""
    raise NotImplementedError


def rejected(places: Places, sync: Sync) -> Sequence[Rejection]:
    """The rows that are refused, the newest first."""
    raise NotImplementedError


def status(places: Places) -> Sequence[RunResult]:
    """The last run of each sync."""
    raise NotImplementedError


def reconcile(places: Places, sync: Sync, limit: int | None = None) -> Drift:
    """Read records back and compare them with what was acknowledged.

    Args:
        places: where the ledger is.
        sync: whose records.
        limit: at most so many, chosen at random; None: all.
    """
    raise NotImplementedError


def rollback(places: Places, run_id: str, progress: Progress) -> RunResult:
    """Send what was acknowledged before a run again, for each row it changed.

    Rows that were changed by a later run stay as they are.
    """
    raise NotImplementedError
