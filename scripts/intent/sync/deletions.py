"""Erased contacts that destinations are still to delete.

`intent forget` takes a contact out of the ledger. What it is called in the destinations
goes into the table `deletions` before, and stays there until each has deleted it: a
match key may be an email, so it is kept for no longer than that. A run plans what is
`pending` as DELETE rows, calls `settled` with what was acknowledged, in the transaction
that brings the ledger forward, and, if that left traces, now or in a run that died,
`note_told` and `leave_no_trace` at its end.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from intent.erasure.certificate import certificates, now
from intent.erasure.databases import (
    Column,
    Finder,
    copy_without,
    put_in_place,
    quoted,
    unquoted,
)
from intent.erasure.files import ASIDE
from intent.sync.ledger import TABLES, Ledger, acked_table
from intent.sync.model import Op, State

ERASED = "[erased]"
"""Stands for the key of a row that told of an erasure, once that is settled."""
NAMES = (Column("match_key", "VARCHAR"), Column("row_id", "VARCHAR"))
"""The columns of the ledger that say whom a row is about; others mention people."""
ACKED = unquoted(acked_table(""))
"""How the names of the tables begin that say what was acknowledged."""
TOLD_OPS = (Op.CREATE, Op.UPDATE, Op.JOIN, Op.EVENT)
"""What makes a destination know a contact."""
KNOWN_STATES = (State.ACKNOWLEDGED, State.IN_DOUBT)


@dataclass(frozen=True, order=True)
class Deletion:
    """A record that a destination is to delete."""

    sync: str
    match_key: str
    remote_id: str | None = None
    erasure_id: str = ""


def pending(connection: duckdb.DuckDBPyConnection, sync: str) -> Sequence[Deletion]:
    """What a sync's destination is still to delete, one for each key."""
    rows = connection.execute(
        "select sync, match_key, max(remote_id), min(erasure_id) from deletions "
        "where sync = ? group by all order by match_key",
        [sync],
    ).fetchall()
    return [Deletion(*row) for row in rows]


def settled(
    connection: duckdb.DuckDBPyConnection, sync: str, match_keys: Collection[str]
) -> None:
    """Forget the keys that a destination has deleted, or did not have.

    The rows that told of it stay, to be counted, under the key `ERASED`: nothing can
    be sent by them any more. Old pages of the file have traces of it.
    """
    connection.execute("insert into traces select now()::timestamp")
    keys = [sync, list(match_keys)]
    for table in ("deletions", "rejected"):
        connection.execute(
            f"delete from {table} where sync = ? and match_key in ?", keys
        )
    connection.execute(
        f"update outbox set match_key = '{ERASED}', row_id = null, remote_id = null, "
        "payload = '{}', before = null "
        f"where sync = ? and match_key in ? and op = '{Op.DELETE}'",
        keys,
    )


def has_traces(ledger: Ledger) -> bool:
    """The file still has pages with what was deleted of erased contacts."""
    return bool(ledger.rows("select 1 from traces limit 1"))


def leave_no_trace(ledger: Ledger) -> None:
    """Write the ledger's file anew, as DuckDB keeps old pages of what was deleted.

    It closes the ledger: what was written through it from then on would be lost.
    """
    anew = ledger.file.with_name(f"{ASIDE}{ledger.file.name}")
    ledger.connection.execute("checkpoint")
    copy_without(ledger.connection, ledger.file.stem, anew, finder=None)
    with duckdb.connect(str(anew)) as copied:
        copied.execute("truncate traces")
    put_in_place(anew, ledger.file)
    ledger.close()


def note_told(connection: duckdb.DuckDBPyConnection, erasures: Path) -> None:
    """Note in the certificates of erasures what destinations were told since."""
    left: dict[str, Counter[str]] = {}
    for erasure_id, sync, count in connection.execute(
        "select erasure_id, sync, count(*) from deletions group by all"
    ).fetchall():
        left.setdefault(erasure_id, Counter())[sync] = count
    for certificate in certificates(erasures):
        still = left.get(certificate.erasure_id, Counter())
        if certificate.to_tell != still:
            told = certificate.to_tell.keys() - still.keys()
            certificate.told |= dict.fromkeys(sorted(told), now())
            certificate.to_tell = dict(still)
            certificate.write(erasures)


def find_deletions(
    connection: duckdb.DuckDBPyConnection, database: str, finder: Finder
) -> Sequence[Deletion]:
    """What destinations were told, or may have been, of whom a finder finds."""
    tables = {
        name
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() "
            "where database_name = ? and schema_name = 'main'",
            [database],
        ).fetchall()
    }
    found: set[Deletion] = set()
    is_about = finder.is_about(NAMES)
    schema = f"{quoted(database)}.main"
    for name in sorted(each for each in tables if each.startswith(ACKED)):
        rows = connection.execute(
            "select $sync, match_key, remote_id "
            f"from {schema}.{quoted(name)} where {is_about}",
            {**finder.needed(is_about), "sync": name.removeprefix(ACKED)},
        ).fetchall()
        found |= {Deletion(*row) for row in rows}
    if {"outbox", "sent", "outcomes"} <= tables:
        sql = sent_sql(schema, is_about)
        rows = connection.execute(sql, finder.needed(sql)).fetchall()
        found |= {Deletion(*row) for row in rows}
    return with_one_name(found)


def sent_sql(schema: str, is_about: str) -> str:
    """The rows of all runs that are kept that made a destination know somebody."""
    return f"""
        with told as (
            select run_id, seq from (
                select run_id, unnest(seqs) as seq from {schema}.sent
                union all
                select run_id, seq from {schema}.outcomes
            )
        ),
        ended as (
            select run_id, seq, arg_max(state, rowid) as state,
                max(remote_id) as remote_id
            from {schema}.outcomes group by all
        )
        select distinct
            sync, match_key, coalesce(ended.remote_id, outbox.remote_id)
        from (
            select * from {schema}.outbox
            where op in ({texts(TOLD_OPS)}) and ({is_about})
        ) as outbox
        semi join told using (run_id, seq)
        left join ended using (run_id, seq)
        where coalesce(ended.state, '{State.IN_DOUBT}') in ({texts(KNOWN_STATES)})
    """


def with_one_name(found: Iterable[Deletion]) -> Sequence[Deletion]:
    """One of those with the same key, with the destination's own id if any has it."""
    by_key: dict[tuple[str, str], Deletion] = {}
    for each in sorted(found, key=lambda each: each.remote_id or ""):
        by_key[each.sync, each.match_key] = each
    return sorted(by_key.values(), key=lambda each: (each.sync, each.match_key))


def queue_deletions(
    file: Path, found: Iterable[Deletion], erasure_id: str, requested_at: str
) -> None:
    """Add to the table of a ledger's file what is to be deleted.

    What is there already stays. Runs that are still to be settled have no more planned
    than the rows that are left of them.
    """
    with duckdb.connect(str(file)) as connection:
        connection.execute(TABLES)
        connection.execute(
            "update runs set planned = coalesce(held_back, 0) + (select count(*) "
            "from outbox where outbox.run_id = runs.run_id) "
            "where state = 'running' or in_doubt > 0"
        )
        for each in found:
            connection.execute(
                "insert into deletions by name select $sync as sync, "
                "$key as match_key, $remote_id as remote_id, "
                "$erasure_id as erasure_id, $requested_at as requested_at "
                "where not exists (from deletions where sync = $sync "
                "and match_key = $key and erasure_id = $erasure_id)",
                {
                    "sync": each.sync,
                    "key": each.match_key,
                    "remote_id": each.remote_id,
                    "erasure_id": erasure_id,
                    "requested_at": requested_at.rstrip("Z"),
                },
            )
        connection.execute("checkpoint")


def texts(values: Iterable[str]) -> str:
    """Texts of our own for SQL, with commas between."""
    return ", ".join(f"'{each}'" for each in values)
