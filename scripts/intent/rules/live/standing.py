"""What the last build says of two sheets. Reads only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from intent.errors import BadInputError
from intent.evaluate.gate import LEAST
from intent.explain.reading import read_rows
from intent.rules.live.findings import Facts
from intent.rules.live.model import Movement, Mover, Quality
from intent.rules.sheets import SHEETS, Sheet
from intent.rules.tables import Table, Tables, Value

SAYS_NOTHING = ("note", "description")
"""Columns that the build makes nothing of."""
NO_EVALUATION = (
    "The sheets were not evaluated yet. `intent evaluate` does so, for all that are "
    "not archived."
)
OLD_EVALUATION = (
    "The last evaluation is of earlier rules. Give `intent evaluate` again, then plan."
)
TOO_LITTLE = (
    f"Fewer than {LEAST} contacts with or without the outcome, over all past midnights "
    "together: too few to compare sheets by."
)

MOVED = """
    with before as (

        select * from contact_scores where score_model = $before

    ),

    after as (

        select * from contact_scores where score_model = $after

    )

    select
        contact_id,
        before.segment as segment_before,
        after.segment as segment_after,
        before.intent_score as score_before,
        after.intent_score as score_after
    from before
    inner join after using (contact_id)
"""


@dataclass(frozen=True)
class Build:
    """The build that all of it is of."""

    as_of: datetime
    shown: str
    """The sheet whose scores contact_intent shows."""


def read_build(connection: duckdb.DuckDBPyConnection, tables: Tables) -> Build:
    """Find out what was built, and refuse what a plan can't be made of.

    Raises:
        BadInputError: it is not whole, of other rules, or of no contacts.
        UnavailableError: it was made by another version of the project.
    """
    clocks = read_rows(
        connection,
        "select as_of, any_value(score_model) as shown from contact_intent group by 1"
        " union all by name select as_of from intent_intermediate.int_clock"
        " union all by name select distinct as_of from contact_scores"
        " union all by name select distinct as_of from contact_intent_drivers",
    )
    shown = {row["shown"] for row in clocks if row["shown"]}
    if not shown:
        raise BadInputError(
            "The last build knows of no contact, so nothing can be said of sheets. "
            "Load what contacts did, then `intent build`."
        )
    if len({row["as_of"] for row in clocks}) > 1 or len(shown) > 1:
        raise BadInputError(
            "The last build was cut short: its scores are as of several moments. "
            "Build again: `intent build`."
        )
    if changed := list(changed_sheets(connection, tables)):
        raise BadInputError(
            f"The rule sheets changed since the last build ({', '.join(changed)}): a "
            "plan would be of other rules than are there. Build first, which shows no "
            "contact by a draft: `intent build`."
        )
    return Build(clocks[0]["as_of"], shown.pop())


def changed_sheets(
    connection: duckdb.DuckDBPyConnection, tables: Tables
) -> Iterator[str]:
    """The names of the sheets that say something else than when they were built."""
    for sheet in SHEETS:
        names = [name for name in sheet.column_names if name not in SAYS_NOTHING]
        columns = ", ".join(f'"{name}"' for name in names)
        built = read_rows(
            connection, f"select {columns} from intent_rules.{sheet.name}"
        )
        if {tuple(row.values()) for row in built} != as_built(
            tables[sheet.name], sheet, names
        ):
            yield sheet.name


def as_built(
    table: Table, sheet: Sheet, names: Sequence[str]
) -> set[tuple[str | bool | float | None, ...]]:
    """The rows of a sheet as the warehouse has them."""
    numeric = {name for name in names if sheet.column(name).is_numeric}

    def plain(name: str, value: Value) -> str | bool | float | None:
        if name in numeric and value is not None:
            return float(str(value))
        return value if isinstance(value, str | bool) else None

    return {
        tuple(plain(name, row.values[name]) for name in names) for row in table.rows
    }


def read_movement(
    connection: duckdb.DuckDBPyConnection, before: str, after: str
) -> Movement:
    """How contacts would move between segments."""
    found = read_rows(
        connection,
        f"with moved as ({MOVED}) select segment_before, segment_after,"
        " count(*) as contacts, sum(score_before) as sum_before,"
        " sum(score_after) as sum_after from moved group by 1, 2",
        {"before": before, "after": after},
    )
    contacts = sum(row["contacts"] for row in found)
    sums = [sum(row[name] for row in found) for name in ("sum_before", "sum_after")]
    means = [total / contacts if contacts else None for total in sums]
    counts = {
        (row["segment_before"], row["segment_after"]): row["contacts"] for row in found
    }
    return Movement(counts, *means)


def read_movers(
    connection: duckdb.DuckDBPyConnection, before: str, after: str, most: int
) -> list[Mover]:
    """Those who would be in another segment, by how far their score would move."""
    found = read_rows(
        connection,
        f"select * from ({MOVED}) where segment_before <> segment_after"
        " order by abs(score_after - score_before) desc, contact_id limit $most",
        {"before": before, "after": after, "most": most},
    )
    reasons = read_rows(
        connection,
        """
        select
            contact_id,
            activity,
            sum(case score_model when $after then contribution else -contribution end)
                as difference
        from contact_intent_drivers
        where
            score_model in ($before, $after)
            and list_contains($contacts, contact_id)
        group by 1, 2
        order by 1, abs(difference) desc, 2
        """,
        {
            "before": before,
            "after": after,
            "contacts": [row["contact_id"] for row in found],
        },
    )
    of_contact: dict[str, dict[str, float]] = {row["contact_id"]: {} for row in found}
    for row in reasons:
        if row["difference"]:
            of_contact[row["contact_id"]][row["activity"]] = row["difference"]
    return [Mover(**row, reasons=of_contact[row["contact_id"]]) for row in found]


def read_facts(connection: duckdb.DuckDBPyConnection, sheet: str) -> Facts:
    """What the build knows of a sheet."""
    [totals] = read_rows(
        connection,
        "select count(*) as contacts, count(*) filter (segment = 'hot') as hot"
        " from contact_scores where score_model = $sheet",
        {"sheet": sheet},
    )
    drivers = read_rows(
        connection,
        """
        with edges as (

            select
                any_value(score_models.scale) as scale,
                any_value(bands.exit_below) as exit_below
            from intent_rules.score_models as score_models
            inner join intent_rules.score_bands as bands using (score_model)
            where score_model = $sheet and bands.band = 'hot'

        )

        select
            drivers.activity,
            count(*) as having,
            count(*) filter (
                scores.segment = 'hot'
                and 5 * (
                    1 - exp(
                        -greatest(scores.raw_score - drivers.net_points, 0)
                        / edges.scale
                    )
                ) < edges.exit_below
            ) as needing
        from contact_intent_drivers as drivers
        inner join contact_scores as scores using (contact_id, score_model)
        cross join edges
        where drivers.score_model = $sheet
        group by 1
        """,
        {"sheet": sheet},
    )
    members = read_rows(
        connection,
        "select audience, count(*) as contacts"
        " from intent_intermediate.int_contact_audiences group by 1",
    )
    return Facts(
        contacts=totals["contacts"],
        hot=totals["hot"],
        having={row["activity"]: row["having"] for row in drivers},
        needed_by={row["activity"]: row["needing"] for row in drivers},
        members={row["audience"]: row["contacts"] for row in members},
    )


def read_quality(
    connection: duckdb.DuckDBPyConnection, before: str, after: str
) -> tuple[Sequence[Quality], str]:
    """How well both sheets told what came next, or why that is not known."""
    if not has_table(connection, "score_quality"):
        return [], NO_EVALUATION
    [versions] = read_rows(
        connection,
        "select (select max(rule_version) from intent_intermediate.int_rule_versions)"
        " as newest, (select max(rule_version) from"
        " intent_intermediate.int_evaluation_subjects) as evaluated",
    )
    if versions["newest"] != versions["evaluated"]:
        return [], OLD_EVALUATION
    found = read_rows(
        connection,
        """
        with enough as (

            select horizon_days
            from score_outcomes
            where scorer = $before
            group by 1
            having
                count(distinct contact_id) filter (has_converted) >= $least
                and count(distinct contact_id) filter (not has_converted) >= $least

        )

        select
            horizon_days,
            count(*) as midnights,
            avg(old.roc_auc) as roc_auc_before,
            avg(new.roc_auc) as roc_auc_after,
            stddev_samp(new.roc_auc - old.roc_auc) as roc_auc_spread,
            avg(old.top_decile_lift) as lift_before,
            avg(new.top_decile_lift) as lift_after
        from score_quality as old
        inner join score_quality as new using (as_of, horizon_days)
        inner join enough using (horizon_days)
        where
            old.scorer = $before
            and old.kind = 'sheet'
            and new.scorer = $after
            and new.kind = 'sheet'
            and old.roc_auc is not null
            and new.roc_auc is not null
        group by 1
        order by 1
        """,
        {"before": before, "after": after, "least": LEAST},
    )
    return [Quality(**row) for row in found], "" if found else TOO_LITTLE


def has_table(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """True if there is such a mart."""
    return bool(
        read_rows(
            connection,
            "select 1 from duckdb_tables() where schema_name = current_schema()"
            " and table_name = $name",
            {"name": name},
        )
    )
