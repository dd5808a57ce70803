{{ config(materialized='table') }}

with

clock as (

    select * from {{ ref('int_clock') }}

),

orders as (

    select * from {{ ref('int_orders') }}
    where known_to is null

),

identifier_contacts as (

    select * from {{ ref('int_contact_identifiers') }}

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
        orders_standing.order_key,
        orders_standing.ordered_at,
        orders_standing.valid_from as order_date,
        orders_standing.amount,
        orders_standing.currency,
        row_number() over (
            partition by contacts.contact_id
            order by orders_standing.ordered_at, orders_standing.order_key
        ) as order_number

    from orders_standing
    inner join identifier_contacts
        on orders_standing.identifier = identifier_contacts.identifier
    inner join contacts
        on identifier_contacts.contact_id = contacts.contact_id

)

select * from orders_joined
