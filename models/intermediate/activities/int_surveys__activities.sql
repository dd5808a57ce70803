{{ config(enabled='surveys' in var('intent_feeds'), materialized='view') }}

with

responses as (

    select * from {{ ref('stg_surveys__responses') }}

),

responses_named as (

    select
        {{ activity_columns(
            identifiers=['customer_id', 'user_id', 'email', 'anonymous_id'],
            feed_table="'responses'",
            event_id='response_id',
            event_name="'Survey Answered'",
            event_detail='survey_kind',
            occurred_at='answered_at',
            bad_value="case
            when not score between 0 and 10 then 'score_out_of_range'
        end",
        ) }}

    from responses

),

{{ judge_activities('surveys', ['responses_named']) }}
