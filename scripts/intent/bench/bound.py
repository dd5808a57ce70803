"""The bound: what plain SQL in DuckDB takes to do the least that any build must do.

Read the same columns of the raw files, deduplicate by event id, write the rows, group
them by identifier, activity and day. No cleaning, no identity, no score.

    python -m intent.bench.bound LANDING WAREHOUSE STAGING
"""

import json
import sys
from pathlib import Path

import duckdb

from intent.bench.database import open_database
from intent.contracts import RECEIVED_AT, Contract, read_contracts

IDENTIFIERS = ("customer_id", "user_id", "crm_id", "email", "phone", "anonymous_id")


def run_bound(landing: Path, database: Path, staging: Path) -> dict[str, int]:
    """Do it, and return how many rows were written."""
    contracts = read_contracts(staging)
    tables = [contracts[key] for key in contracts if landed(landing, contracts[key])]
    with open_database(database) as connection:
        rows = sum(write_rows(connection, landing, table) for table in tables)
        grouped = " union all ".join(days_of(table) for table in tables if table.feed)
        connection.execute(
            f"create table days as select identifier, activity, day, count(*) as n, "
            f"min(happened_at) as first_at, max(happened_at) as last_at "
            f"from ({grouped}) group by 1, 2, 3"
        )
        connection.execute("checkpoint")
    return {"rows": rows}


def landed(landing: Path, contract: Contract) -> bool:
    """True if there are files of a table."""
    return any((landing / contract.feed / contract.table).glob("*.parquet"))


def write_rows(
    connection: duckdb.DuckDBPyConnection, landing: Path, contract: Contract
) -> int:
    """Write the rows of a table, one for each of its ids.

    Few ids repeat. To look only at their rows takes two thirds of the time that
    `distinct on`, or a window, takes over all of them.
    """
    files = f"read_parquet('{landing}/{contract.feed}/{contract.table}/*.parquet', "
    source = files + "union_by_name = true)"
    found = {
        name
        for name, *_ in connection.execute(
            f"describe select * from {source}"
        ).fetchall()
    }
    columns = ", ".join(name for name in contract.names if name in found)
    key = contract.names[0]
    written = connection.execute(
        f"""
        create table {table_name(contract)} as
        with
        rows_read as (select {columns} from {source}),
        repeated as (
            select {key} from {source} group by 1 having count(*) > 1
        )
        select * from rows_read anti join repeated using ({key})
        union all
        select distinct on ({key}) * from rows_read semi join repeated using ({key})
        """
    ).fetchone()
    return int(written[0]) if written else 0


def table_name(contract: Contract) -> str:
    """The name of a table of the bound's own."""
    return f"{contract.feed}_{contract.table}"


def days_of(contract: Contract) -> str:
    """The rows of a table as who, what and when."""
    names = contract.names
    identifiers = [name for name in IDENTIFIERS if name in names]
    who = f"coalesce({', '.join(identifiers)})" if identifiers else "null"
    what = "event_name" if "event_name" in names else f"'{contract.key}'"
    time_column = contract.time_column
    when = time_column.name if time_column else RECEIVED_AT
    moment = f"try_cast({when} as timestamp)"
    return (
        f"select {who} as identifier, {what} as activity, "
        f"cast({moment} as date) as day, {moment} as happened_at "
        f"from {table_name(contract)}"
    )


if __name__ == "__main__":
    print(json.dumps(run_bound(*map(Path, sys.argv[1:4]))))
