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

events_named as (

    select
        events.event_id,
        events.event_name,
        event_names.activity,
        events.customer_id,
        cast(null as {{ dbt.type_string() }}) as user_id,
        cast(null as {{ dbt.type_string() }}) as crm_id,
        events.email,
        cast(null as {{ dbt.type_string() }}) as phone,
        cast(null as {{ dbt.type_string() }}) as anonymous_id,
        events.malformed_columns,
        events.source_file,
        events.event_time as occurred_at,
        events.received_at,
        case
            when event_names.event_name is null then 'unknown_event_name'
        end as bad_value,
        case
            when events.is_machine_open and event_names.activity = 'email_opened'
                then 'mail_privacy_open'
            else machine_agents.reason
        end as machine_reason

    from events
    left join event_names
        on events.event_name = event_names.event_name
    left join machine_agents
        on events.user_agent = machine_agents.user_agent

),

judged as (

    select
        'email' as feed,
        'events' as feed_table,
        event_id,
        event_name,
        activity,
        'email:' || event_id as business_key,
        customer_id,
        user_id,
        crm_id,
        email,
        phone,
        anonymous_id,
        {{ first_identifier() }} as identifier,
        cast(null as {{ dbt.type_string() }}) as reversed_order_id,
        {{ quarantine_reason() }} as quarantine_reason,
        malformed_columns,
        source_file,
        occurred_at,
        received_at,
        cast(null as {{ dbt.type_timestamp() }}) as version_at,
        cast(null as {{ dbt.type_timestamp() }}) as reversed_at

    from events_named

)

select * from judged
