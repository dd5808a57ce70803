"""One query in DuckDB, written by hand for these rules."""

from pathlib import Path

from intent.bench.database import open_database

QUERY = """
    with
    clock as (select epoch(as_of) as as_of from '{inputs}/clock.parquet'),
    observed as (
        select
            identifier, activity, sum(quantity) as quantity,
            max(occurred_at) as last_at
        from '{inputs}/events.parquet'
        group by identifier, activity, cast(occurred_at as date)
    ),
    days as (
        select contact_id, rule_group, activity, quantity, last_at
        from observed
        inner join '{inputs}/contacts.parquet' as contacts using (identifier)
        union all
        select contact_id, rule_group, activity, quantity, last_at
        from '{inputs}/derived.parquet'
    ),
    rules as (select * from '{inputs}/rules.parquet'),
    newest as (
        select contact_id, activity, max(last_at) as discharged_at
        from days
        where activity in (select discharged_by from rules)
        group by all
    ),
    amounts as (
        select
            days.contact_id, rules.rule_number,
            sum(
                case
                    when newest.discharged_at >= days.last_at then 0
                    else least(days.quantity, coalesce(daily_limit, days.quantity))
                end * case
                    when half_life_days is null then 1
                    else pow(0.5, greatest(0, as_of - epoch(days.last_at)) / 86400
                        / half_life_days)
                end
            ) * any_value(points) as amount
        from days
        inner join rules using (activity, rule_group)
        left join newest
            on
                days.contact_id = newest.contact_id
                and rules.discharged_by = newest.activity
        cross join clock
        group by all
    ),
    grouped as (
        select
            contact_id, score_model, scale, group_cap,
            sum(case
                when cap is null then amount
                else sign(amount) * cap * (1 - exp(-abs(amount) / cap))
            end) as score
        from amounts inner join rules using (rule_number)
        group by contact_id, score_model, scale, cap_group, group_cap
    ),
    raw_scores as (
        select
            contact_id, score_model, scale,
            sum(case
                when group_cap is not null and score > 0
                    then group_cap * (1 - exp(-score / group_cap))
                else score
            end) as raw_score
        from grouped group by all
    )
    select
        contact_id, score_model,
        5 * (1 - exp(-raw_score / scale)) as intent_score
    from raw_scores where raw_score > 1e-9
"""


def score(inputs: Path, output: Path) -> None:
    """Score all contacts."""
    with open_database() as connection:
        connection.execute(
            f"copy ({QUERY.format(inputs=inputs)}) to '{output}' (format parquet)"
        )
