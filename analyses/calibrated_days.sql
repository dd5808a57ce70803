{#- What `subjects` had done at their clocks of `wanted_activities`, day by day. -#}
with

clocks as (

    select
        subject_id as contact_id,
        as_of,
        rule_version

    from subjects

),

identifier_clocks as (

    with
    {{ identifiers_at() }}

),

contact_orders as (

    with
    {{ orders_at() }}

),

days as (

    with
    {{ days_at() }}

)

select
    contact_id as subject_id,
    activity,
    quantity,
    last_at,
    age_days

from days
