{{ config(materialized='view') }}

with

clock as (

    select * from {{ ref('int_clock') }}

),

orders as (

    select * from {{ ref('int_orders') }}

),

identifier_contacts as (

    select * from {{ ref('int_identifier_contacts') }}

),

contacts as (

    select contact_id from {{ ref('int_contacts') }}
    where not is_suppressed

),

orders_standing as (

    select orders.*
    from orders
    cross join clock
    where
        orders.valid_from < clock.as_of
        and (orders.valid_to is null or orders.valid_to >= clock.as_of)

),

orders_joined as (

    select
        contacts.contact_id,
        orders_standing.order_id,
        orders_standing.amount,
        orders_standing.currency,
        orders_standing.ordered_at

    from orders_standing
    inner join identifier_contacts
        on orders_standing.identifier = identifier_contacts.identifier
    inner join contacts
        on identifier_contacts.contact_id = contacts.contact_id

)

select * from orders_joined
