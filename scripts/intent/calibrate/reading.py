"""Reads from the warehouse what contacts had done at midnights, and what they did."""

from collections.abc import Sequence

import duckdb
import numpy as np

from intent.calibrate.model import GRID_STEPS, Amounts, Rule, Sample

RULES = """
create or replace temp table calibrated_rules (
    rule_number integer, activity varchar, audience varchar, daily_limit bigint,
    half_life_days double, discharged_by varchar
)
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
            order by coalesce(audiences.condition_count, 0) desc, rules.audience
        ) as rule_rank

    from subjects
    cross join calibrated_rules as rules
    left join audiences
        on
            subjects.subject_id = audiences.contact_id
            and rules.audience = audiences.audience
    where rules.audience is null or audiences.audience is not null

)

select subject_id, rule_number from rules_ranked
where rule_rank = 1
"""


def amounts_query(steps: int, by_audience: bool) -> str:
    """The SQL of decayed amounts per rule and observation, on a grid of half-lives.

    The longest half-life comes first; each second one is half as long, so that what is
    left by it is the square of what is left by the other.
    """
    longest = [f"power(0.5, age / (half_life * {2 ** ((steps - k) / 2)}))" for k in (0, 1)]
    weights = [f"{term} as w{k}" for k, term in enumerate(longest[: 2 * steps + 1])]
    weights += [f"w{k - 2} * w{k - 2} as w{k}" for k in range(2, 2 * steps + 1)]
    sums = [f"sum(n * w{k}) as x{k}" for k in range(2 * steps, -1, -1)]
    return f"""
    with

    discharges as (

        select subject_id, activity, max(last_at) as discharged_at
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
        {"inner join calibrated_rules_of_contacts as own on"
         " days.subject_id = own.subject_id and rules.rule_number = own.rule_number"
         if by_audience else ""}
        left join discharges
            on
                days.subject_id = discharges.subject_id
                and rules.discharged_by = discharges.activity

    ),

    days_weighed as (select *, {", ".join(weights)} from days_counted where n <> 0)

    select rule_number, subject_id, {", ".join(sums)}
    from days_weighed
    group by 1, 2
    order by 1, 2
    """
