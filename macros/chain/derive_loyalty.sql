{#-
    The final select of `purchase_repeated` and `loyalty_year_completed`, from the CTEs
    `contact_orders`, `signals` and `clocks` (contact_id, as_of).
-#}
{% macro derive_loyalty() %}
repeats as (

    select
        contact_orders.contact_id,
        signals.activity,
        contact_orders.ordered_at as occurred_at

    from contact_orders
    inner join signals
        on
            signals.activity = 'purchase_repeated'
            and contact_orders.order_number > signals.least_history

),

orders_since_first as (

    select
        contact_id,
        order_date,
        min(order_date) over (partition by contact_id) as first_order_date

    from contact_orders

),

later_orders as (

    select
        contact_id,
        order_date,
        first_order_date,
        extract(year from order_date) - extract(year from first_order_date)
            as calendar_years

    from orders_since_first
    where order_date > first_order_date

),

-- The year of loyalty that an order falls into, by the anniversary that ends it. That
-- of 29 February is the 28th in other years.
orders_by_year as (

    select
        contact_id,
        first_order_date,
        calendar_years + case
            when
                order_date
                >= {{ dbt.dateadd('year', 'calendar_years', 'first_order_date') }}
                then 1
            else 0
        end as loyalty_year

    from later_orders

),

years as (

    select
        contact_id,
        {{ dbt.dateadd('year', 'loyalty_year', 'first_order_date') }} as completed_at,
        count(*) as orders

    from orders_by_year
    group by 1, 2

),

years_signalled as (

    select
        years.contact_id,
        signals.activity,
        cast(years.completed_at as {{ dbt.type_timestamp() }}) as occurred_at

    from years
    inner join clocks
        on
            years.contact_id = clocks.contact_id
            and years.completed_at <= clocks.as_of
    inner join signals
        on
            signals.activity = 'loyalty_year_completed'
            and years.orders >= signals.least_history

),

unioned as (

    select * from repeats
    union all
    select * from years_signalled

)

select * from unioned
{%- endmacro %}
