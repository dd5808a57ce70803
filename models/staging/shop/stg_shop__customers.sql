with

source as (

    select * from {{ feed_source('shop', 'customers') }}

),

renamed as (

    select
        ---------- ids
        {{ clean_text('customer_id') }} as customer_id,
        ---------- strings
        {{ normalised_email('email') }} as email,
        {{ clean_text('phone') }} as phone,
        {{ clean_text('country') }} as country,
        {{ clean_text('region') }} as region,
        {{ clean_text('city') }} as city,
        {{ clean_text('language') }} as language,
        {{ clean_text('gender') }} as gender,
        {{ clean_text('account_type') }} as account_type,
        malformed_columns,
        source_file,
        ---------- timestamps
        {{ dbt.date_trunc('day', 'birth_date') }} as birth_date,
        {{ dbt.date_trunc('second', 'created_at') }} as created_at,
        {{ dbt.date_trunc('second', 'updated_at') }} as updated_at,
        {{ dbt.date_trunc('second', 'received_at') }} as received_at

    from source

)

select * from renamed
