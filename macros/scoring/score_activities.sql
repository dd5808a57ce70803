{#-
    The final select of a scoring model: one row per contact, sheet and activity, from
    the model's CTEs `contact_days` (int_contact_activity_days), `rules`
    (int_scoring_rules of one category) and `discharges` (int_contact_discharges).

    In this order: the daily limit, discharge, decay, the cap. `by_version`: contact_days
    say by which `rule_version` they are scored; `plain_amount` is what it would be
    without decay and cap. `of_sheet`: contact_days say by which `score_model` alone.
-#}
{% macro score_activities(by_version=false, of_sheet=false) %}
-- Engines sum by a number faster than by names.
rules_numbered as (

    select
        rules.*,
        row_number() over (
            order by
                {% if by_version %} rules.rule_version, {% endif %}
                rules.score_model,
                rules.activity,
                rules.rule_group
        ) as rule_number

    from rules

),

rules_discharged as (

    select
        discharges.contact_id,
        rules_numbered.rule_number,
        discharges.discharged_at

    from discharges
    inner join rules_numbered
        on discharges.activity = rules_numbered.discharged_by

),

contact_days_weighed as (

    select
        contact_days.contact_id,
        rules_numbered.rule_number,
        case
            when rules_discharged.discharged_at >= contact_days.last_at then 0
            else least(
                contact_days.quantity,
                coalesce(rules_numbered.daily_limit, contact_days.quantity)
            )
        end as counted_quantity,
        {{ decayed('contact_days.age_days', 'rules_numbered.half_life_days') }}
            as weight,
        contact_days.last_at

    from contact_days
    inner join rules_numbered
        on
            contact_days.activity = rules_numbered.activity
            {% if by_version %}
                and contact_days.rule_version = rules_numbered.rule_version
            {% endif %}
            {% if of_sheet %}
                and contact_days.score_model = rules_numbered.score_model
            {% endif %}
            and (
                rules_numbered.rule_group is null
                or contact_days.rule_group = rules_numbered.rule_group
            )
    left join rules_discharged
        on
            contact_days.contact_id = rules_discharged.contact_id
            and rules_numbered.rule_number = rules_discharged.rule_number

),

days_summed as (

    select
        contact_id,
        rule_number,
        cast(sum(counted_quantity) as bigint) as activity_count,
        sum(counted_quantity * weight) as decayed_count,
        max(last_at) as last_at

    from contact_days_weighed
    group by 1, 2

),

amounts as (

    select
        days_summed.contact_id,
        rules_numbered.score_model,
        rules_numbered.category,
        rules_numbered.activity,
        rules_numbered.cap,
        days_summed.activity_count,
        rules_numbered.points * days_summed.decayed_count as decayed_amount,
        {% if by_version %}
            rules_numbered.points * days_summed.activity_count as plain_amount,
        {% endif %}
        days_summed.last_at

    from days_summed
    inner join rules_numbered
        on days_summed.rule_number = rules_numbered.rule_number

),

amounts_capped as (

    select
        contact_id,
        score_model,
        category,
        activity,
        activity_count,
        decayed_amount,
        {{ 'plain_amount,' if by_version }}
        {{ saturated('decayed_amount', 'cap') }} as activity_score,
        last_at

    from amounts

)

select * from amounts_capped
{%- endmacro %}
