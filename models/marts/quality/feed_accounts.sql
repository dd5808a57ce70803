{#-
    Rows in are counted at the source, the rest where they ended up, so that a row lost
    in between shows.
-#}
with

rows_in as (
    {%- for feed in intent_feeds() %}
        {%- for table in feed_tables()[feed] %}

            select
                '{{ feed }}' as feed,
                '{{ table }}' as feed_table,
                count(*) as row_count

            from {{ ref('stg_' ~ feed ~ '__' ~ table) }}
            {{ 'union all' if not loop.last }}
        {%- endfor %}
        {{ 'union all' if not loop.last }}
    {%- endfor %}

),

rows_without_activity as (

    select
        feed,
        feed_table,
        cast(sum(no_activity) as {{ dbt.type_bigint() }}) as row_count

    from {{ ref('int_feed_arrivals') }}
    group by 1, 2

),

activities as (

    select
        feed,
        feed_table,
        count(case when disposition = 'counted' then 1 end) as counted,
        count(case when disposition in ('quarantined', 'machine') then 1 end)
            as quarantined,
        count(case when disposition = 'duplicate' then 1 end) as duplicates,
        count(case when disposition = 'superseded' then 1 end) as superseded

    from {{ ref('int_activities_judged') }}
    group by 1, 2

),

accounts as (

    select
        rows_in.feed,
        rows_in.feed_table,
        rows_in.row_count as rows_in,
        coalesce(activities.counted, 0) as counted,
        coalesce(activities.quarantined, 0) as quarantined,
        coalesce(activities.duplicates, 0) as duplicates,
        coalesce(activities.superseded, 0) as superseded,
        coalesce(rows_without_activity.row_count, 0) as no_activity

    from rows_in
    left join activities
        on
            rows_in.feed = activities.feed
            and rows_in.feed_table = activities.feed_table
    left join rows_without_activity
        on
            rows_in.feed = rows_without_activity.feed
            and rows_in.feed_table = rows_without_activity.feed_table

)

select * from accounts
