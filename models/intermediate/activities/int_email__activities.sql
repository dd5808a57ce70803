{{ config(enabled='email' in var('intent_feeds'), materialized='view') }}

with

events as (

    select * from {{ ref('stg_email__events') }}

),

machine_agents as (

    select * from {{ ref('int_machine_agents') }}

),

events_joined as (

    select
        events.*,
        machine_agents.reason as machine_reason

    from events
    left join machine_agents
        on events.user_agent = machine_agents.user_agent

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
            machine_reason='machine_reason',
        ) }}

    from events_joined

),

{{ judge_activities('email', ['events_named']) }}
