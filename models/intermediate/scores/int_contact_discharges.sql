with

contact_days as (

    select * from {{ ref('int_contact_activity_days') }}

),

discharging_activities as (

    select distinct discharged_by as activity
    from {{ ref('int_scoring_rules') }}
    where discharged_by is not null

),

newest as (

    select
        contact_days.contact_id,
        contact_days.activity,
        max(contact_days.last_at) as discharged_at

    from contact_days
    inner join discharging_activities
        on contact_days.activity = discharging_activities.activity
    group by 1, 2

)

select * from newest
