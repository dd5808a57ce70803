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

{{ count_signals() }}
