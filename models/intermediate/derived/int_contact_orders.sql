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

    select
        contacts.contact_id,
        orders.*

    from orders
    inner join identifier_contacts
        on orders.identifier = identifier_contacts.identifier
    inner join contacts
        on identifier_contacts.contact_id = contacts.contact_id
    cross join clock
    where {{ in_force('orders', 'clock.as_of') }}

),

{{ number_orders() }}
