"""How close a sync comes to what a destination allows, and what it costs.

    python tests/python/bench/sync.py                     # all of it, some ten minutes
    python tests/python/bench/sync.py --only hubspot difference
    python tests/python/bench/sync.py --drt /path/to/venv/bin/drt

Each destination is a stand-in on this machine that answers after 50 ms and enforces the
documented rate exactly. Rates are sustained ones: how long it takes, on average, until
as much has been sent again as one window of the limit allows, so that the burst which
is allowed at the beginning flatters nobody. All ratios are taken in one run.
"""

import argparse
import gc
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

import duckdb  # noqa: E402
from intent.sync.clock import utc_now  # noqa: E402
from intent.sync.desired import desired_rows  # noqa: E402
from intent.sync.difference import compare, make_acked_table  # noqa: E402
from intent.sync.fields import stored, values  # noqa: E402
from intent.sync.ledger import acked_table, open_ledger  # noqa: E402
from intent.sync.session import make_adapter  # noqa: E402
from intent.sync.source import attached  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from standins.braze import BrazeStandIn  # noqa: E402
from standins.customer_io import CustomerIoStandIn  # noqa: E402
from standins.hubspot import HubSpotStandIn  # noqa: E402
from standins.kit import Answer, Call, Route, StandIn  # noqa: E402
from standins.klaviyo import KlaviyoStandIn  # noqa: E402
from standins.marketo import MarketoStandIn  # noqa: E402
from sync_shop import SyncShop, load_sync  # noqa: E402

LATENCY = 0.05
FAULTS = 0.01
WANTED, WANTED_WITH_FAULTS = 0.95, 0.90


@dataclass(frozen=True)
class Peak:
    """A destination and its documented ceiling."""

    name: str
    stand_in: Callable[[], StandIn]
    a_minute: int
    requests: int
    """Full ones that one window of the limit allows."""
    contacts: int


PEAKS = (
    Peak("hubspot", lambda: HubSpotStandIn(LATENCY), 114_000, 190, 75_000),
    Peak("marketo", lambda: MarketoStandIn(LATENCY), 90_000, 100, 89_000),
    Peak("customer_io", lambda: CustomerIoStandIn(LATENCY), 60_000, 4, 40_000),
    Peak("klaviyo", lambda: KlaviyoStandIn(LATENCY), 1_500_000, 150, 1_800_000),
)
BRAZE = Peak("braze", lambda: BrazeStandIn(LATENCY), 3_750_000, 75, 100_000)
"""Its ceiling is beyond what this machine can send: the requests are counted."""


@dataclass(frozen=True)
class Sent:
    """What one run of the command came to."""

    rows: int
    a_minute: float
    """Rows, sustained."""
    whole: float
    """Of the whole command."""
    processor: float
    memory: float
    violations: int
    exit_code: int
    writes: int
    """Requests that wrote, and checks that go the same way."""


SUSTAINED = """
    with numbered as (
        select sent_at, units, row_number() over (order by sent_at) as number
        from requests where lane = 'write'
    )
    select 60 * sum(later.units) * $requests / count(*)
        / avg(epoch(later.sent_at - earlier.sent_at))
    from numbered as later
    inner join numbered as earlier
        on later.number = earlier.number + $requests
"""


def settings_of(name: str, url: str) -> Mapping[str, str]:
    """The variables by which a destination is found."""
    module = __import__(f"standins.{name}", fromlist=["settings"])
    found: Mapping[str, str] = module.settings(url)
    return found


@contextmanager
def shop_of(contacts: int) -> Iterator[SyncShop]:
    """A shop in a folder that goes at the end."""
    with tempfile.TemporaryDirectory() as folder:
        yield SyncShop.open(Path(folder) / "shop", contacts)


def send(peak: Peak, contacts: int, with_faults: bool) -> Sent:
    """Run the command once against the stand-in."""
    with shop_of(contacts) as shop, peak.stand_in() as remote:
        remote.prepare(load_sync(peak.name))
        if with_faults:
            remote.faults.at_rate(FAULTS)
        environment = {**os.environ, **shop.environment}
        environment |= settings_of(peak.name, remote.url)
        command = [str(Path(sys.executable).with_name("intent")), "sync", "run"]
        gc.disable()  # the stand-in shares the machine, and is none of what is measured
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.monotonic()
        done = subprocess.run(
            [*command, peak.name, "--yes", "--json"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        whole = time.monotonic() - started
        gc.enable()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode not in (0, 6):
            sys.exit(done.stdout + done.stderr)
        with duckdb.connect(str(shop.ledger), read_only=True) as ledger:
            [(rows,)] = ledger.execute("select sum(acknowledged) from runs").fetchall()
            [(a_minute,)] = ledger.execute(
                SUSTAINED, {"requests": peak.requests}
            ).fetchall()
            [(writes,)] = ledger.execute(
                "select count(*) from requests where lane = 'write'"
            ).fetchall()
        return Sent(
            rows=rows,
            a_minute=a_minute,
            whole=whole,
            processor=used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime,
            memory=used.ru_maxrss / 1e6,
            violations=remote.violations,
            exit_code=done.returncode,
            writes=writes,
        )


def measure_peaks(names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Each destination, without faults and with."""
    for peak in PEAKS:
        if peak.name not in names:
            continue
        for with_faults in (False, True):
            sent = send(peak, peak.contacts, with_faults)
            yield {
                "what": f"{peak.name}{', 1% faults' if with_faults else ''}",
                "rows": sent.rows,
                "a minute": round(sent.a_minute),
                "ceiling": peak.a_minute,
                "ratio": sent.a_minute / peak.a_minute,
                "with start": sent.rows / sent.whole * 60 / peak.a_minute,
                "wanted": WANTED_WITH_FAULTS if with_faults else WANTED,
                "too many": sent.violations,
                "seconds": sent.whole,
                "processor": sent.processor,
                "GB": sent.memory,
            }


def measure_requests(peak: Peak) -> Mapping[str, Any]:
    """How many requests a destination is sent, of those that full ones would be."""
    sent = send(peak, peak.contacts, with_faults=False)
    return {
        "what": f"{peak.name}, {sent.writes:,} requests",
        "rows": sent.rows,
        "a minute": round(sent.rows / sent.whole * 60),
        "ceiling": peak.a_minute,
        "ratio": math.ceil(sent.rows / peak.requests) * 1.01 / sent.writes,
        "wanted": 1.0,
        "too many": sent.violations,
        "seconds": sent.whole,
        "processor": sent.processor,
        "GB": sent.memory,
    }


def measure_difference(contacts: int, sync_name: str) -> Mapping[str, Any]:
    """The difference of many contacts, of whom 2% changed."""
    sync = load_sync(sync_name)
    with shop_of(contacts) as shop, open_ledger(shop.ledger) as ledger:
        connection = ledger.connection
        with attached(ledger, shop.warehouse) as source:
            make_acked_table(connection, sync)
            table = acked_table(sync.name)
            fields = ", ".join(stored(name) for name in sync.fields)
            connection.execute(
                f"insert into {table} by name"
                f" with rows as ({desired_rows(sync, source, sync.fields)}),"
                f" desired as (select *{values(sync, sync.fields)} from rows)"
                " select match_key, row_id, true as has_record, told_segment,"
                f" cast(? as timestamp) as acked_at, 'before' as run_id, {fields}"
                " from desired",
                [utc_now()],
            )
            score = stored("intent_score")
            connection.execute(
                f"update {table} set {score} = {score} + 1"
                " where hash(match_key) % 50 = 0"
            )
            connection.execute("checkpoint")
            started, used = time.monotonic(), time.process_time()
            found = compare(ledger, sync, source, utc_now())
            seconds = time.monotonic() - started
            used = time.process_time() - used
    return {
        "what": f"difference, {sync_name}, {found.source_rows - found.unchanged:,} new",
        "rows": contacts,
        "a minute": round(contacts / seconds * 60),
        "ceiling": 300_000_000,
        "ratio": contacts / seconds / 5e6,
        "wanted": 1.0,
        "seconds": seconds,
        "processor": used,
        "GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def in_a_process(name: str, *arguments: str) -> Mapping[str, Any]:
    """A measurement in a process of its own, for its memory."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", name, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


class HubSpotOneByOne(HubSpotStandIn):
    """With the older paths that create and update one contact, too."""

    def routes(self) -> Sequence[Route]:
        return [
            *super().routes(),
            ("POST", "/crm/v3/objects/contacts", self.create_one),
            ("PATCH", "/crm/v3/objects/contacts/(?P<email>.+)", self.update_one),
        ]

    def create_one(self, call: Call) -> Answer:
        properties = dict(call.json()["properties"])
        email = properties.pop("email")
        if email in self.records():
            return Answer(409, {"status": "error", "category": "CONFLICT"})
        self.put(email, properties)
        return Answer(201, {"id": email})

    def update_one(self, call: Call) -> Answer:
        properties = dict(call.json()["properties"])
        properties.pop("email", None)
        self.put(call.found["email"], properties)
        return Answer(200, {"id": call.found["email"]})


DRT_MODEL = "select email, segment as intent_segment from contacts"


def measure_drt(program: Path, contacts: int) -> Mapping[str, Any]:
    """drt-core into the same stand-in, with two fields, as its documentation shows."""
    with shop_of(contacts) as shop, HubSpotOneByOne(LATENCY) as remote:
        remote.prepare(load_sync("hubspot"))
        folder = shop.folder / "drt"
        (folder / "syncs").mkdir(parents=True)
        with shop.connect() as connection:
            connection.execute(f"attach '{folder / 'contacts.duckdb'}' as copies")
            connection.execute(
                "create table copies.contacts as from intent.contact_intent"
            )
        (folder / "drt_project.yml").write_text("name: bench\nprofile: default\n")
        (folder / "syncs" / "hubspot.yml").write_text(
            "name: hubspot\n"
            f'model: "{DRT_MODEL}"\n'
            "destination:\n  type: hubspot\n  object_type: contacts\n"
            "  id_property: email\n"
            "  properties_template: |\n"
            '    {"email": "{{ row.email }}",'
            ' "intent_segment": "{{ row.intent_segment }}"}\n'
            "  auth:\n    type: bearer\n    token_env: HUBSPOT_TOKEN\n"
            "sync:\n  mode: full\n  batch_size: 100\n"
        )
        # It has no setting for the address: its module's constant is set instead.
        script = (
            "import sys, drt.destinations.hubspot as h;"
            f" h._HUBSPOT_API = {remote.url + '/crm/v3/objects'!r};"
            f" h._HUBSPOT_PROPERTIES_API = {remote.url + '/crm/v3/properties'!r};"
            " from drt.cli.main import app; sys.argv[0] = 'drt'; app()"
        )
        environment = {
            **os.environ,
            "HOME": str(folder),
            "HUBSPOT_TOKEN": settings_of("hubspot", remote.url)["INTENT_HUBSPOT_TOKEN"],
        }
        profiles = folder / ".drt" / "profiles.yml"
        profiles.parent.mkdir()
        profiles.write_text(
            f"default:\n  type: duckdb\n  database: {folder / 'contacts.duckdb'}\n"
        )
        started = time.monotonic()
        done = subprocess.run(
            [str(program.with_name("python")), "-c", script, "run"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - started
        written = len(remote.records())
        if not written:
            sys.exit(f"drt wrote nothing:\n{done.stdout}{done.stderr}")
    return {
        "what": "drt-core into hubspot",
        "rows": written,
        "a minute": round(written / seconds * 60),
        "ceiling": 114_000,
        "ratio": written / seconds * 60 / 114_000,
        "seconds": seconds,
    }


def measure_fill(contacts: int) -> Mapping[str, Any]:
    """How full the files of Salesforce's bulk jobs are, and what packing costs."""
    external_id = {"field": "Intent_Contact_Id__c", "column": "contact_id"}
    sync = load_sync("salesforce_contacts", mode="upsert", match=external_id)
    adapter = make_adapter(sync, with_secrets=False)
    from intent.sync.model import Op, Row  # noqa: PLC0415

    values = {
        name: f"{name} of somebody" if rule.type == "text" else None
        for name, rule in sync.fields.items()
    }
    rows = (Row(n, Op.CREATE, f"{n:032x}", dict(values)) for n in range(contacts))
    started = time.process_time()
    limit = adapter.limits
    sizes = []
    for part in adapter.pack(rows):
        size = len(part.content) / limit.size
        sizes.append(max(size, len(part.rows) / limit.rows))
    fill = min(sizes[:-1] or sizes)  # the last one holds what is left
    return {
        "what": f"salesforce bulk, {len(sizes)} files, fill",
        "rows": contacts,
        "ceiling": limit.size,
        "ratio": fill,
        "wanted": 0.99,
        "processor": time.process_time() - started,
        "GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def bulk_rows(sync: Any, count: int) -> Iterator[Any]:
    """Rows as a shop has them: short texts, dates, a null here and there."""
    from intent.sync.model import Op, Row  # noqa: PLC0415

    told = {
        "text": "a few words",
        "number": 3.25,
        "date": "2026-07-14",
        "datetime": "2026-07-14T08:00:00Z",
    }
    short = {"segment": "warm", "intent_grade": "B2", "buying_stage": "decision"}
    values: dict[str, Any] = {
        name: short.get(rule.column or "", told[rule.type])
        for name, rule in sync.fields.items()
    }
    hot_until = next(n for n, rule in sync.fields.items() if rule.column == "hot_until")
    for number in range(count):
        key = f"person{number:07d}@shop.example"
        is_hot = number % 3 == 0
        until = values[hot_until] if is_hot else None
        yield Row(number, Op.UPDATE, key, {**values, hot_until: until})


def measure_bulk(contacts: int, name: str) -> Mapping[str, Any]:
    """The calls that imports of many rows take, and how full their files are."""
    from intent.sync.destinations._csv_files import BETWEEN  # noqa: PLC0415

    sync = load_sync(name)
    adapter = make_adapter(sync, with_secrets=False)
    started = time.process_time()
    calls, files = 0, []
    for part in adapter.pack(bulk_rows(sync, contacts)):
        calls += adapter.requests_of(part)
        files += [len(file) for file in part.content.split(BETWEEN)]
    largest = {"pardot": 10_000_000, "eloqua": 32_000_000}[name]
    fill = min(files[:-1] or files) / largest  # the last one holds what is left
    is_calls = name == "pardot"
    return {
        "what": f"{name}, {calls} calls, {len(files)} files, fill {fill:.3f}",
        "rows": contacts,
        "ceiling": 13 * contacts // 1_000_000 if is_calls else largest,
        "ratio": 13 * contacts / 1_000_000 / calls if is_calls else fill,
        "wanted": 1.0 if is_calls else 0.95,
        "processor": time.process_time() - started,
        "GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of what was measured."""
    names = (
        *("what", "rows", "a minute", "ceiling", "ratio", "wanted", "with start"),
        *("too many", "seconds", "processor", "GB"),
    )
    table = Table(*names)
    for row in rows:
        cells = [row.get(name, "") for name in names]
        table.add_row(
            *(
                f"{cell:,.3f}"
                if isinstance(cell, float)
                else f"{cell:,}"
                if isinstance(cell, int)
                else str(cell)
                for cell in cells
            )
        )
    Console(width=140).print(table)


def measure_all(
    names: Sequence[str], options: argparse.Namespace
) -> Iterator[Mapping[str, Any]]:
    """All that was asked for, one after the other."""
    yield from measure_peaks(names)
    if BRAZE.name in names:
        yield measure_requests(BRAZE)
    if "fill" in names:
        yield in_a_process("fill", "1000000")
    for name in ("pardot", "eloqua"):
        if name in names:
            yield in_a_process("bulk", "1000000", name)
    if "difference" in names:
        for name in ("hubspot", "customer_io"):
            yield in_a_process("difference", str(options.contacts), name)
    if "drt" in names and options.drt:
        yield measure_drt(options.drt, 300)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--contacts", type=int, default=10_000_000)
    parser.add_argument("--drt", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", nargs="*")
    options = parser.parse_args()
    if options.measure:
        name, *rest = options.measure
        measures: Mapping[str, Callable[..., Mapping[str, Any]]] = {
            "difference": measure_difference,
            "fill": measure_fill,
            "bulk": measure_bulk,
        }
        print(json.dumps(measures[name](int(rest[0]), *rest[1:])))
        return
    names = options.only or [
        *(peak.name for peak in (*PEAKS, BRAZE)),
        *("difference", "fill", "pardot", "eloqua", "drt"),
    ]
    rows = []
    for measured_row in measure_all(names, options):
        rows.append(measured_row)
        print(json.dumps(measured_row), file=sys.stderr, flush=True)
    show(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    shutil.get_terminal_size()
    main()
