-- The orders that stand at the clock are those that the daily facts count.
with

clock as (

    select * from {{ ref('int_clock') }}

),

orders as (

    select
        orders.identifier,
        orders.valid_from as activity_date,
        count(*) as event_count

    from {{ ref('int_orders') }} as orders
    cross join clock
    where
        orders.known_to is null
        and orders.valid_from < clock.as_of
        and (orders.valid_to is null or orders.valid_to >= clock.as_of)
    group by 1, 2

),

activity_days as (

    select
        activity_days.identifier,
        activity_days.activity_date,
        activity_days.event_count

    from {{ ref('int_activity_days') }} as activity_days
    cross join clock
    where
        activity_days.activity = 'purchase'
        and activity_days.known_to is null
        and activity_days.valid_from < clock.as_of
        and (activity_days.valid_to is null or activity_days.valid_to >= clock.as_of)

)

select
    coalesce(orders.identifier, activity_days.identifier) as identifier,
    coalesce(orders.activity_date, activity_days.activity_date) as activity_date,
    orders.event_count as orders,
    activity_days.event_count as purchases

from orders
full outer join activity_days
    on
        orders.identifier = activity_days.identifier
        and orders.activity_date = activity_days.activity_date
where
    orders.event_count is null
    or activity_days.event_count is null
    or orders.event_count <> activity_days.event_count
