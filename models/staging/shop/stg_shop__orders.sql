with

source as (

    select * from {{ feed_source('shop', 'orders') }}

),

renamed as (

    select
        ---------- ids
        {{ clean_text('order_id') }} as order_id,
        {{ clean_text('customer_id') }} as customer_id,
        ---------- strings
        {{ normalised_email('email') }} as email,
        {{ clean_text('phone') }} as phone,
        {{ clean_text('currency') }} as currency,
        malformed_columns,
        source_file,
        ---------- numerics
        order_total,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'ordered_at') }} as ordered_at,
        {{ dbt.date_trunc('second', 'cancelled_at') }} as cancelled_at,
        {{ dbt.date_trunc('second', 'updated_at') }} as updated_at,
        {{ dbt.date_trunc('second', 'received_at') }} as received_at

    from source

)

select * from renamed
