{{ config(enabled=is_connected('email', 'klaviyo_fivetran')) }}

with

events as (

    select * from {{ loader_table('klaviyo_fivetran', 'event') }}

),

metrics as (

    select * from {{ loader_table('klaviyo_fivetran', 'metric') }}

),

people as (

    select * from {{ loader_table('klaviyo_fivetran', 'person') }}

),

joined as (

    select
        events.id as event_id,
        metrics.name as event_name,
        events.datetime as event_time,
        events._fivetran_synced as received_at,
        people.email,
        coalesce(events.campaign_id, events.flow_id) as campaign_id,
        coalesce(events.flow_message_id, events.campaign_id) as message_id,
        {{ without_query('events.property_url') }} as url,
        events.property_apple_privacy_open as is_machine_open,
        events.malformed_columns

    from events
    left join metrics
        on events.metric_id = metrics.id
    left join people
        on events.person_id = people.id

)

select * from joined
