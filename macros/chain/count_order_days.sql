{#-
    The final select of the days with orders and the gaps between them, in days, from
    the CTE `contact_orders`.
-#}
{% macro count_order_days() %}
-- Orders of one day are one occasion: a basket in two parcels is no quick return.
order_days as (

    select
        contact_id,
        order_date,
        min(ordered_at) as first_ordered_at,
        max(ordered_at) as last_ordered_at

    from contact_orders
    group by 1, 2

),

days_in_order as (

    select
        *,
        lag(order_date) over (
            partition by contact_id
            order by order_date
        ) as previous_order_date

    from order_days

),

gaps as (

    select
        contact_id,
        order_date,
        first_ordered_at,
        last_ordered_at,
        {{ age_days('order_date', 'previous_order_date') }} as gap_days

    from days_in_order

)

select * from gaps
{%- endmacro %}
