{{ config(enabled=is_connected('shop', 'shopify_fivetran')) }}

with

orders as (

    select
        id as order_id,
        customer_id,
        email,
        _fivetran_synced as received_at

    from {{ loader_table('shopify_fivetran', 'order') }}
    where not coalesce(test, false)

),

order_lines as (

    select
        order_id,
        quantity,
        _fivetran_synced as received_at

    from {{ loader_table('shopify_fivetran', 'order_line') }}

),

refunds as (

    select
        id as refund_id,
        order_id,
        coalesce(processed_at, created_at) as refunded_at,
        note,
        _fivetran_synced as received_at,
        malformed_columns

    from {{ loader_table('shopify_fivetran', 'refund') }}

),

refund_lines as (

    select
        refund_id,
        quantity,
        coalesce(subtotal, 0) + coalesce(total_tax, 0) as amount,
        restock_type,
        _fivetran_synced as received_at

    from {{ loader_table('shopify_fivetran', 'order_line_refund') }}

),

{{ shopify_returns() }}
