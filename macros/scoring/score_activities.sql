{#-
    The final select of a scoring model: one row per contact, sheet and activity, from
    the model's CTEs `contact_days` (int_contact_activity_days), `rules`
    (int_scoring_rules of one category) and `discharges` (int_contact_discharges).

    In this order: the daily limit, discharge, decay, the cap. `by_version`: contact_days
    say by which `rule_version` they are scored.
-#}
{% macro score_activities(by_version=false) %}
contact_days_weighed as (

    select
        contact_days.contact_id,
        rules.score_model,
        rules.category,
        rules.activity,
        rules.points,
        rules.cap,
        case
            when discharges.discharged_at >= contact_days.last_at then 0
            else least(
                contact_days.quantity,
                coalesce(rules.daily_limit, contact_days.quantity)
            )
        end as counted_quantity,
        {{ decayed('contact_days.age_days', 'rules.half_life_days') }} as weight,
        contact_days.last_at

    from contact_days
    inner join rules
        on
            contact_days.activity = rules.activity
            {% if by_version %}
                and contact_days.rule_version = rules.rule_version
            {% endif %}
            and (
                rules.rule_group is null
                or contact_days.rule_group = rules.rule_group
            )
    left join discharges
        on
            contact_days.contact_id = discharges.contact_id
            and rules.discharged_by = discharges.activity

),

amounts_summed as (

    select
        contact_id,
        score_model,
        category,
        activity,
        cap,
        cast(sum(counted_quantity) as bigint) as activity_count,
        points * sum(counted_quantity * weight) as decayed_amount,
        max(last_at) as last_at

    from contact_days_weighed
    group by contact_id, score_model, category, activity, cap, points

),

amounts_capped as (

    select
        contact_id,
        score_model,
        category,
        activity,
        activity_count,
        decayed_amount,
        {{ saturated('decayed_amount', 'cap') }} as activity_score,
        last_at

    from amounts_summed

)

select * from amounts_capped
{%- endmacro %}
