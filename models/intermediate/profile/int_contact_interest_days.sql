{{ config(materialized='view') }}

with

clock as (

    select * from {{ ref('int_clock') }}

),

interest_days as (

    select * from {{ ref('int_interest_days') }}

),

order_categories as (

    select * from {{ ref('int_order_categories') }}

),

orders as (

    select * from {{ ref('int_contact_orders') }}

),

contacts as (

    select contact_id from {{ ref('int_contacts') }}
    where not is_suppressed

),

rule_groups as (

    select distinct
        contact_id,
        rule_group

    from {{ ref('int_contact_audiences') }}

),

identifier_contacts as (

    select * from {{ ref('int_contact_identifiers') }}

),

-- What is not taken back before the clock, again one row per identifier and day.
days_standing as (

    select
        interest_days.identifier,
        interest_days.product_category,
        interest_days.activity,
        interest_days.activity_date,
        sum(interest_days.quantity) as quantity,
        max(interest_days.last_at) as last_at

    from interest_days
    cross join clock
    where
        interest_days.valid_from < clock.as_of
        and (
            interest_days.valid_to is null or interest_days.valid_to >= clock.as_of
        )
    group by 1, 2, 3, 4

),

days_joined as (

    select
        identifier_contacts.contact_id,
        days_standing.product_category,
        days_standing.activity,
        days_standing.quantity,
        days_standing.last_at

    from days_standing
    inner join identifier_contacts
        on days_standing.identifier = identifier_contacts.identifier
    inner join contacts
        on identifier_contacts.contact_id = contacts.contact_id
    union all
    select
        orders.contact_id,
        order_categories.product_category,
        'purchase' as activity,
        1 as quantity,
        orders.ordered_at as last_at

    from orders
    inner join order_categories
        on orders.order_key = order_categories.order_key

),

days_grouped as (

    select
        days_joined.contact_id,
        coalesce(rule_groups.rule_group, 0) as rule_group,
        days_joined.product_category,
        days_joined.activity,
        days_joined.quantity,
        days_joined.last_at,
        {{ age_days('clock.as_of', 'days_joined.last_at') }} as age_days

    from days_joined
    cross join clock
    left join rule_groups
        on days_joined.contact_id = rule_groups.contact_id

)

select * from days_grouped
