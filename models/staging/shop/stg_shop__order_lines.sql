with

source as (

    select * from {{ feed_source('shop', 'order_lines') }}

),

renamed as (

    select
        ---------- ids
        {{ clean_text('order_line_id') }} as order_line_id,
        {{ clean_text('order_id') }} as order_id,
        {{ clean_text('product_id') }} as product_id,
        ---------- strings
        {{ clean_text('product_category') }} as product_category,
        malformed_columns,
        source_file,
        ---------- numerics
        quantity,
        unit_price,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'received_at') }} as received_at

    from source

)

select * from renamed
