with

clock as (

    select * from {{ ref('int_clock') }}

),

contact_days as (

    select * from {{ ref('int_contact_observed_days') }}

),

signals as (

    select * from {{ ref('derived_signals') }}
    where activity = 'login_regular'

),

login_weeks as (

    select distinct
        contact_id,
        {{ week_number('activity_date') }} as week_number

    from contact_days
    where activity = 'logged_in'

),

-- Weeks on end have the same difference between their number and their place.
runs as (

    select
        contact_id,
        week_number,
        week_number - row_number() over (
            partition by contact_id
            order by week_number
        ) as run_of_weeks

    from login_weeks

),

weeks_counted as (

    select
        contact_id,
        {{ week_end('week_number') }} as ended_at,
        row_number() over (
            partition by contact_id, run_of_weeks
            order by week_number
        ) as weeks_on_end

    from runs

),

weeks_signalled as (

    select
        weeks_counted.contact_id,
        signals.activity,
        weeks_counted.ended_at as occurred_at

    from weeks_counted
    cross join clock
    inner join signals
        on weeks_counted.weeks_on_end >= signals.least_history
    where weeks_counted.ended_at <= clock.as_of

)

select * from weeks_signalled
