"""The ledger's queue of contacts that are still to be deleted in the destinations.

A destination knows a contact by its `contact_id`, so nothing else is needed there. The
sync deletes it in every destination, and then the row here: a contact id is made of an
identifier, without a key, so it is not to stay for longer than it is needed.
"""

from collections.abc import Collection
from pathlib import Path

import duckdb

from intent.erasure.databases import OUR_QUEUE, escaped

TABLE = f"""
create table if not exists {OUR_QUEUE} (
    contact_id text primary key,
    erasure_id text not null,
    requested_at timestamp not null,
    identifier_hashes text[] not null
)
"""


def queue_deletions(
    ledger: Path,
    contact_ids: Collection[str],
    erasure_id: str,
    requested_at: str,
    hashes: Collection[str],
) -> None:
    """Add contacts to the queue of a ledger; those that are there already stay."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{escaped(ledger)}' as ledger")
        connection.execute("use ledger")
        connection.execute(TABLE)
        for each in sorted(contact_ids):
            connection.execute(
                f"insert or ignore into {OUR_QUEUE} values (?, ?, ?, ?)",
                [each, erasure_id, requested_at.rstrip("Z"), sorted(hashes)],
            )
        connection.execute("checkpoint")
