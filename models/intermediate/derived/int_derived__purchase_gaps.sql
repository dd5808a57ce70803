with

order_days as (

    select * from {{ ref('int_contact_order_days') }}

),

signals as (

    select * from {{ ref('derived_signals') }}

),

{{ derive_purchase_gaps() }}
