-- Wrong sheets stop the build in int_rule_faults, before anything is counted.
-- depends_on: {{ ref('int_rule_faults') }}
{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['feed', 'feed_table', 'source_file'],
        on_schema_change='fail',
        post_hook='{{ remember_counted_files() }}',
    )
}}

with

rows_told as (
    {% for feed in intent_feeds() %}
        select
            feed,
            feed_table,
            source_file,
            activity,
            quarantine_reason,
            occurred_at,
            coalesce(version_at, occurred_at) as told_at,
            coalesce(received_at, occurred_at) as received_at

        from {{ ref('int_' ~ feed ~ '__activities') }}
        where {{ is_new_file('source_file') }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

rows_counted as (

    select
        feed,
        feed_table,
        source_file,
        cast(received_at as date) as arrived_on,
        cast(case when quarantine_reason is null then occurred_at end as date)
            as happened_on,
        count(*) as row_count,
        count(quarantine_reason) as quarantined,
        count(case when quarantine_reason = 'unknown_event_name' then 1 end)
            as unknown_names,
        count(case when activity is null and quarantine_reason is null then 1 end)
            as no_activity,
        max(case when quarantine_reason is null then told_at end) as newest_event_at,
        max(received_at) as newest_arrival_at

    from rows_told
    group by 1, 2, 3, 4, 5

),

{% if is_incremental() %}

    -- Of an hour of which a loader took all rows away, nothing is left.
    files_emptied as (

        select distinct
            counted_before.feed,
            counted_before.feed_table,
            counted_before.source_file

        from {{ this }} as counted_before
        left join rows_counted
            on
                counted_before.feed = rows_counted.feed
                and counted_before.feed_table = rows_counted.feed_table
                and counted_before.source_file = rows_counted.source_file
        where
            {{ is_new_file('counted_before.source_file') }}
            and rows_counted.source_file is null

    ),

    files_counted as (

        select * from rows_counted
        union all
        select
            feed,
            feed_table,
            source_file,
            cast(null as date) as arrived_on,
            cast(null as date) as happened_on,
            0 as row_count,
            0 as quarantined,
            0 as unknown_names,
            0 as no_activity,
            cast(null as {{ dbt.type_timestamp() }}) as newest_event_at,
            cast(null as {{ dbt.type_timestamp() }}) as newest_arrival_at

        from files_emptied

    ),

{% else %}

    files_counted as (

        select * from rows_counted

    ),

{% endif %}

final as (

    select
        *,
        {{ run_id() }} as run_id

    from files_counted

)

select * from final
