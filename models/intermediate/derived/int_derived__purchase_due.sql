with

clock as (

    select * from {{ ref('int_clock') }}

),

order_days as (

    select * from {{ ref('int_contact_order_days') }}

),

signals as (

    select * from {{ ref('derived_signals') }}

),

clocks as (

    select distinct
        order_days.contact_id,
        clock.as_of

    from order_days
    cross join clock

),

{{ derive_purchase_due() }}
