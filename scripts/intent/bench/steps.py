"""The whole benchmark, step by step."""

import importlib.util
import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from intent.bench.builds import Built, Shop
from intent.bench.database import open_database
from intent.bench.feeds import Feeds, make_feeds
from intent.bench.process import Measured, measure_module
from intent.bench.scoring import Taken
from intent.bench.spec import FEWEST, UNTIL, BenchSpec
from intent.errors import IntentError
from intent.settings import Places

PEERS = ("duckdb", "polars", "chdb", "pandas")
AGREES_TO = 1e-6
Tell = Callable[[str], None]


@dataclass
class Peer:
    """What one peer took, and how far its scores are from ours."""

    measured: Measured
    largest_difference: float


@dataclass
class Findings:
    """All that was measured."""

    spec: BenchSpec
    feeds: Feeds
    started_at: datetime
    bound: Measured
    full: Built
    floor: Built
    refresh: Built
    event: Built
    """The build after a single event landed."""
    sending: Measured
    scoring: dict[str, Taken]
    ours: Measured
    """What the peers do, by our own models."""
    peers: dict[str, Peer] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    """Peers that are not installed."""
    load: tuple[float, float] = (0.0, 0.0)
    """How many processes wanted a processor, before and after, in the last minutes."""

    def as_json(self) -> dict[str, Any]:
        """All figures as plain data."""
        return {
            "events": self.spec.events,
            "rows": {"landed": self.feeds.landed, "new": self.feeds.arriving},
            "started_at": f"{self.started_at:%Y-%m-%dT%H:%M:%SZ}",
            "machine": machine(),
            "load": list(self.load),
            "bound": self.bound.as_json(),
            "full": self.full.as_json(),
            "floor": self.floor.as_json(),
            "refresh": self.refresh.as_json(),
            "event": self.event.as_json(),
            "sending": self.sending.as_json(),
            "scoring": self.scoring,
            "ours": self.ours.as_json(),
            "peers": {
                name: {
                    **peer.measured.as_json(),
                    "largest_difference": peer.largest_difference,
                }
                for name, peer in self.peers.items()
            },
            "skipped": self.skipped,
        }


def machine() -> dict[str, Any]:
    """What it was measured on."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processors": os.cpu_count(),
        "memory_bytes": memory,
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
    }


def run_all(spec: BenchSpec, places: Places, tell: Tell) -> Findings:
    """Make the feeds and measure everything; takes the folder's shop away before.

    Raises:
        IntentError: a step failed, or a peer's scores are others than ours.
    """
    started, load = datetime.now(UTC), os.getloadavg()[1]
    tell("making the feeds")
    feeds = make_feeds_once(spec)
    shop = Shop(fresh(spec.folder / "shop"), spec.landing)
    tell("the bound")
    bound = measure_bound(spec, places)
    tell("the smallest shop")
    floor = build_smallest(spec)
    tell("the full build")
    full = shop.build(spec.cut.isoformat(), "--full-refresh", "--no-publish")
    shutil.copy(shop.target / "manifest.json", shop.full_manifest)
    send(shop)
    tell("the refresh")
    with arrived(spec):
        refresh = shop.build(UNTIL.isoformat(), "--no-publish")
        send(shop)
        tell("a single event")
        single = land_event(spec)
        event = shop.build(UNTIL.isoformat())
        sending = send(shop)
        single.unlink()
    tell("scoring alone")
    scoring = measure_scoring(shop)
    ours = measure_ours(shop)
    findings = Findings(
        *(spec, feeds, started, bound, full, floor, refresh, event, sending, scoring),
        ours,
    )
    for name in PEERS:
        tell(f"the peer {name}")
        add_peer(findings, shop, name)
    findings.load = (load, os.getloadavg()[1])
    return findings


def fresh(folder: Path) -> Path:
    """An empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def make_feeds_once(spec: BenchSpec) -> Feeds:
    """Make the feeds, unless an earlier run left the same ones."""
    stamp = spec.folder / "feeds.json"
    wanted = {"events": spec.events, "seed": spec.seed}
    if stamp.exists():
        found = json.loads(stamp.read_text("utf-8"))
        if found.pop("rows", None) and {k: found[k] for k in wanted} == wanted:
            return Feeds(found["landed"], found["arriving"])
    for folder in (spec.landing, spec.arriving):
        shutil.rmtree(folder, ignore_errors=True)
    stamp.unlink(missing_ok=True)
    feeds = make_feeds(spec)
    known = {"rows": True, "landed": feeds.landed, "arriving": feeds.arriving}
    stamp.write_text(json.dumps(wanted | known), encoding="utf-8")
    return feeds


def measure_bound(spec: BenchSpec, places: Places) -> Measured:
    """Measure the bound; its database goes again."""
    database = fresh(spec.folder / "bound") / "bound.duckdb"
    measured, _ = measure_module(
        "bound", [spec.landing, database, places.staging], environment={}
    )
    shutil.rmtree(database.parent)
    return measured


def build_smallest(spec: BenchSpec) -> Built:
    """Build a shop with next to no rows: what any build takes."""
    smallest = BenchSpec(FEWEST, fresh(spec.folder / "smallest"), spec.seed)
    make_feeds(smallest)
    shop = Shop(smallest.folder / "shop", smallest.landing)
    built = shop.build(spec.cut.isoformat(), "--full-refresh", "--no-publish")
    shutil.rmtree(smallest.folder)
    return built


def send(shop: Shop) -> Measured:
    """Send what changed to files: the payload that any tool may take."""
    allowed = ("shrinking", "downgrades", "deletions")
    guards = [word for guard in allowed for word in ("--allow", guard)]
    return shop.run(["sync", "run", "files", "--yes", "--json", *guards])


@contextmanager
def arrived(spec: BenchSpec) -> Iterator[None]:
    """Let the new files land, and take them away again in the end."""
    files = [path for path in spec.arriving.glob("*/*/*") if path.is_file()]
    landed = [spec.landing / path.relative_to(spec.arriving) for path in files]
    try:
        for path, goal in zip(files, landed, strict=True):
            goal.unlink(missing_ok=True)
            os.link(path, goal)
        yield
    finally:
        for goal in landed:
            goal.unlink(missing_ok=True)


def land_event(spec: BenchSpec) -> Path:
    """Land one event more, a checkout of somebody known; return its file."""
    file = spec.landing / "web" / "events" / "single.parquet"
    with open_database() as connection:
        connection.execute(f"""
            copy (
                select * replace (
                    event_id || '-again' as event_id,
                    'Checkout Started' as event_name,
                    timestamp '{UNTIL}' - interval 1 hour as event_time,
                    timestamp '{UNTIL}' - interval 1 hour as received_at
                )
                from '{spec.arriving}/web/events/part_000_new.parquet'
                where event_name = 'Checkout Started' and user_id is not null
                order by event_id limit 1
            ) to '{file}' (format parquet)
        """)
    return file


def measure_scoring(shop: Shop) -> dict[str, Taken]:
    """Measure scoring alone, in a database of its own."""
    scratch = fresh(shop.folder / "scratch") / "scoring.duckdb"
    manifest = shop.target / "manifest.json"
    _, taken = measure_module("scoring", [shop.warehouse, manifest, scratch], {})
    shutil.rmtree(scratch.parent)
    return taken


def measure_ours(shop: Shop) -> Measured:
    """Measure what the peers do by our own models."""
    scratch = fresh(shop.folder / "scratch") / "ours.duckdb"
    measured, _ = measure_module(
        "ours", [shop.warehouse, shop.full_manifest, scratch], {}
    )
    shutil.rmtree(scratch.parent)
    return measured


def add_peer(findings: Findings, shop: Shop, name: str) -> None:
    """Measure a peer, if it is installed.

    Raises:
        IntentError: its scores are others than ours.
    """
    if importlib.util.find_spec(name) is None:
        findings.skipped.append(name)
        return
    inputs = shop.folder / "inputs"
    if not inputs.exists():
        measure_module("peers.inputs", [shop.warehouse, inputs], {})
    measured, found = measure_module(
        "peers", [name, inputs, shop.folder / f"{name}.parquet"], {}
    )
    difference = float(found["largest_difference"])
    if difference > AGREES_TO:
        raise IntentError(
            f"bench: the scores of {name} differ from ours by up to {difference}."
        )
    findings.peers[name] = Peer(measured, difference)
