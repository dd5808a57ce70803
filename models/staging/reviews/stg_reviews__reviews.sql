with

source as (

    select * from {{ feed_source('reviews', 'reviews') }}

),

renamed as (

    select
        ---------- ids
        {{ clean_text('review_id') }} as review_id,
        {{ clean_text('customer_id') }} as customer_id,
        {{ clean_text('product_id') }} as product_id,
        ---------- strings
        {{ normalised_email('email') }} as email,
        {{ clean_text('product_category') }} as product_category,
        malformed_columns,
        source_file,
        ---------- numerics
        rating,
        ---------- booleans
        is_testimonial,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'reviewed_at') }} as reviewed_at,
        {{ dbt.date_trunc('second', 'received_at') }} as received_at

    from source

)

select * from renamed
