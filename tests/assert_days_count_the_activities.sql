-- The daily facts hold what is counted. (What is taken back on its own day
-- is in no fact: activities of which something is are left to the unit tests.)
with

activities as (

    select
        activity,
        sum(quantity) as quantity

    from {{ ref('int_activities_judged') }}
    where disposition = 'counted'
    group by 1
    having activity <> 'purchase' and count(taken_back_at) = 0

),

taken_back as (

    select distinct activity from {{ ref('int_activities_judged') }}
    where
        disposition = 'counted'
        and (activity = 'purchase' or taken_back_at is not null)

),

activity_days as (

    select
        facts.activity,
        sum(facts.quantity) as quantity

    from {{ ref('int_activity_days') }} as facts
    left join taken_back
        on facts.activity = taken_back.activity
    where taken_back.activity is null and facts.known_to is null
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
