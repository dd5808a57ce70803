{{ config(enabled='web' in var('intent_feeds'), materialized='view') }}

with

events as (

    select * from {{ ref('stg_web__events') }}

),

identifies as (

    select * from {{ ref('stg_web__identifies') }}

),

event_names as (

    select * from {{ ref('event_names') }}
    where feed = 'web'

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
            identifiers=['user_id', 'email', 'anonymous_id'],
            feed_table="'events'",
            event_id='event_id',
            event_name='event_name',
            activity='activity',
            business_key="case when activity = 'purchase' then order_id end",
            product_category='product_category',
            user_agent='user_agent',
            amount='value',
            currency='currency',
            occurred_at='event_time',
            bad_value="case
            when has_unknown_name then 'unknown_event_name'
            when quantity < 0 then 'negative_quantity'
        end",
            machine_reason='machine_reason',
        ) }}

    from events_joined

),

identifies_named as (

    select
        {{ activity_columns(
            identifiers=['user_id', 'email', 'phone', 'anonymous_id'],
            feed_table="'identifies'",
            event_id='event_id',
            event_name="'Identify'",
            occurred_at='event_time',
        ) }}

    from identifies

),

{{ judge_activities('web', ['events_named', 'identifies_named']) }}
