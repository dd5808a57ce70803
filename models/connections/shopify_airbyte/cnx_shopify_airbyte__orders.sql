{{ config(enabled=is_connected('shop', 'shopify_airbyte')) }}

with

orders as (

    select * from {{ loader_table('shopify_airbyte', 'orders') }}
    where not coalesce(test, false) and deleted_at is null

),

renamed as (

    select
        id as order_id,
        {{ json_text('customer', ['id']) }} as customer_id,
        email,
        phone,
        coalesce(processed_at, created_at) as ordered_at,
        cancelled_at,
        updated_at,
        total_price as order_total,
        currency,
        _airbyte_extracted_at as received_at,
        malformed_columns

    from orders

)

select * from renamed
