with

contact_days as (

    select * from {{ ref('int_contact_activity_days') }}

),

discharging_activities as (

    select distinct discharged_by as activity
    from {{ ref('int_scoring_rules') }}
    where discharged_by is not null

),

{{ find_discharges() }}
