{#-
    The final select of `login_regular`: weeks on end with logins, from the CTEs
    `contact_days`, `signals` and `clocks` (contact_id, as_of).
-#}
{% macro derive_login_weeks() %}
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
    inner join clocks
        on
            weeks_counted.contact_id = clocks.contact_id
            and weeks_counted.ended_at <= clocks.as_of
    inner join signals
        on
            signals.activity = 'login_regular'
            and weeks_counted.weeks_on_end >= signals.least_history

)

select * from weeks_signalled
{%- endmacro %}
