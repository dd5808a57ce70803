"""What of an explanation does not depend on whether the clock is the build's."""

from collections.abc import Mapping
from datetime import datetime

import duckdb

from intent.errors import BadInputError
from intent.explain.model import Edges, Rule, Sheet
from intent.explain.reading import Row, read_rows
from intent.explain.resolve import IN_FORCE
from intent.explain.standing import Asked

NEWEST = "(select max(rule_version) from intent_intermediate.int_rule_versions)"


def read_clock(connection: duckdb.DuckDBPyConnection) -> datetime:
    """The clock of the last build."""
    [row] = read_rows(connection, "select as_of from intent_intermediate.int_clock")
    clock: datetime = row["as_of"]
    return clock


def read_sheet(connection: duckdb.DuckDBPyConnection, name: str | None) -> Sheet:
    """The sheet of that name, else the one that is shown.

    Raises:
        BadInputError: there is none of that name.
    """
    rows = read_rows(
        connection,
        f"""
        select distinct
            versions.score_model,
            sheets.description,
            versions.scale,
            versions.score_model = shown.score_model as is_shown,
            hot_enter_at,
            hot_exit_below,
            warm_enter_at,
            warm_exit_below
        from intent_intermediate.int_rule_versions as versions
        cross join (select score_model from contact_intent limit 1) as shown
        left join intent_rules.score_models as sheets
            on versions.score_model = sheets.score_model
        where rule_version = {NEWEST}
        order by is_shown desc, versions.score_model
        """,
    )
    for row in rows:
        if name in {None, row["score_model"]}:
            return sheet_of(row)
    known = ", ".join(row["score_model"] for row in rows)
    raise BadInputError(f"--sheet: there is no sheet '{name}'. There are: {known}.")


def sheet_of(row: Row) -> Sheet:
    """The sheet in a row."""
    return Sheet(
        score_model=row["score_model"],
        description=row["description"],
        scale=row["scale"],
        is_shown=row["is_shown"],
        edges=Edges(
            row["hot_enter_at"],
            row["hot_exit_below"],
            row["warm_enter_at"],
            row["warm_exit_below"],
        ),
    )


def read_rules(
    connection: duckdb.DuckDBPyConnection,
    score_model: str,
    audiences: Mapping[str, int],
) -> dict[str, Rule]:
    """The rules of a sheet that count for a contact, by activity.

    Of those that its audiences allow, the one with the most conditions; `audiences` are
    the contact's, with how many conditions each has.
    """
    rows = read_rows(
        connection,
        f"""
        select
            activity,
            audience,
            points,
            half_life_days,
            cap,
            daily_limit,
            cap_group,
            group_cap,
            discharged_by
        from intent_intermediate.int_rule_versions
        where
            rule_version = {NEWEST}
            and score_model = $score_model
            and activity is not null
        """,
        {"score_model": score_model},
    )
    allowed = [row for row in rows if row["audience"] in {None, *audiences}]
    allowed.sort(key=lambda row: audiences.get(row["audience"], 0))
    return {row["activity"]: Rule(**row) for row in allowed}


def read_measures(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    """What one unit of each activity is, such as `sessions`."""
    rows = read_rows(
        connection, "select activity, measure from intent_rules.activities"
    )
    return {row["activity"]: row["measure"] for row in rows}


def count_identifiers(asked: Asked) -> dict[str, int]:
    """How many identifiers of each kind a contact has at a clock."""
    rows = read_rows(
        asked.connection,
        f"""
        select split_part(identifier, ':', 1) as kind, count(*) as identifiers
        from intent_intermediate.int_identifier_contacts
        where contact_id = $contact_id and {IN_FORCE}
        group by 1
        order by 1
        """,
        asked.values,
    )
    return {row["kind"]: row["identifiers"] for row in rows}


def read_todays_ids(asked: Asked) -> list[str]:
    """By which ids the identifiers of a past contact go at the clock of the build."""
    rows = read_rows(
        asked.connection,
        f"""
        select distinct now_of.contact_id
        from intent_intermediate.int_identifier_contacts as identifiers
        inner join intent_intermediate.int_contact_identifiers as now_of
            on identifiers.identifier = now_of.identifier
        where identifiers.contact_id = $contact_id and {IN_FORCE}
        order by 1
        """,
        asked.values,
    )
    return [row["contact_id"] for row in rows]
