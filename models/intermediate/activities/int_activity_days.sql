{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['identifier', 'activity', 'activity_date'],
        on_schema_change='fail',
        post_hook='delete from {{ this }} where event_count = 0',
    )
}}

with

activities as (

    select
        activity_key,
        activity,
        business_key,
        identifier,
        reversed_order_id,
        disposition,
        quantity,
        occurred_at,
        taken_back_at,
        run_id

    from {{ ref('int_activities') }}
    where disposition <> 'quarantined'

),

-- A telling that no longer counts is kept for its run_id: the order's day is touched.
full_returns as (

    select
        'order:' || reversed_order_id as order_key,
        min(case when disposition = 'counted' then occurred_at end) as returned_at,
        max(run_id) as run_id

    from activities
    where reversed_order_id is not null
    group by 1

),

-- An order is taken back by its cancellation or its full return, whichever was first.
activities_reversed as (

    select
        activities.identifier,
        activities.activity,
        cast(activities.occurred_at as date) as activity_date,
        activities.occurred_at,
        activities.disposition,
        activities.quantity,
        cast(
            least(
                coalesce(activities.taken_back_at, full_returns.returned_at),
                coalesce(full_returns.returned_at, activities.taken_back_at)
            ) as date
        ) as reversed_date,
        greatest(
            activities.run_id, coalesce(full_returns.run_id, activities.run_id)
        ) as run_id

    from activities
    left join full_returns
        on
            activities.activity = 'purchase'
            and activities.business_key = full_returns.order_key

),

{% if is_incremental() %}

    touched_days as (

        select distinct
            identifier,
            activity,
            activity_date

        from activities_reversed
        where run_id > (select coalesce(max(run_id), 0) from {{ this }})
        union
        -- All activities were judged anew since: no day here stands for sure.
        select
            identifier,
            activity,
            activity_date

        from {{ this }}
        where
            (select min(run_id) from activities)
            > (select coalesce(max(run_id), 0) from {{ this }})

    ),

    activities_of_days as (

        select
            touched_days.identifier,
            touched_days.activity,
            touched_days.activity_date,
            activities_reversed.occurred_at,
            activities_reversed.disposition,
            activities_reversed.quantity,
            activities_reversed.reversed_date,
            activities_reversed.run_id

        from touched_days
        left join activities_reversed
            on
                touched_days.identifier = activities_reversed.identifier
                and touched_days.activity = activities_reversed.activity
                and touched_days.activity_date = activities_reversed.activity_date

    ),

{% else %}

    activities_of_days as (

        select * from activities_reversed

    ),

{% endif %}

-- The days as they were told first. One of which nothing counts any more has no events,
-- so that it replaces what stood there; the post-hook takes it away.
days as (

    select
        identifier,
        activity,
        activity_date,
        sum(case when disposition = 'counted' then quantity else 0 end) as quantity,
        count(case when disposition = 'counted' then occurred_at end) as event_count,
        min(case when disposition = 'counted' then occurred_at end) as first_at,
        max(case when disposition = 'counted' then occurred_at end) as last_at,
        count(case when disposition = 'counted' then reversed_date end) as reversals

    from activities_of_days
    group by 1, 2, 3

),

-- A day with reversals has a version from each day on which one of them took effect.
reversed_days as (

    select
        identifier,
        activity,
        activity_date

    from days
    where reversals > 0

),

activities_of_reversed_days as (

    select activities_of_days.*
    from activities_of_days
    inner join reversed_days
        on
            activities_of_days.identifier = reversed_days.identifier
            and activities_of_days.activity = reversed_days.activity
            and activities_of_days.activity_date = reversed_days.activity_date
    where activities_of_days.disposition = 'counted'

),

version_starts as (

    select
        identifier,
        activity,
        activity_date,
        activity_date as valid_from

    from reversed_days
    union
    select
        identifier,
        activity,
        activity_date,
        reversed_date as valid_from

    from activities_of_reversed_days
    where reversed_date > activity_date

),

versions as (

    select
        *,
        lead(valid_from) over (
            partition by identifier, activity, activity_date
            order by valid_from
        ) as valid_to

    from version_starts

),

days_versioned as (

    select
        versions.identifier,
        versions.activity,
        versions.activity_date,
        versions.valid_from,
        versions.valid_to,
        coalesce(sum(told.quantity), 0) as quantity,
        count(told.occurred_at) as event_count,
        min(told.occurred_at) as first_at,
        max(told.occurred_at) as last_at

    from versions
    left join activities_of_reversed_days as told
        on
            versions.identifier = told.identifier
            and versions.activity = told.activity
            and versions.activity_date = told.activity_date
            and (
                told.reversed_date is null or versions.valid_from < told.reversed_date
            )
    group by 1, 2, 3, 4, 5

),

days_unioned as (

    select
        identifier,
        activity,
        activity_date,
        activity_date as valid_from,
        cast(null as date) as valid_to,
        quantity,
        event_count,
        first_at,
        last_at

    from days
    where reversals = 0
    union all
    select * from days_versioned

),

final as (

    select
        identifier,
        activity,
        activity_date,
        valid_from,
        valid_to,
        cast(quantity as bigint) as quantity,
        cast(event_count as bigint) as event_count,
        first_at,
        last_at,
        {{ run_id() }} as run_id

    from days_unioned

)

select * from final
