{{ config(enabled=is_connected('shop', 'shopify_airbyte')) }}

with

customers as (

    select * from {{ loader_table('shopify_airbyte', 'customers') }}

),

renamed as (

    select
        id as customer_id,
        email,
        phone,
        {{ json_text('default_address', ['country_code']) }} as country,
        {{ json_text('default_address', ['province']) }} as region,
        {{ json_text('default_address', ['city']) }} as city,
        created_at,
        updated_at,
        _airbyte_extracted_at as received_at,
        malformed_columns

    from customers

)

select * from renamed
