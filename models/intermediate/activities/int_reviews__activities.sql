{{ config(enabled='reviews' in var('intent_feeds'), materialized='view') }}

with

reviews as (

    select * from {{ ref('stg_reviews__reviews') }}

),

reviews_named as (

    select
        {{ activity_columns(
            identifiers=['customer_id', 'email'],
            feed_table="'reviews'",
            event_id='review_id',
            event_name="case
            when is_testimonial then 'Testimonial Given'
            else 'Review Written'
        end",
            event_detail=whole_step('rating', 1, 5),
            product_category='product_category',
            occurred_at='reviewed_at',
            version_at='received_at',
            bad_value="case
            when not rating between 1 and 5 then 'score_out_of_range'
        end",
        ) }}

    from reviews

),

{{ judge_activities('reviews', ['reviews_named']) }}
