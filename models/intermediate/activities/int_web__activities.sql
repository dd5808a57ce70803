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

events_named as (

    select
        'events' as feed_table,
        events.event_id,
        events.event_name,
        event_names.activity,
        case
            when event_names.activity = 'purchase' then events.order_id
        end as business_key,
        cast(null as {{ dbt.type_string() }}) as customer_id,
        events.user_id,
        cast(null as {{ dbt.type_string() }}) as crm_id,
        events.email,
        cast(null as {{ dbt.type_string() }}) as phone,
        events.anonymous_id,
        events.malformed_columns,
        events.source_file,
        events.event_time as occurred_at,
        events.received_at,
        case
            when event_names.event_name is null then 'unknown_event_name'
            when events.quantity < 0 then 'negative_quantity'
        end as bad_value,
        machine_agents.reason as machine_reason

    from events
    left join event_names
        on events.event_name = event_names.event_name
    left join machine_agents
        on events.user_agent = machine_agents.user_agent

),

identifies_named as (

    select
        'identifies' as feed_table,
        event_id,
        'Identify' as event_name,
        cast(null as {{ dbt.type_string() }}) as activity,
        cast(null as {{ dbt.type_string() }}) as business_key,
        cast(null as {{ dbt.type_string() }}) as customer_id,
        user_id,
        cast(null as {{ dbt.type_string() }}) as crm_id,
        email,
        phone,
        anonymous_id,
        malformed_columns,
        source_file,
        event_time as occurred_at,
        received_at,
        cast(null as {{ dbt.type_string() }}) as bad_value,
        cast(null as {{ dbt.type_string() }}) as machine_reason

    from identifies

),

unioned as (

    select * from events_named
    union all
    select * from identifies_named

),

judged as (

    select
        'web' as feed,
        feed_table,
        event_id,
        event_name,
        activity,
        coalesce(business_key, 'web:' || event_id) as business_key,
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

    from unioned

)

select * from judged
