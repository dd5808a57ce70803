"""ClickHouse, in the process (chdb)."""

from pathlib import Path

import chdb

QUERY = """
    with
    (select toUnixTimestamp64Second(toDateTime64(as_of, 0, 'UTC'))
        from file('{inputs}/clock.parquet')) as as_of,
    rules as (select * from file('{inputs}/rules.parquet')),
    newest as (
        select contact_id, activity, max(last_at) as discharged_at
        from days
        where activity in (
            select distinct discharged_by from rules where discharged_by is not null
        )
        group by contact_id, activity
    ),
    amounts as (
        select
            days.contact_id as contact_id, rules.rule_number as rule_number,
            sum(
                if(
                    newest.contact_id <> '' and newest.discharged_at >= days.last_at,
                    0,
                    least(days.quantity, coalesce(daily_limit, days.quantity))
                ) * if(
                    half_life_days is null, 1,
                    pow(0.5, greatest(0, as_of - toUnixTimestamp(days.last_at)) / 86400
                        / half_life_days)
                )
            ) as decayed
        from days
        inner join rules
            on
                days.activity = rules.activity
                and days.rule_group = rules.rule_group
        left join newest
            on
                days.contact_id = newest.contact_id
                and rules.discharged_by = newest.activity
        group by contact_id, rule_number
    ),
    grouped as (
        select
            contact_id, score_model, scale, group_cap,
            sum(if(
                cap is null, decayed * points,
                sign(points) * cap * (1 - exp(-abs(decayed * points) / cap))
            )) as score
        from amounts inner join rules using (rule_number)
        group by contact_id, score_model, scale, cap_group, group_cap
    ),
    raw_scores as (
        select
            contact_id, score_model, scale,
            sum(if(
                group_cap is not null and score > 0,
                group_cap * (1 - exp(-score / group_cap)), score
            )) as raw_score
        from grouped group by contact_id, score_model, scale
    )
    select
        contact_id, score_model,
        5 * (1 - exp(-raw_score / scale)) as intent_score
    from raw_scores where raw_score > 1e-9
    into outfile '{output}' format Parquet
"""
DAYS = """
    create table days engine = MergeTree order by tuple() as
    with observed as (
        select
            identifier, activity, sum(quantity) as quantity,
            max(occurred_at) as last_at
        from file('{inputs}/events.parquet')
        group by identifier, activity, toDate(occurred_at, 'UTC')
    )
    select contact_id, rule_group, activity, quantity, last_at
    from observed
    inner join file('{inputs}/contacts.parquet') as contacts using (identifier)
    union all
    select contact_id, rule_group, activity, quantity, last_at
    from file('{inputs}/derived.parquet')
"""


def score(inputs: Path, output: Path) -> None:
    """Score all contacts."""
    output.unlink(missing_ok=True)
    with chdb.session.Session() as session:
        for statement in (
            "create database bench",
            "use bench",
            "set max_threads = 2",
            "set allow_suspicious_low_cardinality_types = 1",
            DAYS.format(inputs=inputs),
            QUERY.format(inputs=inputs, output=output),
        ):
            session.query(statement)
