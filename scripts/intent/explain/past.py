"""A contact at past midnights: by the macros by which all scores are made."""

from collections.abc import Sequence
from datetime import datetime

import duckdb

from intent.explain.bands import COMPARED_DIGITS
from intent.explain.facts import NEWEST
from intent.explain.live import fit_drivers
from intent.explain.model import Fit, Moment
from intent.explain.reading import Row, read_rows
from intent.explain.resolve import IN_FORCE
from intent.explain.standing import Asked, Standing


def read_past(asked: Asked) -> Standing:
    """Work out what would have been said of a contact at a midnight."""
    connection, queries = asked.connection, asked.queries
    set_subjects(asked, [asked.at])
    rows = read_rows(connection, queries["explained_drivers"])
    shown_sheet = read_shown(connection)
    shown = [row for row in rows if row["score_model"] == shown_sheet]
    drivers = [row for row in rows if row["score_model"] == asked.sheet.score_model]
    audiences = read_rows(connection, queries["explained_audiences"])
    return Standing(
        is_live=False,
        raw_score=drivers[0]["raw_score"] if drivers else 0.0,
        intent_score=drivers[0]["intent_score"] if drivers else 0.0,
        state=read_state(asked, shown),
        driver_rows=drivers,
        audiences={row["audience"]: row["condition_count"] for row in audiences},
        buying_stage=read_stage(connection, shown),
        fit=read_fit(connection, read_rows(connection, queries["explained_fit"])),
    )


def read_nights(asked: Asked, nights: Sequence[datetime]) -> list[Moment]:
    """The scores of a contact at some midnights, None where nobody knew it."""
    set_subjects(asked, nights)
    known = read_rows(asked.connection, "select as_of from subjects")
    rows = read_rows(
        asked.connection,
        "select distinct as_of, intent_score "
        f"from ({asked.queries['explained_drivers']}) "
        "where score_model = $score_model",
        {"score_model": asked.sheet.score_model},
    )
    scores: dict[datetime, float] = {row["as_of"]: 0.0 for row in known}
    scores |= {row["as_of"]: row["intent_score"] for row in rows}
    return [Moment(night, scores.get(night)) for night in nights]


def set_subjects(asked: Asked, clocks: Sequence[datetime]) -> None:
    """Make the table of what is to be scored: a contact at each clock that knows it."""
    read_rows(
        asked.connection,
        f"""
        create or replace temp table subjects as
        with clocks as (select cast(unnest($clocks) as timestamp) as clock)
        select
            row_number() over (order by clock) as subject_id,
            $contact_id as contact_id,
            clock as as_of,
            clock as facts_before,
            clock as links_as_of,
            {NEWEST} as rule_version,
            null::timestamp as newcomers_since,
            null::timestamp as known_until,
            null::timestamp as earlier_before,
            null::timestamp as earlier_known_until
        from clocks
        where exists (
            select * from intent_intermediate.int_identifier_contacts
            where
                contact_id = $contact_id
                and not starts_with(identifier, 'anonymous_id:')
                and {IN_FORCE.replace("$at", "clocks.clock")}
        )
        """,
        {"contact_id": asked.contact_id, "clocks": [str(each) for each in clocks]},
    )


def read_shown(connection: duckdb.DuckDBPyConnection) -> str:
    """The sheet whose scores contact_intent shows."""
    [row] = read_rows(connection, "select score_model from contact_intent limit 1")
    name: str = row["score_model"]
    return name


def read_state(asked: Asked, drivers: Sequence[Row]) -> str:
    """The state that contact_intent would have told, by drivers of the shown sheet."""
    if any(row["is_active"] for row in drivers):
        return "active"
    done = read_rows(
        asked.connection,
        f"""
        with identifiers as (
            select identifier from intent_intermediate.int_identifier_contacts
            where contact_id = $contact_id and {IN_FORCE}
        )
        select days.activity
        from intent_intermediate.int_activity_days as days
        inner join identifiers on days.identifier = identifiers.identifier
        inner join intent_rules.activities as activities
            on days.activity = activities.activity
        where
            coalesce(activities.is_own_doing, true)
            and days.known_to is null
            and {IN_FORCE}
        limit 1
        """,
        asked.values,
    )
    return "dormant" if done else "never_active"


def read_stage(
    connection: duckdb.DuckDBPyConnection, drivers: Sequence[Row]
) -> str | None:
    """The buying stage by drivers of the shown sheet: the foremost that is reached."""
    stages = read_rows(
        connection, "from intent_rules.buying_stages order by precedence"
    )
    stage_of = {
        row["activity"]: row["buying_stage"]
        for row in read_rows(connection, "from intent_rules.activities")
    }
    for stage in stages:
        name: str = stage["buying_stage"]
        amount = sum(
            row["decayed_amount"]
            for row in drivers
            if row["decayed_amount"] > 0 and stage_of[row["activity"]] == name
        )
        if round(amount, COMPARED_DIGITS) >= stage["enter_at"] and amount:
            return name
    return None


def read_fit(connection: duckdb.DuckDBPyConnection, rows: list[Row]) -> Fit:
    """The fit that some known attributes make."""
    points = sum(row["points"] for row in rows)
    attainable = sum(row["attainable_points"] for row in rows)
    [whole] = read_rows(
        connection,
        """
        select sum(points) as points
        from (
            select max(greatest(points, 0)) as points from intent_rules.fit_rules
            group by attribute
        )
        """,
    )
    score = 100 * max(points, 0) / attainable if attainable else None
    grades = read_rows(
        connection, "from intent_rules.fit_grades order by enter_at desc"
    )
    return Fit(
        score=score,
        grade=None
        if score is None
        else next(
            row["fit_grade"]
            for row in grades
            if round(score, COMPARED_DIGITS) >= row["enter_at"]
        ),
        known_share=attainable / whole["points"] if whole["points"] else None,
        drivers=fit_drivers(rows),
    )
