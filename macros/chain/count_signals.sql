{#-
    The final select of derived signals as days, from the CTE `signals` (contact_id,
    activity, occurred_at).
-#}
{% macro count_signals() %}
days as (

    select
        contact_id,
        activity,
        cast(occurred_at as date) as activity_date,
        count(*) as quantity,
        count(*) as event_count,
        min(occurred_at) as first_at,
        max(occurred_at) as last_at

    from signals
    group by 1, 2, 3

)

select * from days
{%- endmacro %}
