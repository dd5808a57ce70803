with

source as (

    select * from {{ feed_source('crm', 'identifier_links') }}

),

renamed as (

    select
        ---------- ids
        {{ clean_text('event_id') }} as event_id,
        {{ clean_text('customer_id') }} as customer_id,
        {{ clean_text('user_id') }} as user_id,
        {{ clean_text('crm_id') }} as crm_id,
        {{ clean_text('anonymous_id') }} as anonymous_id,
        ---------- strings
        {{ normalised_email('email') }} as email,
        {{ clean_text('phone') }} as phone,
        malformed_columns,
        source_file,
        ---------- booleans
        coalesce(is_withdrawn, false) as is_withdrawn,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'event_time') }} as event_time,
        {{ dbt.date_trunc('second', 'received_at') }} as received_at

    from source

)

select * from renamed
