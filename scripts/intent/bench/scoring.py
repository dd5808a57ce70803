"""Scoring alone: from daily facts to contact_scores, for one sheet and for more.

The models' own SQL is run on the facts of a built warehouse, beside a plain group-by
of the same facts. The fastest of a few runs counts.

    python -m intent.bench.scoring WAREHOUSE MANIFEST SCRATCH
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from intent.bench.compiled import CompiledModels
from intent.bench.database import open_database

Taken = dict[str, float]
"""Seconds of the wall clock and of all processors."""

TIMES = 3
CATEGORIES = (
    *("purchase", "engagement", "loyalty", "feedback", "social", "experience"),
    "declared",
)
CHAIN = [
    "int_contact_observed_days",
    "int_contact_activity_days",
    "int_contact_discharges",
    *(f"int_scores__{category}" for category in CATEGORIES),
    "int_activity_scores",
    "int_net_points",
    "int_contact_scores",
    "contact_scores",
]
DRIVERS = ["contact_intent_drivers"]
COOLING = ["int_cooling_times"]
RULES, SHEETS = "int_scoring_rules", "score_models"

GROUP_BY = """
    create or replace table plain_group as
    select
        identifier, activity,
        sum(quantity) as quantity, count(*) as days, max(last_at) as last_at
    from {facts} group by 1, 2
"""
GROUP_BY_CONTACT = """
    create or replace table plain_group as
    select
        contact_id, activity,
        sum(quantity) as quantity, count(*) as days, max(last_at) as last_at
    from {facts} as facts inner join {who} as who using (identifier) group by 1, 2
"""


def run_scoring(warehouse: Path, manifest: Path, scratch: Path) -> dict[str, Taken]:
    """Measure everything."""
    models = CompiledModels(manifest)
    catalog = warehouse.stem
    facts = f"{catalog}.intent_intermediate.int_activity_days"
    who = f"{catalog}.intent_intermediate.int_contact_identifiers"
    with open_database(scratch) as connection:
        connection.execute(f"attach '{warehouse}' as {catalog} (read_only)")
        sheets = names_of_sheets(connection, catalog)
        taken = {
            "group_by": fastest(lambda: run(connection, GROUP_BY.format(facts=facts))),
            "group_by_contact": fastest(
                lambda: run(connection, GROUP_BY_CONTACT.format(facts=facts, who=who))
            ),
        }
        for count in range(1, len(sheets) + 1):
            instead = only_sheets(connection, catalog, sheets[:count])

            def score(instead: dict[str, str] = instead) -> None:
                models.create(connection, CHAIN, instead)

            taken[f"sheets_{count}"] = fastest(score)
        instead = {name: name for name in CHAIN}
        taken["drivers"] = fastest(lambda: models.create(connection, DRIVERS, instead))
        taken["hot_until"] = fastest(
            lambda: models.create(connection, COOLING, instead)
        )
    return taken


def run(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Run a statement."""
    connection.execute(sql)


def fastest(work: Callable[[], None]) -> Taken:
    """What the fastest of a few runs took."""
    taken = []
    for _ in range(TIMES):
        started, cpu = time.monotonic(), time.process_time()
        work()
        taken.append((time.monotonic() - started, time.process_time() - cpu))
    return {
        "seconds": min(seconds for seconds, _ in taken),
        "cpu_seconds": min(seconds for _, seconds in taken),
    }


def names_of_sheets(connection: duckdb.DuckDBPyConnection, catalog: str) -> list[str]:
    """The sheets that are scored, the primary one first."""
    found = connection.execute(
        f"select score_model from {catalog}.intent_rules.score_models "
        "where status <> 'archived' order by is_primary desc, score_model"
    ).fetchall()
    return [name for (name,) in found]


def only_sheets(
    connection: duckdb.DuckDBPyConnection, catalog: str, sheets: list[str]
) -> dict[str, str]:
    """Make views of the rules of a few sheets; the names to read them by."""
    chosen = ", ".join(f"'{sheet}'" for sheet in sheets)
    for schema, name in (("intermediate", RULES), ("rules", SHEETS)):
        connection.execute(
            f"create or replace view few_{name} as "
            f"select * from {catalog}.intent_{schema}.{name} "
            f"where score_model in ({chosen})"
        )
    return {RULES: f"few_{RULES}", SHEETS: f"few_{SHEETS}"}


if __name__ == "__main__":
    print(json.dumps(run_scoring(*map(Path, sys.argv[1:4]))))
