{{ config(materialized='table') }}

with

signals as (
    {% for family in [
        'order_values', 'purchase_gaps', 'purchase_due', 'login_weeks', 'loyalty'
    ] %}
        select
            contact_id,
            activity,
            occurred_at

        from {{ ref('int_derived__' ~ family) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

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
