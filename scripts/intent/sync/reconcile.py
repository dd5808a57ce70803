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
from intent.sync.model import Op, RemoteRecord, Row, Value
from intent.sync.outbox import PORTION
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
    by_field: Counter[str] = Counter()
    compared = missing = 0
    row_ids: list[str] = []
    async with session.runner("") as runner:
        turn = asyncio.Semaphore(session.adapter.limits.concurrent)
        count = await runner.clerk.call(choose_acked, session, limit)
        for start in range(0, count, PORTION):
            rows = await runner.clerk.call(read_acked, session, start)
            records = await read_records(runner.courier, [row for row, _ in rows], turn)
            compared += len(rows)
            for row, row_id in rows:
                values = records.get(row.key)
                fields = [] if values is None else differing(row.values, values)
                missing += values is None
                by_field.update(fields)
                if values is None or fields:
                    row_ids.append(row_id)
    return Drift(
        sync=sync.name,
        compared=compared,
        same=compared - len(row_ids),
        missing=missing,
        by_field=dict(by_field.most_common()),
        row_ids=row_ids[:MOST_NAMED],
    )


async def read_records(
    courier: Courier, rows: Sequence[Row], turn: asyncio.Semaphore
) -> Mapping[str, Mapping[str, Value]]:
    """The values that a destination has of some rows, by key."""
    fields = list(courier.adapter.sync.fields)

    async def look(some: Sequence[Row]) -> Mapping[str, RemoteRecord]:
        async with turn:
            records = await courier.look_up([row.key for row in some], fields)
        if records is None:
            stop = courier.stop
            raise stop.error or UnavailableError(
                stop.reason or f"{courier.adapter.name} can't be asked at present."
            )
        return records

    found = await asyncio.gather(
        *(look(some) for some in batched(rows, courier.adapter.lookup_rows))
    )
    return {key: record.values for each in found for key, record in each.items()}


def choose_acked(session: Session, limit: int | None) -> int:
    """Put what was acknowledged, or a sample of it, into a table; return how much."""
    sync = session.adapter.sync
    make_acked_table(session.ledger.connection, sync)
    sample = f" using sample reservoir({int(limit)} rows)" if limit else ""
    columns = {name: f"acked.{stored(name)}" for name in sync.fields}
    session.ledger.connection.execute(
        "create or replace temp table chosen as"
        " select row_number() over () - 1 as number, match_key, row_id, remote_id,"
        f" {as_json(sync, columns)} as payload"
        # A sample is taken before a `where` of the same query.
        f" from (select * from (select * from {acked_table(sync.name)}"
        f" where has_record){sample}) as acked"
    )
    [(count,)] = session.ledger.rows("select count(*) from chosen")
    return int(count)


def read_acked(session: Session, start: int) -> Sequence[tuple[Row, str]]:
    """A portion of what was chosen, with what the rows are called."""
    found = session.ledger.rows(
        "select number, match_key, row_id, remote_id, payload from chosen"
        " where number >= ? and number < ? order by number",
        [start, start + PORTION],
    )
    return [
        (Row(number, Op.UPDATE, key, orjson.loads(payload), None, remote_id), row_id)
        for number, key, row_id, remote_id, payload in found
    ]
