{{ config(enabled=is_connected('shop', 'shopify_airbyte')) }}

with

orders as (

    select * from {{ loader_table('shopify_airbyte', 'orders') }}
    where not coalesce(test, false) and deleted_at is null

),

products as (

    select * from {{ loader_table('shopify_airbyte', 'products') }}

),

order_lines as (

    select
        id as order_id,
        {{ json_elements('line_items') }} as line_item,
        _airbyte_extracted_at as received_at

    from orders

),

order_lines_read as (

    select
        order_id,
        received_at,
        {{ json_text('line_item', ['id']) }} as order_line_id,
        {{ json_text('line_item', ['product_id']) }} as product_id,
        {{ json_text('line_item', ['quantity']) }} as quantity,
        {{ json_text('line_item', ['price']) }} as price

    from order_lines

),

joined as (

    select
        order_lines_read.order_line_id,
        order_lines_read.order_id,
        order_lines_read.product_id,
        products.product_type as product_category,
        order_lines_read.quantity,
        order_lines_read.price as unit_price,
        order_lines_read.received_at

    from order_lines_read
    left join products
        on order_lines_read.product_id = products.id

)

select * from joined
