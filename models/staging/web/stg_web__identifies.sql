with

source as (

    select * from {{ feed_source('web', 'identifies') }}

),

renamed as (

    select
        ---------- ids
        {{ clean_text('event_id') }} as event_id,
        {{ clean_text('anonymous_id') }} as anonymous_id,
        {{ clean_text('user_id') }} as user_id,
        ---------- strings
        {{ normalised_email('email') }} as email,
        {{ clean_text('phone') }} as phone,
        malformed_columns,
        source_file,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'event_time') }} as event_time,
        {{ dbt.date_trunc('second', 'received_at') }} as received_at

    from source

)

select * from renamed
