"""What the peers read, written from a built warehouse; and whether they agree.

python -m intent.bench.peers.inputs WAREHOUSE FOLDER
"""

import json
import sys
from pathlib import Path

from intent.bench.database import open_database

SCHEMA = "{warehouse}.intent_intermediate"
MARTS, RULES = "{warehouse}.intent", "{warehouse}.intent_rules"

INPUTS = {
    # What a cancellation or full return took back counts no more.
    "events": f"""
        select
            known.identifier, known.activity, known.occurred_at,
            cast(known.quantity as double) as quantity
        from {SCHEMA}.int_activities_known as known, {SCHEMA}.int_clock as clock
        where
            known.known_to is null
            and cast(known.occurred_at as date) < clock.as_of
            and not exists (
                select 1 from {SCHEMA}.int_reversals as reversals
                where
                    reversals.business_key = known.business_key
                    and coalesce(reversals.activity, known.activity) = known.activity
                    and reversals.known_to is null
                    and cast(reversals.reversed_at as date) < clock.as_of
            )
    """,
    "contacts": f"""
        select
            contacts.identifier, contacts.contact_id,
            coalesce(groups.rule_group, 0) as rule_group
        from {SCHEMA}.int_contact_identifiers as contacts
        inner join {SCHEMA}.int_contacts as known using (contact_id)
        left join (
            select distinct contact_id, rule_group
            from {SCHEMA}.int_contact_audiences
        ) as groups using (contact_id)
        where not known.is_suppressed
    """,
    "derived": f"""
        select
            days.contact_id, days.activity, days.last_at,
            cast(days.quantity as double) as quantity,
            coalesce(groups.rule_group, 0) as rule_group
        from {SCHEMA}.int_derived_days as days
        left join (
            select distinct contact_id, rule_group
            from {SCHEMA}.int_contact_audiences
        ) as groups using (contact_id)
    """,
    "rules": f"""
        select
            rules.* exclude (daily_limit, rule_group),
            cast(rules.daily_limit as double) as daily_limit,
            coalesce(rules.rule_group, all_groups.rule_group) as rule_group,
            sheets.scale,
            row_number() over () as rule_number
        from {SCHEMA}.int_scoring_rules as rules
        inner join {RULES}.score_models as sheets using (score_model)
        -- Rules of all audiences, once for each group of them.
        inner join (
            select distinct rule_group from {SCHEMA}.int_contact_audiences
            union select 0
        ) as all_groups
            on rules.rule_group is null or rules.rule_group = all_groups.rule_group
    """,
    "clock": f"select as_of from {SCHEMA}.int_clock",
    "scores": f"""
        select contact_id, score_model, intent_score
        from {MARTS}.contact_scores where intent_score > 0
    """,
}


def write_inputs(warehouse: Path, folder: Path) -> dict[str, int]:
    """Write the files; return how many rows each has."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {}
    with open_database() as connection:
        connection.execute(f"attach '{warehouse}' (read_only)")
        for name, sql in INPUTS.items():
            query = sql.format(warehouse=warehouse.stem)
            found = connection.execute(
                f"copy ({query}) to '{folder}/{name}.parquet' (format parquet)"
            ).fetchone()
            rows[name] = int(found[0]) if found else 0
    return rows


def largest_difference(folder: Path, answer: Path) -> float:
    """By how much a peer's scores differ from ours at most; a missing one is 0."""
    with open_database() as connection:
        found = connection.execute(f"""
            select coalesce(max(abs(
                coalesce(ours.intent_score, 0) - coalesce(theirs.intent_score, 0)
            )), 0)
            from '{folder}/scores.parquet' as ours
            full outer join '{answer}' as theirs using (contact_id, score_model)
        """).fetchone()
    return float(found[0]) if found else 0.0


if __name__ == "__main__":
    print(json.dumps(write_inputs(*map(Path, sys.argv[1:3]))))
