with

source as (

    select * from {{ feed_source('shop', 'returns') }}

),

renamed as (

    select
        ---------- ids
        {{ clean_text('return_id') }} as return_id,
        {{ clean_text('order_id') }} as order_id,
        {{ clean_text('customer_id') }} as customer_id,
        ---------- strings
        {{ normalised_email('email') }} as email,
        {{ clean_text('reason') }} as reason,
        malformed_columns,
        source_file,
        ---------- numerics
        amount,
        ---------- booleans
        is_full_return,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'returned_at') }} as returned_at,
        {{ dbt.date_trunc('second', 'received_at') }} as received_at

    from source

)

select * from renamed
