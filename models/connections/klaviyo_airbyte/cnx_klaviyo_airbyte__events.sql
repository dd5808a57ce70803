{{ config(enabled=is_connected('email', 'klaviyo_airbyte')) }}

with

events as (

    select
        id as event_id,
        datetime as event_time,
        _airbyte_extracted_at as received_at,
        malformed_columns,
        {{ json_text('relationships', ['metric', 'data', 'id']) }} as metric_id,
        {{ json_text('relationships', ['profile', 'data', 'id']) }} as profile_id,
        {{ json_text('attributes', ['event_properties', '$message']) }} as message_id,
        {{ json_text('attributes', ['event_properties', '$flow']) }} as flow_id,
        {{ json_text('attributes', ['event_properties', 'URL']) }} as url,
        {{ json_text('attributes', ['event_properties', 'Apple Privacy Open']) }}
            as apple_privacy_open

    from {{ loader_table('klaviyo_airbyte', 'events') }}

),

metrics as (

    select
        id as metric_id,
        {{ json_text('attributes', ['name']) }} as metric_name

    from {{ loader_table('klaviyo_airbyte', 'metrics') }}

),

profiles as (

    select
        id as profile_id,
        {{ json_text('attributes', ['email']) }} as email,
        {{ json_text('attributes', ['external_id']) }} as customer_id

    from {{ loader_table('klaviyo_airbyte', 'profiles') }}

),

joined as (

    select
        events.event_id,
        metrics.metric_name as event_name,
        events.event_time,
        events.received_at,
        profiles.email,
        profiles.customer_id,
        coalesce(events.flow_id, events.message_id) as campaign_id,
        events.message_id,
        {{ without_query('events.url') }} as url,
        lower(events.apple_privacy_open) = 'true' as is_machine_open,
        events.malformed_columns

    from events
    left join metrics
        on events.metric_id = metrics.metric_id
    left join profiles
        on events.profile_id = profiles.profile_id

)

select * from joined
