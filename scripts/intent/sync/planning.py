"""What a run would do, in numbers; and what would stop it."""

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from intent.sync.adapter import Adapter, needs_look_up
from intent.sync.budget import read_budget
from intent.sync.clock import utc_now
from intent.sync.difference import Difference
from intent.sync.ledger import Ledger
from intent.sync.local_checks import LocalChecks
from intent.sync.model import Outcome, Row, Window
from intent.sync.outbox import read_row
from intent.sync.packing import Packer
from intent.sync.redact import mask
from intent.sync.results import Plan, Sample
from intent.sync.source import Source
from intent.sync.spec import FieldType, Sync

SHRINKING, DOWNGRADES, DELETIONS = "shrinking", "downgrades", "deletions"
MOST_PACKED = 50_000
"""So many rows are packed to count requests; the rest is taken to be like them."""


def find_guards(sync: Sync, source: Source, difference: Difference) -> Sequence[str]:
    """What stops a run until it is allowed, in words that begin with its name."""
    guards, found = sync.guards, []
    acked, leaving = difference.acked_rows, difference.leaving

    def too_many(rows: int, share: float) -> bool:
        return rows > 0 and rows >= max(guards.at_least, share * acked)

    if too_many(leaving, guards.shrinking):
        found.append(
            f"{SHRINKING}: {leaving:,} of {acked:,} rows that were acknowledged are no "
            f"longer to be sent; {sync.source} has {difference.source_rows:,}"
        )
    has_shrunk = too_many(leaving, guards.shrinking / 2)
    if (source.red_feeds or has_shrunk) and too_many(
        difference.downgrades, guards.downgrades
    ):
        why = ", ".join(source.red_feeds) or "many leave"
        found.append(
            f"{DOWNGRADES}: {difference.downgrades:,} of {acked:,} rows fall to a "
            f"lower segment or leave, while {why}"
        )
    if too_many(difference.deletions, guards.deletions):
        found.append(
            f"{DELETIONS}: {difference.deletions:,} of {acked:,} records would be "
            "deleted"
        )
    return found


def stopping(found: Sequence[str], allowed: Collection[str]) -> Sequence[str]:
    """The guards that are not allowed."""
    return [each for each in found if each.partition(":")[0] not in set(allowed)]


def describe_plan(
    ledger: Ledger,
    adapter: Adapter[Any],
    source: Source,
    difference: Difference,
    sample: int,
) -> Plan:
    """The plan of what is in the table `planned`, with some of its rows."""
    sync = adapter.sync
    by_op: dict[str, int] = {}
    refused: dict[str, int] = {}
    held_back = 0
    for op, refusal, is_held, rows in ledger.rows(
        "select op, refusal, is_held, count(*) from planned group by all order by 1, 2"
    ):
        if refusal is not None:
            refused[refusal] = refused.get(refusal, 0) + rows
        elif is_held:
            held_back += rows
        else:
            by_op[op] = by_op.get(op, 0) + rows
    requests, units, locally = estimate_requests(ledger, adapter, sum(by_op.values()))
    for (op, code), rows in locally.items():
        refused[code] = refused.get(code, 0) + rows
        by_op[op] -= rows
    budget = read_budget(
        ledger,
        (adapter.name, adapter.address),
        (adapter.limits.requests_a_day, sync.requests_a_day),
        utc_now(),
    )
    limits = [each for each in (budget.limit, budget.own_limit) if each is not None]
    return Plan(
        sync=sync.name,
        destination=sync.destination,
        object=sync.object,
        mode=sync.mode,
        as_of=source.as_of,
        source_rows=difference.source_rows,
        without_key=difference.without_key,
        unchanged=difference.unchanged,
        by_op={op: rows for op, rows in by_op.items() if rows},
        refused=refused,
        held_back=held_back,
        requests=requests,
        requests_a_day=min(limits, default=None),
        requests_used=budget.used,
        minutes=minutes(adapter.limits.windows.get("write", ()), requests, units),
        guards=find_guards(sync, source, difference),
        unfinished=unfinished(ledger, sync),
        sample=samples(ledger, sync, sample),
    )


def estimate_requests(
    ledger: Ledger, adapter: Adapter[Any], rows: int
) -> tuple[int, int, Mapping[tuple[str, str], int]]:
    """How many requests would be sent, their units, and rows refused by our checks.

    The checks know nothing here of the destination's own schema.
    """
    checks = LocalChecks(adapter, None)
    locally: dict[tuple[str, str], int] = {}

    def count(row: Row, refusal: Outcome) -> None:
        key = (str(row.op), refusal.code)
        locally[key] = locally.get(key, 0) + 1

    packer = Packer(adapter, checks.faults, count)
    requests = units = packed = looked_up = 0
    found = ledger.rows(
        "select seq, op, match_key, payload, changed, event_id, remote_id, phase"
        " from planned"
        f" where refusal is null and not is_held order by seq limit {MOST_PACKED}"
    )
    for _, group in itertools.groupby(found, key=lambda each: each[-1]):
        fit: list[Row] = []
        for *columns, _ in group:
            row = read_row(adapter.sync, *columns)
            if refusal := checks.refusal(row):
                count(row, refusal)
            else:
                fit.append(row)
                looked_up += needs_look_up(adapter, row)
        for part in packer.pack(fit):
            requests += adapter.requests_of(part)
            units += len(part.rows)
            packed += len(part.rows)
    if not packed:
        return 0, 0, locally
    requests += math.ceil(looked_up / (adapter.lookup_rows or 1))
    scale = max(1.0, rows / (packed + sum(locally.values())))
    return math.ceil(requests * scale), math.ceil(units * scale), locally


def minutes(windows: Sequence[Window], requests: int, units: int) -> float:
    """How long so many requests take at the rate that is allowed."""
    seconds = [
        (units if window.counts_rows else requests) * window.seconds / window.count
        for window in windows
    ]
    return max(seconds, default=0.0) / 60


def unfinished(ledger: Ledger, sync: Sync) -> str:
    """The last run, if it has left something to do, in words."""
    found = ledger.rows(
        "select run_id, state, deferred, in_doubt, reason from runs where sync = ?"
        " order by rowid desc limit 1",
        [sync.name],
    )
    if not found:
        return ""
    [(run_id, state, deferred, in_doubt, reason)] = found
    if state == "running":
        return f"{run_id} died; the next run settles it first"
    left = (deferred or 0) + (in_doubt or 0)
    if not left:
        return ""
    return f"{run_id} left {left:,} rows" + (f": {reason}" if reason else "")


def samples(ledger: Ledger, sync: Sync, most: int) -> Sequence[Sample]:
    """Some rows, masked; those that many share, such as segments, are shown."""
    found = ledger.rows(
        "select op, match_key, changed, payload from planned"
        f" where refusal is null and not is_held order by seq limit {int(most)}"
    )
    shown = shared_texts(ledger, sync) if found else set()
    return [
        Sample(
            op=op,
            key=str(mask(key)),
            changed=changed or (),
            values={
                name: mask(value, shown)
                for name, value in orjson.loads(payload).items()
            },
        )
        for op, key, changed, payload in found
    ]


def masked(payload: str, shown: Collection[str]) -> Mapping[str, Any]:
    """The values of a row, so that nobody is recognised by them."""
    values = orjson.loads(payload)
    return {name: mask(value, shown) for name, value in values.items()}


def shared_texts(ledger: Ledger, sync: Sync) -> set[str]:
    """Texts that at least twenty rows, or a tenth, have in common."""
    shown: set[str] = set()
    for name, rule in sync.fields.items():
        if rule.type is not FieldType.TEXT or rule.columns:
            continue
        path = "$." + orjson.dumps(name).decode()
        shown |= {
            text
            for (text,) in ledger.rows(
                "with texts as (select json_extract_string(payload, ?) as text"
                " from planned limit 10000)"
                " select text from texts where text is not null group by text"
                " having count(*) >= 20"
                " or count(*) * 10 >= (select count(*) from texts) and count(*) > 2",
                [path],
            )
        }
    return shown
