{{ config(enabled='loyalty' in var('intent_feeds'), materialized='view') }}

with

events as (

    select * from {{ ref('stg_loyalty__events') }}

),

events_named as (

    select
        {{ activity_columns(
            identifiers=['customer_id', 'email'],
            feed_table="'events'",
            event_id='event_id',
            event_name='event_name',
            event_detail='tier',
            measured='points',
            occurred_at='event_time',
            bad_value="case when points < 0 then 'negative_points' end",
        ) }}

    from events

),

{{ judge_activities('loyalty', ['events_named']) }}
