{{ config(enabled='social' in var('intent_feeds'), materialized='view') }}

with

events as (

    select * from {{ ref('stg_social__events') }}

),

events_named as (

    select
        {{ activity_columns(
            identifiers=['customer_id', 'user_id', 'email'],
            feed_table="'events'",
            event_id='event_id',
            event_name='event_name',
            event_detail='network',
            occurred_at='event_time',
        ) }}

    from events

),

{{ judge_activities('social', ['events_named']) }}
