{{ config(enabled=is_connected('shop', 'shopify_fivetran')) }}

with

order_lines as (

    select * from {{ loader_table('shopify_fivetran', 'order_line') }}

),

products as (

    select * from {{ loader_table('shopify_fivetran', 'product') }}

),

joined as (

    select
        order_lines.id as order_line_id,
        order_lines.order_id,
        order_lines.product_id,
        products.product_type as product_category,
        order_lines.quantity,
        order_lines.price as unit_price,
        order_lines._fivetran_synced as received_at,
        order_lines.malformed_columns

    from order_lines
    left join products
        on order_lines.product_id = products.id

)

select * from joined
