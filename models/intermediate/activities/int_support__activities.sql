{{ config(enabled='support' in var('intent_feeds'), materialized='view') }}

with

tickets as (

    select * from {{ ref('stg_support__tickets') }}

),

ratings as (

    select * from {{ ref('stg_support__ratings') }}

),

tickets_named as (

    select
        {{ activity_columns(
            identifiers=['customer_id', 'email', 'phone'],
            feed_table="'tickets'",
            event_id='ticket_id',
            event_name="'Ticket Opened'",
            event_detail='topic',
            occurred_at='opened_at',
            version_at='coalesce(updated_at, opened_at)',
        ) }}

    from tickets

),

ratings_named as (

    select
        {{ activity_columns(
            identifiers=['customer_id', 'email'],
            feed_table="'ratings'",
            event_id='rating_id',
            event_name="'Service Rated'",
            event_detail=whole_step('score', 1, 5),
            occurred_at='rated_at',
            version_at='received_at',
            bad_value="case
            when score is null or not score between 1 and 5 then 'score_out_of_range'
        end",
        ) }}

    from ratings

),

{{ judge_activities('support', ['tickets_named', 'ratings_named']) }}
