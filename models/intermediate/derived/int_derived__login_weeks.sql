with

clock as (

    select * from {{ ref('int_clock') }}

),

contact_days as (

    select * from {{ ref('int_contact_observed_days') }}

),

signals as (

    select * from {{ ref('derived_signals') }}

),

clocks as (

    select distinct
        contact_days.contact_id,
        clock.as_of

    from contact_days
    cross join clock
    where contact_days.activity = 'logged_in'

),

{{ derive_login_weeks() }}
