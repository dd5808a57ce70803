with

source as (

    select * from {{ feed_source('support', 'ratings') }}

),

renamed as (

    select
        ---------- ids
        {{ clean_text('rating_id') }} as rating_id,
        {{ clean_text('ticket_id') }} as ticket_id,
        {{ clean_text('customer_id') }} as customer_id,
        ---------- strings
        {{ normalised_email('email') }} as email,
        malformed_columns,
        source_file,
        ---------- numerics
        score,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'rated_at') }} as rated_at,
        {{ dbt.date_trunc('second', 'received_at') }} as received_at

    from source

)

select * from renamed
