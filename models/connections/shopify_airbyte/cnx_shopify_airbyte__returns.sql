{{ config(enabled=is_connected('shop', 'shopify_airbyte')) }}

with

orders_loaded as (

    select * from {{ loader_table('shopify_airbyte', 'orders') }}
    where not coalesce(test, false) and deleted_at is null

),

refunds_loaded as (

    select * from {{ loader_table('shopify_airbyte', 'order_refunds') }}

),

orders as (

    select
        id as order_id,
        {{ json_text('customer', ['id']) }} as customer_id,
        email,
        _airbyte_extracted_at as received_at

    from orders_loaded

),

line_items as (

    select
        id as order_id,
        {{ json_elements('line_items') }} as line_item,
        _airbyte_extracted_at as received_at

    from orders_loaded

),

order_lines as (

    select
        order_id,
        cast({{ json_text('line_item', ['quantity']) }} as {{ type_double() }})
            as quantity,
        received_at

    from line_items

),

refunds as (

    select
        id as refund_id,
        order_id,
        coalesce(processed_at, created_at) as refunded_at,
        note,
        _airbyte_extracted_at as received_at,
        malformed_columns

    from refunds_loaded

),

refund_line_items as (

    select
        id as refund_id,
        {{ json_elements('refund_line_items') }} as line_item,
        _airbyte_extracted_at as received_at

    from refunds_loaded

),

refund_lines as (

    select
        refund_id,
        cast({{ json_text('line_item', ['quantity']) }} as {{ type_double() }})
            as quantity,
        coalesce(
            cast({{ json_text('line_item', ['subtotal']) }} as {{ type_double() }}), 0
        )
        + coalesce(
            cast({{ json_text('line_item', ['total_tax']) }} as {{ type_double() }}), 0
        ) as amount,
        {{ json_text('line_item', ['restock_type']) }} as restock_type,
        received_at

    from refund_line_items

),

{{ shopify_returns() }}
