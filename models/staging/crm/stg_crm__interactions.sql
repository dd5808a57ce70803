with

source as (

    select * from {{ feed_source('crm', 'interactions') }}

),

renamed as (

    select
        ---------- ids
        {{ clean_text('interaction_id') }} as interaction_id,
        {{ clean_text('crm_id') }} as crm_id,
        {{ clean_text('customer_id') }} as customer_id,
        {{ clean_text('campaign_id') }} as campaign_id,
        {{ clean_text('form_submission_id') }} as form_submission_id,
        ---------- strings
        {{ clean_text('event_name') }} as event_name,
        {{ normalised_email('email') }} as email,
        {{ clean_text('phone') }} as phone,
        {{ clean_text('author') }} as author,
        malformed_columns,
        source_file,
        ---------- numerics
        points,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'occurred_at') }} as occurred_at,
        {{ dbt.date_trunc('second', 'received_at') }} as received_at,
        {{ dbt.date_trunc('second', 'expires_at') }} as expires_at

    from source

)

select * from renamed
