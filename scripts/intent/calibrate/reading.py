"""Reads from the warehouse what contacts had done at midnights, and what they did."""

from collections.abc import Mapping
from typing import Any

import duckdb
import numpy as np

from intent.calibrate.model import GRID_STEPS, Amounts, Floats, Rule, Sample, Sheet
from intent.errors import BadInputError, UnavailableError
from intent.rules.tables import Row, Table

MOST_OBSERVATIONS = 150_000
"""Of more, a share of the contacts is looked at: numbers get no better by more."""
INTERMEDIATE = "intent_intermediate"
SUBJECTS = f"""
create or replace temp table subjects as
select evaluated.*
from {INTERMEDIATE}.int_evaluation_subjects as evaluated
where
    hash(evaluated.contact_id) % $parts = 0
    and exists (
        select * from {INTERMEDIATE}.int_evaluation_outcomes as outcomes
        where
            outcomes.subject_id = evaluated.subject_id
            and outcomes.horizon_days = $horizon
    )
"""
OBSERVATIONS = f"""
create or replace temp table observations as
select
    row_number() over (order by subjects.subject_id) - 1 as observation,
    subjects.subject_id,
    dense_rank() over (order by subjects.as_of) - 1 as midnight,
    dense_rank() over (order by subjects.contact_id) - 1 as contact,
    subjects.as_of,
    outcomes.has_converted

from subjects
inner join {INTERMEDIATE}.int_evaluation_outcomes as outcomes
    on
        subjects.subject_id = outcomes.subject_id
        and outcomes.horizon_days = $horizon
"""
RULES = """
create or replace temp table calibrated_rules (
    rule_number integer,
    activity varchar,
    audience varchar,
    daily_limit bigint,
    half_life_days double,
    discharged_by varchar
)
"""
WANTED = """
create or replace temp table wanted_activities as
select activity from calibrated_rules
union
select discharged_by as activity from calibrated_rules
where discharged_by is not null
union
select 'logged_in' as activity
"""
RULES_OF_CONTACTS = """
create or replace temp table calibrated_rules_of_contacts as
with

rules_ranked as (

    select
        subjects.subject_id,
        rules.rule_number,
        row_number() over (
            partition by subjects.subject_id, rules.activity
            order by coalesce(audiences.condition_count, 0) desc
        ) as rule_rank

    from subjects
    cross join calibrated_rules as rules
    left join calibrated_audiences as audiences
        on
            subjects.subject_id = audiences.contact_id
            and rules.audience = audiences.audience
    where rules.audience is null or audiences.audience is not null

)

select
    subject_id,
    rule_number

from rules_ranked
where rule_rank = 1
"""


def find_sheet(tables: Mapping[str, Table], name: str) -> Sheet:
    """The rules in use of a sheet, as far as they decide scores."""
    activities = {str(row.values["activity"]): row for row in tables["activities"].rows}
    derived = tables["derived_signals"].texts("activity")
    rules = [
        rule_of(row, activities[str(row.values["activity"])], derived)
        for row in tables["activity_rules"].rows
        if row.values["score_model"] == name and row.values["is_enabled"]
    ]
    if not rules:
        raise BadInputError(
            f"the sheet {name} has no rules in use, so that there is nothing to learn. "
            "Add some to activity_rules; their points may be 0."
        )
    [model] = [
        row for row in tables["score_models"].rows if row.values["score_model"] == name
    ]
    return Sheet(
        name,
        float(str(model.values["scale"])),
        rules,
        {
            str(row.values["cap_group"]): float(str(row.values["group_cap"]))
            for row in tables["group_rules"].rows
            if row.values["score_model"] == name
        },
    )


def rule_of(row: Row, activity: Row, derived: set[str]) -> Rule:
    """A row of activity_rules as numbers."""

    def number(column: str) -> float | None:
        value = row.values[column]
        return None if value is None else float(str(value))

    def text(column: str) -> str | None:
        value = row.values[column]
        return None if value is None else str(value)

    limit = number("daily_limit")
    name = str(row.values["activity"])
    return Rule(
        activity=name,
        audience=text("audience"),
        cap_group=str(activity.values["cap_group"]),
        points=number("points") or 0.0,
        half_life_days=number("half_life_days"),
        cap=number("cap"),
        daily_limit=None if limit is None else int(limit),
        discharged_by=text("discharged_by"),
        may_begin=activity.values["is_own_doing"] is not False or name in derived,
    )


def read_sample(
    connection: duckdb.DuckDBPyConnection,
    sheet: Sheet,
    queries: Mapping[str, str],
    horizon: int,
) -> tuple[Sample, float]:
    """Read all observations, and which share of the contacts they are of.

    Raises:
        BadInputError: there are no contacts to look at.
        UnavailableError: the warehouse lacks what is needed.
    """
    try:
        parts = set_subjects(connection, horizon)
        set_rules(connection, sheet)
        if is_by_audience(sheet):
            connection.execute(
                "create or replace temp table calibrated_audiences as "
                f"{queries['explained_audiences']}"
            )
            connection.execute(RULES_OF_CONTACTS)
        connection.execute(
            "create or replace temp table calibrated_days as "
            f"{queries['calibrated_days']}"
        )
        amounts = columns_of(
            connection, amounts_query(GRID_STEPS, is_by_audience(sheet))
        )
        found = columns_of(
            connection, "select * from observations order by observation"
        )
        midnights = [
            night
            for (night,) in connection.execute(
                "select distinct as_of from observations order by 1"
            ).fetchall()
        ]
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise UnavailableError(
            "The warehouse was built by another version. Build it first: `intent "
            "build`."
        ) from error
    if not midnights:
        raise BadInputError(
            "there are no contacts to learn from: none was active before these "
            "midnights. Look at others (--last, --midnights), or set "
            "intent_evaluation_active_days to null in dbt_project.yml."
        )
    sample = Sample(
        midnights,
        found["midnight"].astype(np.int64),
        found["contact"].astype(np.int64),
        found["has_converted"].astype(np.bool_),
        [amounts_of(amounts, number, rule) for number, rule in enumerate(sheet.rules)],
    )
    return sample, 1 / parts


def set_subjects(connection: duckdb.DuckDBPyConnection, horizon: int) -> int:
    """Make the tables of observations; of contacts, one of so many is looked at."""
    [[count]] = connection.execute(
        f"select count(*) from {INTERMEDIATE}.int_evaluation_outcomes "
        "where horizon_days = $horizon",
        {"horizon": horizon},
    ).fetchall()
    parts = max(1, -(-count // MOST_OBSERVATIONS))
    connection.execute(SUBJECTS, {"horizon": horizon, "parts": parts})
    connection.execute(OBSERVATIONS, {"horizon": horizon})
    return int(parts)


def set_rules(connection: duckdb.DuckDBPyConnection, sheet: Sheet) -> None:
    """Make the tables of the sheet's rules and of what they are about."""
    connection.execute(RULES)
    connection.executemany(
        "insert into calibrated_rules values ($1, $2, $3, $4, $5, $6)",
        [
            (
                number,
                rule.activity,
                rule.audience,
                rule.daily_limit,
                rule.half_life_days,
                rule.discharged_by,
            )
            for number, rule in enumerate(sheet.rules)
        ],
    )
    connection.execute(WANTED)


def is_by_audience(sheet: Sheet) -> bool:
    """Whether rules differ by audience."""
    return any(rule.audience is not None for rule in sheet.rules)


def read_baselines(
    connection: duckdb.DuckDBPyConnection,
) -> dict[tuple[str, str], Floats]:
    """What the baselines score the observations, by name and kind."""
    found = columns_of(
        connection,
        f"""
        select
            scores.scorer,
            observations.observation,
            scores.score

        from {INTERMEDIATE}.int_evaluation_scores as scores
        inner join observations
            on scores.subject_id = observations.subject_id
        where scores.kind = 'baseline'
        """,
    )
    [[count]] = connection.execute("select count(*) from observations").fetchall()
    baselines: dict[tuple[str, str], Floats] = {}
    for scorer in sorted(set(found["scorer"])):
        rows = found["scorer"] == scorer
        values = np.zeros(count)
        values[found["observation"][rows].astype(np.int64)] = found["score"][rows]
        baselines[str(scorer), "baseline"] = values
    return baselines


def columns_of(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    """What a query gives, as arrays by column."""
    found = connection.execute(query).fetchnumpy()
    return {name: np.ma.filled(column) for name, column in found.items()}


def amounts_of(found: Mapping[str, Any], number: int, rule: Rule) -> Amounts:
    """What was read of one rule; rows are in the order of rules."""
    first, last = np.searchsorted(found["rule_number"], [number, number + 1])
    rows = found["observation"][first:last].astype(np.int64)
    columns = [
        found[f"x{step}"][first:last].astype(np.float64)
        for step in (
            range(2 * GRID_STEPS + 1) if rule.half_life_days is not None else [0]
        )
    ]
    return Amounts(rows, np.column_stack(columns))


def amounts_query(steps: int, by_audience: bool) -> str:
    """The SQL of decayed amounts per rule and observation, on a grid of half-lives.

    `x0` is by the shortest half-life. The longest comes first in the making; each
    second one is half as long, so that what is left by it is the square of what is left
    by the other.
    """
    longest = (
        f"power(0.5, age / (half_life * {2 ** ((steps - k) / 2)}))" for k in (0, 1)
    )
    weights = [f"{term} as w{k}" for k, term in enumerate(longest)]
    weights += [f"w{k - 2} * w{k - 2} as w{k}" for k in range(2, 2 * steps + 1)]
    sums = [f"sum(n * w{2 * steps - k}) as x{k}" for k in range(2 * steps + 1)]
    own_rules = """
        inner join calibrated_rules_of_contacts as own
            on
                days.subject_id = own.subject_id
                and rules.rule_number = own.rule_number
    """
    return f"""
    with

    discharges as (

        select
            subject_id,
            activity,
            max(last_at) as discharged_at

        from calibrated_days
        where activity in (select discharged_by from calibrated_rules)
        group by 1, 2

    ),

    days_counted as (

        select
            days.subject_id,
            rules.rule_number,
            case
                when discharges.discharged_at >= days.last_at then 0
                else least(days.quantity, coalesce(rules.daily_limit, days.quantity))
            end as n,
            greatest(days.age_days, 0) as age,
            coalesce(rules.half_life_days, 1e300) as half_life

        from calibrated_days as days
        inner join calibrated_rules as rules
            on days.activity = rules.activity
        {own_rules if by_audience else ""}
        left join discharges
            on
                days.subject_id = discharges.subject_id
                and rules.discharged_by = discharges.activity

    ),

    days_weighed as (

        select
            *,
            {", ".join(weights)}

        from days_counted
        where n <> 0

    ),

    amounts as (

        select
            rule_number,
            subject_id,
            {", ".join(sums)}

        from days_weighed
        group by 1, 2

    )

    select
        amounts.*,
        observations.observation

    from amounts
    inner join observations
        on amounts.subject_id = observations.subject_id
    order by
        amounts.rule_number,
        observations.observation
    """
