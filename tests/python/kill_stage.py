"""What runs that are killed are judged by: a shop that changes, and its remote."""

import copy
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from intent.sync.model import State
from intent.sync.spec import Sync
from kill_points import NEVER, Fate, ForkServer, Play
from standins import find_cases
from standins.case import Case, Told
from standins.files import FilesStandIn
from standins.kit import Fields, Route, StandIn
from sync_shop import SyncShop, load_sync
from sync_stage import told

INFRASTRUCTURE = {"_lock", "_loop", "_thread", "_runner", "_routes", "_port", "windows"}
EXPECTED = re.compile("(Unavailable|Deferred)Error: ")
"""How a run may end while all goes wrong."""
FIRST, CHANGED = "first.duckdb", "changed.duckdb"
"""The mart before it changed, and after."""
ERASED, LEFT, MERGED, MOVED, POISONED = 6, (3, 4), 5, 7, 14


@dataclass(frozen=True)
class Kill:
    """A destination, and how it is played for runs that are killed."""

    case: Case
    told_as: str = ""
    """lists, events, or not at all."""
    trick: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    remote: Mapping[str, Any] = field(default_factory=dict)
    """Attributes of the stand-in."""
    uses: str = ""
    """What stands in a point of the run at least."""

    def __str__(self) -> str:
        name = self.trick or self.case.name
        return f"{name}_{self.told_as}" if self.told_as else name

    @property
    def all_changes(self) -> dict[str, Any]:
        """What is otherwise than in the sync's file."""
        changes = {"rows_at_once": 2, **self.case.changes, **self.changes}
        if self.told_as == "lists":
            lists = dict(self.case.lists)
            changes["segment_changes"] = {"as": "lists", "lists": lists}
        elif self.told_as == "events":
            changes["segment_changes"] = {"as": "events"}
        else:
            changes["segment_changes"] = None
        return changes


class FilesRemote(StandIn):
    """Who imports the files of a folder, as often as somebody looks."""

    folder = Path()

    def routes(self) -> Sequence[Route]:
        return []

    @property
    def reader(self) -> FilesStandIn:
        """A reader that has seen nothing yet."""
        found = FilesStandIn(self.folder / "files")
        found.take()
        self.creations = found.creations
        return found

    def records(self, kind: str = "") -> dict[str, Fields]:
        return self.reader.records(kind)

    def events(self) -> list[dict[str, Any]]:
        return self.reader.events()


def read_event(event: Mapping[str, Any]) -> Told:
    before, after = event.get("from_segment"), event.get("to_segment")
    return event["key"], event["event_id"], before, after


CASES = {case.name: case for case in find_cases()}
FILES = Case("files", "files", FilesRemote, lambda _: {}, event=read_event)
MARKETO = {"settle_seconds": 0.02, "activity_type_id": 100001}
QUICK_MARKETO = {"settles_after": 0.01, "import_seconds": 0.01}
KILLS = [
    Kill(CASES["connectif"]),
    Kill(CASES["salesmanago"], "lists"),
    Kill(CASES["hubspot"], "lists"),
    Kill(CASES["customer_io"], "events"),
    Kill(CASES["webhook"], "events"),
    Kill(
        CASES["pardot"],
        "lists",
        changes={"options": {"poll_seconds": 0.01}},
        uses="/api/v5/imports/",
    ),
    Kill(
        CASES["eloqua"],
        "lists",
        changes={"options": {"poll_seconds": 0.01}},
        uses="/api/bulk/2.0/syncs",
    ),
    Kill(
        CASES["braze"],
        "events",
        changes={
            "options": {"read_back": True, "settle_seconds": 0.03},
        },
        remote={"settles_after": 0.01},
    ),
    Kill(CASES["klaviyo"], "events", uses="/api/profile-bulk-import-jobs/"),
    Kill(FILES, "events", changes={"rows_at_once": 8}),
    Kill(CASES["salesforce"], "lists"),
    Kill(
        CASES["salesforce_bulk"],
        trick="salesforce_bulk",
        uses="/jobs/ingest/",
    ),
    Kill(
        CASES["marketo"],
        "lists",
        changes={"options": MARKETO},
        remote=QUICK_MARKETO,
    ),
    Kill(
        CASES["marketo"],
        "events",
        trick="marketo_bulk",
        changes={"options": {**MARKETO, "bulk": True, "bulk_nulls_as": "NULL"}},
        remote=QUICK_MARKETO,
        uses="/bulk/v1/leads/batch/",
    ),
]


@dataclass
class KillStage:
    """A shop whose contacts have changed since they were last told."""

    kill: Kill
    remote: StandIn
    shop: SyncShop
    sync: Sync
    server: ForkServer
    variables: Mapping[str, str]
    kept: Path
    """Where the files are kept that each run starts from."""
    before: dict[str, Any] = field(default_factory=dict)
    """The stand-in's own that each run starts from."""
    known: set[str] = field(default_factory=set)
    """The keys of all that there ever were."""

    def play(
        self, kill_at: int = NEVER, command: str = "run", may_fail: bool = False
    ) -> Fate:
        """Run, in a process that dies at a point."""
        fate = self.server.play(
            Play(
                self.kill.case.sync,
                self.kill.all_changes,
                self.variables,
                self.kill.trick,
                kill_at,
                command,
            )
        )
        is_told = may_fail and EXPECTED.match(fate.error)
        assert not fate.error or is_told, (kill_at, fate)
        return fate

    @property
    def exports(self) -> Path:
        """Where files are written."""
        return Path(self.variables["INTENT_FILES_FOLDER"])

    # What is played ---------------------------------------------------------------

    def prepare(self) -> None:
        """Tell of the first contacts; then let them change."""
        self.play()
        self.assert_is_as_the_mart()
        shop = self.shop
        self.erase(ERASED)
        self.keep(FIRST)
        shop.add(3, 12)
        self.change(0, "segment = 'cold', intent_score = 0.5")
        self.change(1, "segment = 'hot', intent_score = 4.5")
        self.change(2, "segment = 'warm', intent_score = 2.5")
        for number in LEFT:
            self.change(number, "is_exportable = false")
        shop.remove(f"contact_id = md5('contact {MERGED}')")
        self.change(MOVED, "email = 'moved@shop.example', segment = 'cold'")
        self.remote.poison(self.key(POISONED))
        self.known |= self.expected().keys()
        self.keep(CHANGED)
        shutil.copy(shop.ledger, self.kept / "ledger.duckdb")
        self.exports.mkdir(exist_ok=True)
        shutil.copytree(self.exports, self.kept / "exports")
        self.before = copy.deepcopy(self.state())

    def change(self, number: int, values: str) -> None:
        self.shop.change(values, f"contact_id = md5('contact {number}')")

    def erase(self, number: int) -> None:
        """Do what `intent forget` does."""
        key = self.key(number)
        self.shop.remove(f"contact_id = md5('contact {number}')")
        with duckdb.connect(self.shop.ledger) as ledger:
            ledger.execute(
                f'delete from "acked_{self.sync.name}" where match_key = ?', [key]
            )
            ledger.execute(
                "insert into deletions values (?, ?, null, 'erasure', ?)",
                [self.sync.name, key, datetime(2026, 7, 1)],
            )

    def keep(self, name: str) -> None:
        shutil.copy(self.shop.warehouse, self.kept / name)

    def state(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in vars(self.remote).items()
            if name not in INFRASTRUCTURE
        }

    def start_anew(self) -> None:
        """Have all as it was before the run that is to be killed."""
        self.show(CHANGED)
        shutil.copy(self.kept / "ledger.duckdb", self.shop.ledger)
        self.shop.ledger.with_name("ledger.duckdb.wal").unlink(missing_ok=True)
        shutil.rmtree(self.exports)
        shutil.copytree(self.kept / "exports", self.exports)
        with self.remote._lock:
            vars(self.remote).update(copy.deepcopy(self.before))

    def show(self, name: str) -> None:
        """Let the mart be as it was at another time."""
        shutil.copy(self.kept / name, self.shop.warehouse)

    # What is looked at ------------------------------------------------------------

    def key(self, number: int) -> str:
        key = str(self.shop.contact(number)[self.sync.match.column])
        return key.lower() if self.sync.match.ignore_case else key

    def expected(self) -> dict[str, Fields]:
        return told(self.shop.expected(self.sync))

    def segments(self) -> dict[str, str]:
        """The segment of each contact in the mart, by its key."""
        return {
            str(row[self.sync.match.column]): row["segment"]
            for row in self.shop.rows(
                "select * from intent.contact_intent where is_exportable"
            )
        }

    def assert_is_as_the_mart(self) -> None:
        """The remote is what the mart is, but for what it refuses."""
        expected = self.expected()
        self.known |= expected.keys()
        refused = self.remote.poisons.keys()
        records = told(self.remote.records())
        self.assert_has_records(records, expected, refused)
        assert not [key for key, n in self.remote.creations.items() if n > 1]
        segments = {k: v for k, v in self.segments().items() if k not in refused}
        if self.kill.told_as == "lists":
            wanted = {
                of: {key for key, held in segments.items() if held == segment}
                for segment, of in self.kill.case.lists.items()
            }
            there = self.remote.lists()
            assert {of: there.get(of, set()) for of in wanted} == wanted
        if self.kill.told_as == "events":
            last = {key: new for key, _, _, new in self.events()}
            assert {k: v for k, v in last.items() if segments.get(k, v) != v} == {}

    def assert_has_records(
        self,
        records: Mapping[str, Fields],
        expected: Mapping[str, Fields],
        refused: Collection[str],
    ) -> None:
        """What the remote has of those in the mart, and of those that are not."""
        wanted = {key: of for key, of in expected.items() if key not in refused}
        there = {key: of for key, of in records.items() if key in wanted}
        assert there == wanted
        kept = {n for n, rule in self.sync.fields.items() if rule.if_null == "keep"}
        fields = self.sync.fields.keys() - kept
        left = {
            key: of.keys() & fields
            for key, of in records.items()
            if key in self.known and key not in expected
        }
        assert {key: of for key, of in left.items() if of} == {}

    def events(self) -> list[tuple[str, str, str | None, str | None]]:
        """Key, id, segment before and after, of all events."""
        read = self.kill.case.event
        assert read
        return [read(event) for event in self.remote.events()]

    def assert_all_events_came(self) -> None:
        """Each change was told, under one id each time."""
        if self.kill.told_as != "events":
            return
        ids: dict[tuple[str, str | None, str | None], set[str]] = {}
        for key, event_id, old, new in self.events():
            ids.setdefault((key, old, new), set()).add(event_id)
        changed = {(self.key(0), "hot", "cold"), (self.key(1), "warm", "hot")}
        assert changed <= ids.keys()
        assert all(len(each) == 1 for each in ids.values())

    def assert_adds_up(self) -> None:
        """Each row of each run has one end."""
        ends = " + ".join(each.replace(" ", "_") for each in State)
        with duckdb.connect(self.shop.ledger, read_only=True) as ledger:
            wrong = ledger.execute(
                "select run_id, state, planned from runs where state = 'running'"
                f" or planned is distinct from {ends}"
                " or planned <> coalesce(held_back, 0) +"
                " (select count(*) from outbox where outbox.run_id = runs.run_id)"
                " or in_doubt > 0"
            ).fetchall()
        assert wrong == []

    def assert_is_quiet(self) -> None:
        """The next run has nothing to send."""
        before = len(self.remote.log)
        result = self.play().result
        assert result["planned"] == result["skipped"]
        assert not [one for one in self.remote.log[before:] if one.keys]

    def recover(self, mart: str) -> None:
        """Run once more, unharmed, with a mart; all is to be well then."""
        self.show(mart)
        self.play()
        self.assert_is_as_the_mart()
        self.assert_adds_up()
        if mart == CHANGED:
            self.assert_all_events_came()


@contextmanager
def set_kill_stage(
    kill: Kill, server: ForkServer, folder: Path, contacts: int = 12
) -> Iterator[KillStage]:
    """Open a shop, and start a stand-in that knows nobody yet."""
    with kill.case.stand_in() as remote:
        for window in remote.windows:
            window.count = 1_000_000
        vars(remote).update(kill.remote)
        shop = SyncShop.open(folder / "shop", contacts)
        sync = load_sync(kill.case.sync, **kill.all_changes)
        remote.prepare(sync)
        kept = folder / "kept"
        kept.mkdir()
        exports = shop.folder / "exports"
        variables = {**shop.environment, **kill.case.settings(remote.url)}
        variables["INTENT_FILES_FOLDER"] = str(exports)
        if isinstance(remote, FilesRemote):
            remote.folder = exports
        yield KillStage(kill, remote, shop, sync, server, variables, kept)
