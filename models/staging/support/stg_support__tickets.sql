with

source as (

    select * from {{ feed_source('support', 'tickets') }}

),

renamed as (

    select
        ---------- ids
        {{ clean_text('ticket_id') }} as ticket_id,
        {{ clean_text('customer_id') }} as customer_id,
        ---------- strings
        {{ normalised_email('email') }} as email,
        {{ clean_text('phone') }} as phone,
        {{ clean_text('channel') }} as channel,
        {{ clean_text('topic') }} as topic,
        malformed_columns,
        source_file,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'opened_at') }} as opened_at,
        {{ dbt.date_trunc('second', 'updated_at') }} as updated_at,
        {{ dbt.date_trunc('second', 'received_at') }} as received_at

    from source

)

select * from renamed
