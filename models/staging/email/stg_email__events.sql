with

source as (

    select * from {{ feed_source('email', 'events') }}

),

renamed as (

    select
        ---------- ids
        {{ clean_text('event_id') }} as event_id,
        {{ clean_text('customer_id') }} as customer_id,
        {{ clean_text('campaign_id') }} as campaign_id,
        {{ clean_text('message_id') }} as message_id,
        ---------- strings
        {{ clean_text('event_name') }} as event_name,
        {{ normalised_email('email') }} as email,
        {{ clean_text('url') }} as url,
        {{ clean_text('user_agent') }} as user_agent,
        malformed_columns,
        source_file,
        ---------- booleans
        is_machine_open,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'event_time') }} as event_time,
        {{ dbt.date_trunc('second', 'received_at') }} as received_at

    from source

)

select * from renamed
