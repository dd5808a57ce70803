with

source as (

    select * from {{ feed_source('social', 'events') }}

),

renamed as (

    select
        ---------- ids
        {{ clean_text('event_id') }} as event_id,
        {{ clean_text('customer_id') }} as customer_id,
        {{ clean_text('user_id') }} as user_id,
        ---------- strings
        {{ clean_text('event_name') }} as event_name,
        {{ clean_text('network') }} as network,
        {{ normalised_email('email') }} as email,
        malformed_columns,
        source_file,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'event_time') }} as event_time,
        {{ dbt.date_trunc('second', 'received_at') }} as received_at

    from source

)

select * from renamed
