{{ config(enabled='email' in var('intent_feeds'), materialized='view') }}

with

events as (

    select * from {{ ref('stg_email__events') }}

),

events_named as (

    select
        {{ activity_columns(
            identifiers=['customer_id', 'email'],
            feed_table="'events'",
            event_id='event_id',
            event_name='event_name',
            user_agent='user_agent',
            message_id='message_id',
            is_machine_flagged='is_machine_open',
            occurred_at='event_time',
        ) }}

    from events

),

{{ judge_activities('email', ['events_named']) }}
