"""A shop, a stand-in and a sync between them: what tests of whole runs play on."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from intent.settings import places
from intent.sync import service
from intent.sync.model import State
from intent.sync.results import RunResult
from intent.sync.session import make_adapter
from intent.sync.spec import Sync
from standins import find_case, find_cases, find_usual
from standins.case import Case, Trait
from standins.faults import APPLY_DROP
from standins.kit import Fields, Logged, StandIn
from sync_shop import SyncShop, load_sync

GUARDS = ("shrinking", "downgrades", "deletions")


class Silent:
    """Progress that nobody looks at."""

    def planned(self, rows: int) -> None:
        del rows

    def ended(self, rows: int) -> None:
        del rows


@dataclass
class Stage:
    """All that a run needs, and what it must have done."""

    case: Case
    remote: StandIn
    shop: SyncShop
    sync: Sync

    def change_sync(self, **changes: Any) -> None:
        """Change the sync, as its file could be."""
        self.sync = case_sync(self.case, **changes)
        self.remote.prepare(self.sync)

    def run(self, allowed: Collection[str] = GUARDS) -> RunResult:
        """Run the sync, and check that the numbers add up and all rules are kept."""
        result = service.run(places(), self.sync, Silent(), allowed)
        self.check(result)
        return result

    def retry(self) -> RunResult:
        """Run, and try refused rows again at once."""
        result = service.retry(places(), self.sync, Silent())
        self.check(result)
        return result

    def check(self, result: RunResult) -> None:
        """What holds after each run, whatever it was about."""
        ends = [getattr(result, state.replace(" ", "_")) for state in State]
        assert result.planned == sum(ends), result
        assert self.remote.violations == 0
        assert not [key for key, times in self.remote.creations.items() if times > 1]

    def writes(self, since: int = 0) -> list[Logged]:
        """The requests that wrote records, from a place of the log on."""
        return [logged for logged in self.remote.log[since:] if logged.keys]

    def records(self) -> dict[str, Fields]:
        """The records over there, without unset fields."""
        return told(self.remote.records(self.case.kind))

    def expected(self) -> dict[str, Fields]:
        """The records that should be there, without unset fields."""
        return told(self.shop.expected(self.sync))

    def put(self, key: str, fields: Mapping[str, Any]) -> None:
        """Let somebody else write a record over there."""
        self.remote.put(key, fields, self.case.kind)

    def row_writes(self, since: int = 0) -> list[Logged]:
        """The requests to where records are written, also those without any."""
        return self.remote.requests(self.case.writes)[since:]

    def asked_first(self, path: str) -> int:
        """How many requests of a run go to a path before any row does."""
        asked = make_adapter(self.sync).describe_requests()
        return sum(bool(re.search(path, one.path.partition("?")[0])) for one in asked)

    def hear_nothing(self, path: str = "", heard: int = 0) -> None:
        """Let all that is written be done, and no answer to it come.

        But for the answers to some requests, which come first.
        """
        path = path or self.case.unheard or self.case.writes
        nth = self.asked_first(path) + heard + 1
        self.remote.faults.add(APPLY_DROP, path, nth=nth, times=None)

    def put_all(self) -> None:
        """Let there be a record for each that is to be written."""
        for key in self.expected():
            self.put(key, {})

    def remove(self, key: str) -> None:
        """Let somebody else delete a record over there."""
        self.remote.remove(key, self.case.kind)

    def key(self, number: int) -> str:
        """The match key of a contact."""
        key = str(self.shop.contact(number)[self.sync.match.column])
        return key.lower() if self.sync.match.ignore_case else key

    def field(self, column: str) -> str:
        """The field over there that a column fills."""
        return next(
            name for name, rule in self.sync.fields.items() if rule.column == column
        )


def over(*traits: Trait, stage: str = "stage") -> pytest.MarkDecorator:
    """Run a test once for each destination that has some traits."""
    return _over(find_usual(*traits), stage)


def over_every_case(*traits: Trait) -> pytest.MarkDecorator:
    """Run a test for each case that has some traits.

    So a destination meets it by each of its ways to write.
    """
    return _over(find_cases(*traits), "stage")


def over_case(*names: str) -> pytest.MarkDecorator:
    """Run a test for some cases.

    It is about what only they have, or what is the same whatever the destination.
    """
    return _over([find_case(name) for name in names], "stage")


def _over(cases: Sequence[Case], stage: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(stage, cases, ids=str, indirect=True)


def number(*of: int) -> str:
    """The condition on contacts, by their numbers."""
    ids = ", ".join(f"md5('contact {each}')" for each in of)
    return f"contact_id in ({ids})"


def case_sync(case: Case, **changes: Any) -> Sync:
    """The sync of a case, which tells no changes of segments unless it is changed."""
    quiet = {"segment_changes": None}
    return load_sync(case.sync, **{**quiet, **case.changes, **changes})


def told(records: Mapping[str, Mapping[str, Any]]) -> dict[str, Fields]:
    """Records with what they have: unset fields may be there as null, or not at all."""
    return {
        key: {name: value for name, value in fields.items() if value is not None}
        for key, fields in records.items()
    }


@contextmanager
def set_stage(
    case: Case, folder: Path, patch: pytest.MonkeyPatch, contacts: int = 12
) -> Iterator[Stage]:
    """Open a shop, and start the stand-in of a case."""
    with case.stand_in() as remote:
        vars(remote).update(case.remote)
        shop = SyncShop.open(folder, contacts)
        variables = {**shop.environment, **case.settings(remote.url)}
        for name, value in variables.items():
            patch.setenv(name, value)
        stage = Stage(case, remote, shop, case_sync(case))
        remote.prepare(stage.sync)
        if not case.has(Trait.CONTACTS):
            stage.put_all()
        yield stage
