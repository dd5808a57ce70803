with

source as (

    select * from {{ feed_source('loyalty', 'events') }}

),

renamed as (

    select
        ---------- ids
        {{ clean_text('event_id') }} as event_id,
        {{ clean_text('customer_id') }} as customer_id,
        ---------- strings
        {{ clean_text('event_name') }} as event_name,
        {{ normalised_email('email') }} as email,
        {{ clean_text('tier') }} as tier,
        malformed_columns,
        source_file,
        ---------- numerics
        points,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'event_time') }} as event_time,
        {{ dbt.date_trunc('second', 'received_at') }} as received_at

    from source

)

select * from renamed
