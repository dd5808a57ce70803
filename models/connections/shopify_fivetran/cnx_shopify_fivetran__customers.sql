{{ config(enabled=is_connected('shop', 'shopify_fivetran')) }}

with

customers as (

    select * from {{ loader_table('shopify_fivetran', 'customer') }}

),

addresses as (

    select * from {{ loader_table('shopify_fivetran', 'customer_address') }}

),

joined as (

    select
        customers.id as customer_id,
        customers.email,
        customers.phone,
        addresses.country_code as country,
        addresses.province as region,
        addresses.city,
        customers.created_at,
        customers.updated_at,
        customers._fivetran_synced as received_at,
        customers.malformed_columns

    from customers
    left join addresses
        on customers.default_address_id = addresses.id

)

select * from joined
