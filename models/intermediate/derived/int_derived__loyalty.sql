with

clock as (

    select * from {{ ref('int_clock') }}

),

contact_orders as (

    select * from {{ ref('int_contact_orders') }}

),

signals as (

    select * from {{ ref('derived_signals') }}

),

clocks as (

    select distinct
        contact_orders.contact_id,
        clock.as_of

    from contact_orders
    cross join clock

),

{{ derive_loyalty() }}
