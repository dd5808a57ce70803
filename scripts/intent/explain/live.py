"""A contact at the clock of the last build: as the marts have it."""

from collections.abc import Mapping

import duckdb

from intent.explain.model import Fit, FitDriver, Interest, NextStep
from intent.explain.reading import Row, read_rows
from intent.explain.standing import Asked, Standing, Until

INTERESTS_SHOWN = 5


def read_live(asked: Asked) -> Standing:
    """Read what the marts say of a contact."""
    connection, sheet = asked.connection, asked.sheet
    values = {"contact_id": asked.contact_id}
    by_sheet = {**values, "score_model": sheet.score_model}
    [contact] = read_rows(
        connection,
        """
        select
            scores.raw_score,
            scores.intent_score,
            scores.segment,
            case
                when segments_since.segment_since > (
                    select min(as_of_date) from segment_daily
                )
                    then segments_since.segment_since
            end as segment_since,
            contacts.state,
            contacts.hot_until,
            contacts.warm_until,
            contacts.buying_stage
        from contact_scores as scores
        inner join contact_intent as contacts
            on scores.contact_id = contacts.contact_id
        left join intent_intermediate.int_segments_since as segments_since
            on
                scores.contact_id = segments_since.contact_id
                and scores.score_model = segments_since.score_model
        where
            scores.contact_id = $contact_id and scores.score_model = $score_model
        """,
        by_sheet,
    )
    return Standing(
        is_live=True,
        raw_score=contact["raw_score"],
        intent_score=contact["intent_score"],
        state=contact["state"],
        driver_rows=read_rows(
            connection,
            "select * from contact_intent_drivers "
            "where contact_id = $contact_id and score_model = $score_model",
            by_sheet,
        ),
        audiences=read_audiences(connection, values),
        buying_stage=contact["buying_stage"],
        fit=read_fit(connection, values),
        segment=contact["segment"],
        segment_since=contact["segment_since"],
        until=Until(contact["hot_until"], contact["warm_until"])
        if sheet.is_shown
        else None,
        interests=read_interests(connection, values),
        next_step=read_next_step(connection, by_sheet),
    )


def read_audiences(
    connection: duckdb.DuckDBPyConnection, values: Mapping[str, object]
) -> dict[str, int]:
    """The audiences that a contact is in, with the number of their conditions."""
    rows = read_rows(
        connection,
        "select audience, condition_count "
        "from intent_intermediate.int_contact_audiences where contact_id = $contact_id",
        values,
    )
    return {row["audience"]: row["condition_count"] for row in rows}


def read_fit(
    connection: duckdb.DuckDBPyConnection, values: Mapping[str, object]
) -> Fit:
    """How well a contact fits, and why."""
    [fit] = read_rows(
        connection, "select * from contact_fit where contact_id = $contact_id", values
    )
    rows = read_rows(
        connection,
        "select * from contact_fit_drivers where contact_id = $contact_id",
        values,
    )
    return Fit(
        score=fit["fit_score"],
        grade=fit["fit_grade"],
        known_share=fit["fit_known_share"],
        drivers=fit_drivers(rows),
    )


def fit_drivers(rows: list[Row]) -> list[FitDriver]:
    """What is known of a contact and counts for its fit, the best first."""
    names = ("attribute", "value", "points", "attainable_points")
    drivers = [FitDriver(**{name: row[name] for name in names}) for row in rows]
    return sorted(drivers, key=lambda each: (-each.points, each.attribute))


def read_interests(
    connection: duckdb.DuckDBPyConnection, values: Mapping[str, object]
) -> list[Interest]:
    """What a contact cares for, the most first."""
    rows = read_rows(
        connection,
        "select product_category, interest_share from contact_interests "
        "where contact_id = $contact_id order by interest_rank "
        f"limit {INTERESTS_SHOWN}",
        values,
    )
    return [Interest(row["product_category"], row["interest_share"]) for row in rows]


def read_next_step(
    connection: duckdb.DuckDBPyConnection, values: Mapping[str, object]
) -> NextStep | None:
    """The smallest single activity that would make a contact hot, if one would."""
    rows = read_rows(
        connection,
        "select activity, points, intent_score_after from next_best_action "
        "where contact_id = $contact_id and score_model = $score_model",
        values,
    )
    return NextStep(**rows[0]) if rows else None
