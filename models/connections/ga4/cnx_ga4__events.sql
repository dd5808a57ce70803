{{ config(enabled=is_connected('web', 'ga4')) }}

{#-
    The export numbers no events: what tells two apart makes their id. Nor does it say
    when an event arrived, so they arrive when they happen.
-#}
{% set told_apart_by = [
    'stream_id', 'user_pseudo_id', 'event_timestamp', 'event_name',
    'event_bundle_sequence_id', 'batch_page_id', 'batch_ordering_id',
    'batch_event_index',
] %}

with

events as (

    select * from {{ source('ga4', 'events') }}

),

unnested as (

    select
        {{ dbt.hash(texts_joined(told_apart_by)) }} as event_id,
        events.event_name,
        {{ micros_to_timestamp('event_timestamp') }} as event_time,
        events.user_pseudo_id as anonymous_id,
        events.user_id,
        {{ ga4_param('ga_session_id', 'int_value') }} as session_number,
        {{ ga4_param('page_location', 'string_value') }} as page_location,
        {{ ga4_param('page_referrer', 'string_value') }} as referrer,
        {{ ga4_param('campaign', 'string_value') }} as campaign,
        {{ ga4_param('source', 'string_value') }} as entry_source,
        {{ ga4_param('term', 'string_value') }} as search_phrase,
        {{ ga4_param('search_term', 'string_value') }} as search_query,
        {{ ga4_first_item('item_id') }} as product_id,
        {{ ga4_first_item('item_category') }} as product_category,
        coalesce(
            nullif(events.ecommerce.transaction_id, '(not set)'),
            {{ ga4_param('transaction_id', 'string_value') }}
        ) as order_id,
        {{ ga4_first_item('quantity') }} as quantity,
        events.ecommerce.purchase_revenue,
        {{ ga4_param('value', 'double_value') }} as double_value,
        {{ ga4_param('value', 'int_value') }} as int_value,
        {{ ga4_param('currency', 'string_value') }} as currency

    from events

),

renamed as (

    select
        event_id,
        event_name,
        event_time,
        event_time as received_at,
        anonymous_id,
        user_id,
        anonymous_id || '-' || cast(session_number as {{ dbt.type_string() }})
            as session_id,
        {{ url_path('page_location') }} as page_path,
        referrer,
        -- Google's own words, such as (direct), stand in brackets.
        case when campaign not like '(%' then campaign end as campaign,
        case when entry_source not like '(%' then entry_source end as entry_source,
        case when search_phrase not like '(%' then search_phrase end as search_phrase,
        search_query,
        product_id,
        product_category,
        order_id,
        quantity,
        coalesce(purchase_revenue, double_value, int_value) as value,
        currency

    from unnested

)

select * from renamed
