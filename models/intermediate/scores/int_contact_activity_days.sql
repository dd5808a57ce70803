-- Read once for each category: a view would be joined anew for each.
{{ config(materialized='table') }}

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

rule_groups as (

    select distinct
        contact_id,
        rule_group

    from {{ ref('int_contact_audiences') }}

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

),

days_grouped as (

    select
        days_unioned.*,
        coalesce(rule_groups.rule_group, 0) as rule_group

    from days_unioned
    left join rule_groups
        on days_unioned.contact_id = rule_groups.contact_id

)

select * from days_grouped
