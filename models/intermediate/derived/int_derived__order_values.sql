with

contact_orders as (

    select * from {{ ref('int_contact_orders') }}

),

signals as (

    select * from {{ ref('derived_signals') }}

),

{{ derive_order_values() }}
