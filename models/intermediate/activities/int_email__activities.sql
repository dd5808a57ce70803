{{ config(enabled='email' in var('intent_feeds'), materialized='view') }}

with

events as (

    select * from {{ ref('stg_email__events') }}

),

event_names as (

    select * from {{ ref('event_names') }}
    where feed = 'email'

),

machine_agents as (

    select * from {{ ref('int_machine_agents') }}

),

events_joined as (

    select
        events.*,
        event_names.activity,
        event_names.event_name is null as has_unknown_name,
        machine_agents.reason as machine_reason

    from events
    left join event_names
        on events.event_name = event_names.event_name
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
            activity='activity',
            user_agent='user_agent',
            message_id='message_id',
            is_machine_flagged='is_machine_open',
            occurred_at='event_time',
            bad_value="case when has_unknown_name then 'unknown_event_name' end",
            machine_reason="case
            when is_machine_open and activity = 'email_opened' then 'mail_privacy_open'
            else machine_reason
        end",
        ) }}

    from events_joined

),

{{ judge_activities('email', ['events_named']) }}
