-- The daily facts hold what int_activities counts. (Orders may be reversed on their own
-- day, and are then in no fact: those are left to the unit tests.)
with

activities as (

    select
        activity,
        count(*) as quantity

    from {{ ref('int_activities') }}
    where disposition = 'counted' and activity <> 'purchase'
    group by 1

),

activity_days as (

    select
        activity,
        sum(quantity) as quantity

    from {{ ref('int_activity_days') }}
    where activity <> 'purchase'
    group by 1

)

select
    activities.activity as counted_activity,
    activities.quantity as counted,
    activity_days.activity as activity_of_days,
    activity_days.quantity as quantity_of_days

from activities
full outer join activity_days
    on activities.activity = activity_days.activity
where
    activities.quantity is null
    or activity_days.quantity is null
    or activities.quantity <> activity_days.quantity
