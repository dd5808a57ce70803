"""Reads records back, and compares them with what the destination acknowledged."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

import orjson

from intent.errors import UnavailableError
from intent.sync.agree import differing
from intent.sync.courier import Courier, batched
from intent.sync.difference import make_acked_table
from intent.sync.fields import as_json, stored
from intent.sync.ledger import acked_table
from intent.sync.model import Op, Row, Value
from intent.sync.results import Drift
from intent.sync.session import Session

MOST_NAMED = 20
"""Rows that are named in the result."""


async def compare_records(session: Session, limit: int | None) -> Drift:
    """Compare what a destination has with what it acknowledged.

    Raises:
        UnavailableError: it can't be asked at present.
    """
    sync = session.adapter.sync
    rows = read_acked(session, limit)
    by_field: Counter[str] = Counter()
    missing, row_ids = 0, []
    async with session.runner("") as runner:
        some = list(batched([row for row, _ in rows], session.adapter.lookup_rows))
        turn = asyncio.Semaphore(session.adapter.limits.concurrent)
        found = await asyncio.gather(
            *(look(runner.courier, each, list(sync.fields), turn) for each in some)
        )
    records = {key: values for each in found for key, values in each.items()}
    for row, row_id in rows:
        values = records.get(row.key)
        if values is None:
            missing += 1
            row_ids.append(row_id)
        elif fields := differing(row.values, values):
            by_field.update(fields)
            row_ids.append(row_id)
    return Drift(
        sync=sync.name,
        compared=len(rows),
        same=len(rows) - len(row_ids),
        missing=missing,
        by_field=dict(by_field.most_common()),
        row_ids=row_ids[:MOST_NAMED],
    )


async def look(
    courier: Courier,
    rows: Sequence[Row],
    fields: Sequence[str],
    turn: asyncio.Semaphore,
) -> Mapping[str, Mapping[str, Value]]:
    """The values that a destination has, by key."""
    async with turn:
        records = await courier.look_up([row.key for row in rows], fields)
    if records is None:
        stop = courier.stop
        raise stop.error or UnavailableError(
            stop.reason or f"{courier.adapter.name} can't be asked at present."
        )
    return {key: record.values for key, record in records.items()}


def read_acked(session: Session, limit: int | None) -> Sequence[tuple[Row, str]]:
    """The rows that were acknowledged, or some of them, with what they are called."""
    sync = session.adapter.sync
    make_acked_table(session.ledger.connection, sync)
    sample = f" using sample reservoir({int(limit)} rows)" if limit else ""
    columns = {name: f"acked.{stored(name)}" for name in sync.fields}
    found = session.ledger.rows(
        f"select match_key, row_id, remote_id, {as_json(sync, columns)}"
        f" from (select * from {acked_table(sync.name)} where has_record"
        f"{sample}) as acked"
    )
    return [
        (Row(number, Op.UPDATE, key, orjson.loads(payload), None, remote_id), row_id)
        for number, (key, row_id, remote_id, payload) in enumerate(found)
    ]
