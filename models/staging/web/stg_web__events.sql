with

source as (

    select * from {{ feed_source('web', 'events') }}

),

renamed as (

    select
        ---------- ids
        {{ clean_text('event_id') }} as event_id,
        {{ clean_text('anonymous_id') }} as anonymous_id,
        {{ clean_text('user_id') }} as user_id,
        {{ clean_text('session_id') }} as session_id,
        {{ clean_text('product_id') }} as product_id,
        {{ clean_text('order_id') }} as order_id,
        {{ clean_text('form_submission_id') }} as form_submission_id,
        ---------- strings
        {{ clean_text('event_name') }} as event_name,
        {{ normalised_email('email') }} as email,
        {{ clean_text('page_path') }} as page_path,
        {{ clean_text('referrer') }} as referrer,
        {{ clean_text('search_query') }} as search_query,
        {{ clean_text('product_category') }} as product_category,
        {{ clean_text('currency') }} as currency,
        {{ clean_text('user_agent') }} as user_agent,
        {{ clean_text('campaign') }} as campaign,
        {{ clean_text('entry_source') }} as entry_source,
        {{ clean_text('search_phrase') }} as search_phrase,
        {{ clean_text('feature') }} as feature,
        {{ clean_text('form') }} as form,
        malformed_columns,
        source_file,
        ---------- numerics
        quantity,
        value,
        dwell_seconds,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'event_time') }} as event_time,
        {{ dbt.date_trunc('second', 'received_at') }} as received_at

    from source

)

select * from renamed
