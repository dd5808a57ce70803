with

source as (

    select * from {{ feed_source('surveys', 'responses') }}

),

renamed as (

    select
        ---------- ids
        {{ clean_text('response_id') }} as response_id,
        {{ clean_text('customer_id') }} as customer_id,
        {{ clean_text('user_id') }} as user_id,
        {{ clean_text('anonymous_id') }} as anonymous_id,
        ---------- strings
        {{ clean_text('survey_kind') }} as survey_kind,
        {{ normalised_email('email') }} as email,
        malformed_columns,
        source_file,
        ---------- numerics
        score,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'answered_at') }} as answered_at,
        {{ dbt.date_trunc('second', 'received_at') }} as received_at

    from source

)

select * from renamed
