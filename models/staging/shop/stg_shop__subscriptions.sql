with

source as (

    select * from {{ feed_source('shop', 'subscriptions') }}

),

renamed as (

    select
        ---------- ids
        {{ clean_text('subscription_event_id') }} as subscription_event_id,
        {{ clean_text('subscription_id') }} as subscription_id,
        {{ clean_text('customer_id') }} as customer_id,
        ---------- strings
        {{ clean_text('event_name') }} as event_name,
        {{ normalised_email('email') }} as email,
        {{ clean_text('currency') }} as currency,
        malformed_columns,
        source_file,
        ---------- numerics
        amount,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'event_time') }} as event_time,
        {{ dbt.date_trunc('second', 'received_at') }} as received_at

    from source

)

select * from renamed
