with

clock as (

    select * from {{ ref('int_clock') }}

),

observed_days as (

    select * from {{ ref('int_contact_observed_days') }}

),

derived_days as (

    select * from {{ ref('int_derived_days') }}

),

days_unioned as (

    select
        contact_id,
        activity,
        activity_date,
        quantity,
        event_count,
        first_at,
        last_at,
        age_days

    from observed_days
    union all
    select
        derived_days.contact_id,
        derived_days.activity,
        derived_days.activity_date,
        derived_days.quantity,
        derived_days.event_count,
        derived_days.first_at,
        derived_days.last_at,
        {{ age_days('clock.as_of', 'derived_days.last_at') }} as age_days

    from derived_days
    cross join clock

)

select * from days_unioned
