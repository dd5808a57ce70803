{{ config(enabled=is_connected('web', 'segment')) }}

{#-
    `tracks` has of each event only what all events have: what else was sent with it is
    in a table of the event's own, which is there once such an event was sent.
-#}
{% set event_tables = [
    'product_viewed', 'product_clicked', 'product_added', 'product_removed',
    'product_added_to_wishlist', 'product_shared', 'products_searched',
    'checkout_started', 'order_completed',
] %}

with

tracks as (

    select * from {{ loader_table('segment', 'tracks') }}

),

pages as (

    select * from {{ loader_table('segment', 'pages') }}

),

properties as (
    {% for event_table in event_tables %}
        select
            id,
            product_id,
            category,
            order_id,
            query,
            quantity,
            coalesce(total, revenue, value, price) as value,
            currency,
            malformed_columns

        from {{ loader_table('segment', event_table) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- The warehouse may hold a call twice.
properties_of_calls as (

    select
        id,
        max(product_id) as product_id,
        max(category) as category,
        max(order_id) as order_id,
        max(query) as query,
        max(quantity) as quantity,
        max(value) as value,
        max(currency) as currency,
        max(malformed_columns) as malformed_columns

    from properties
    group by 1

),

tracks_joined as (

    select
        tracks.id as event_id,
        tracks.event_text as event_name,
        tracks.timestamp as event_time,
        tracks.received_at,
        tracks.anonymous_id,
        tracks.user_id,
        tracks.context_traits_email as email,
        tracks.context_page_path as page_path,
        tracks.context_page_referrer as referrer,
        tracks.context_campaign_name as campaign,
        tracks.context_campaign_source as entry_source,
        tracks.context_campaign_term as search_phrase,
        properties_of_calls.query as search_query,
        properties_of_calls.product_id,
        properties_of_calls.category as product_category,
        properties_of_calls.order_id,
        properties_of_calls.quantity,
        properties_of_calls.value,
        properties_of_calls.currency,
        tracks.context_user_agent as user_agent,
        coalesce(tracks.malformed_columns, properties_of_calls.malformed_columns)
            as malformed_columns

    from tracks
    left join properties_of_calls
        on tracks.id = properties_of_calls.id

),

pages_named as (

    select
        id as event_id,
        'Page Viewed' as event_name,
        timestamp as event_time,
        received_at,
        anonymous_id,
        user_id,
        context_traits_email as email,
        coalesce(path, context_page_path) as page_path,
        coalesce(referrer, context_page_referrer) as referrer,
        context_campaign_name as campaign,
        context_campaign_source as entry_source,
        context_campaign_term as search_phrase,
        cast(null as {{ dbt.type_string() }}) as search_query,
        cast(null as {{ dbt.type_string() }}) as product_id,
        cast(null as {{ dbt.type_string() }}) as product_category,
        cast(null as {{ dbt.type_string() }}) as order_id,
        cast(null as {{ type_double() }}) as quantity,
        cast(null as {{ type_double() }}) as value,
        cast(null as {{ dbt.type_string() }}) as currency,
        context_user_agent as user_agent,
        malformed_columns

    from pages

),

unioned as (

    select * from tracks_joined
    union all
    select * from pages_named

)

select * from unioned
