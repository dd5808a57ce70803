{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='activity_key',
        on_schema_change='fail',
    )
}}

with

feed_preferences as (

    select * from {{ ref('feed_preferences') }}

),

new_rows as (
    {% for feed in var('intent_feeds') %}
        select
            feed,
            feed_table,
            event_id,
            event_name,
            activity,
            business_key,
            identifier,
            reversed_order_id,
            quarantine_reason,
            malformed_columns,
            source_file,
            occurred_at,
            received_at,
            version_at,
            reversed_at

        from {{ ref('int_' ~ feed ~ '__activities') }}
        where
            (activity is not null or quarantine_reason is not null)
            {% if is_incremental() %}
                and {{ is_new_file('source_file') }}
            {% endif %}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

new_rows_keyed as (

    select
        {{ activity_key() }} as activity_key,
        new_rows.*

    from new_rows

),

{% if is_incremental() %}

    touched_keys as (

        select distinct activity_key from new_rows_keyed

    ),

    -- What was told before of the same things is judged again with them.
    rows_told as (

        select
            told.activity_key,
            told.feed,
            told.feed_table,
            told.event_id,
            told.event_name,
            told.activity,
            told.business_key,
            told.identifier,
            told.reversed_order_id,
            told.quarantine_reason,
            told.malformed_columns,
            told.source_file,
            told.occurred_at,
            told.received_at,
            told.version_at,
            told.reversed_at

        from {{ this }} as told
        inner join touched_keys
            on told.activity_key = touched_keys.activity_key
        where not {{ is_new_file('told.source_file') }}
        union all
        select * from new_rows_keyed

    ),

{% else %}

    rows_told as (

        select * from new_rows_keyed

    ),

{% endif %}

rows_ranked as (

    select
        rows_told.*,
        row_number() over (
            partition by rows_told.activity_key
            order by
                feed_preferences.preference,
                case when rows_told.version_at is null then 1 else 0 end,
                rows_told.version_at desc,
                rows_told.occurred_at,
                rows_told.identifier,
                rows_told.event_id,
                rows_told.received_at,
                case when rows_told.reversed_at is null then 1 else 0 end,
                rows_told.reversed_at,
                rows_told.source_file
        ) as telling

    from rows_told
    left join feed_preferences
        on rows_told.feed = feed_preferences.feed

),

winners as (

    select
        activity_key,
        feed,
        event_id,
        version_at

    from rows_ranked
    where telling = 1

),

rows_judged as (

    select
        rows_ranked.activity_key,
        rows_ranked.feed,
        rows_ranked.feed_table,
        rows_ranked.event_id,
        rows_ranked.event_name,
        rows_ranked.activity,
        rows_ranked.business_key,
        rows_ranked.identifier,
        rows_ranked.reversed_order_id,
        case
            when rows_ranked.quarantine_reason is not null then 'quarantined'
            when rows_ranked.telling = 1 then 'counted'
            when
                rows_ranked.feed = winners.feed
                and rows_ranked.event_id = winners.event_id
                and (
                    rows_ranked.version_at = winners.version_at
                    or (rows_ranked.version_at is null and winners.version_at is null)
                )
                then 'duplicate'
            else 'superseded'
        end as disposition,
        rows_ranked.quarantine_reason,
        rows_ranked.malformed_columns,
        rows_ranked.source_file,
        rows_ranked.occurred_at,
        rows_ranked.received_at,
        rows_ranked.version_at,
        rows_ranked.reversed_at,
        {{ run_id() }} as run_id

    from rows_ranked
    left join winners
        on
            rows_ranked.telling > 1
            and rows_ranked.activity_key = winners.activity_key

)

select * from rows_judged
