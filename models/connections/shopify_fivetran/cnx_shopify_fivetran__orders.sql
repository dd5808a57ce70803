{{ config(enabled=is_connected('shop', 'shopify_fivetran')) }}

with

orders as (

    select * from {{ loader_table('shopify_fivetran', 'order') }}
    where not coalesce(test, false)

),

renamed as (

    select
        id as order_id,
        customer_id,
        email,
        coalesce(phone, billing_address_phone) as phone,
        coalesce(processed_at, created_at) as ordered_at,
        cancelled_at,
        updated_at,
        total_price as order_total,
        currency,
        _fivetran_synced as received_at,
        malformed_columns

    from orders

)

select * from renamed
