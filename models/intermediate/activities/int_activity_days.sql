-- An incremental run reads it.
-- depends_on: {{ ref('int_activity_changes') }}
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

{% if is_incremental() %}

    last_count as (

        select coalesce(max(run_id), 0) as run_id from {{ this }}

    ),

    changes as (

        select changes.*
        from {{ ref('int_activity_changes') }} as changes
        cross join last_count
        where changes.run_id > last_count.run_id

    ),

    -- Also by tellings that no longer count: what they took back stands again.
    orders_touched as (

        select distinct 'order:' || reversed_order_id as order_key from changes
        where reversed_order_id is not null

    ),

    touched_days as (

        select
            identifier,
            activity,
            cast(occurred_at as date) as activity_date

        from changes
        union
        select
            purchases.identifier,
            purchases.activity,
            cast(purchases.occurred_at as date) as activity_date

        from {{ ref('int_activities_judged') }} as purchases
        inner join orders_touched
            on purchases.business_key = orders_touched.order_key
        where purchases.disposition <> 'quarantined' and purchases.activity = 'purchase'
        union
        -- All activities were judged anew since: no day here stands for sure.
        select
            identifier,
            activity,
            activity_date

        from {{ this }}
        where
            (select min(told.run_id) from {{ ref('int_activity_changes') }} as told)
            > (select last_count.run_id from last_count)

    ),

    activities_of_days as (

        select
            activities.identifier,
            activities.activity,
            touched_days.activity_date,
            case when activities.activity = 'purchase' then activities.business_key end
                as order_key,
            activities.disposition,
            activities.quantity,
            activities.occurred_at,
            activities.taken_back_at

        from {{ ref('int_activities_judged') }} as activities
        inner join touched_days
            on
                activities.identifier = touched_days.identifier
                and activities.activity = touched_days.activity
                and cast(activities.occurred_at as date) = touched_days.activity_date
        where activities.disposition <> 'quarantined'
        union all
        -- A day of which nothing is left is a day of nothing.
        select
            identifier,
            activity,
            activity_date,
            cast(null as {{ dbt.type_string() }}) as order_key,
            'none' as disposition,
            0 as quantity,
            cast(null as {{ dbt.type_timestamp() }}) as occurred_at,
            cast(null as {{ dbt.type_timestamp() }}) as taken_back_at

        from touched_days

    ),

{% else %}

    activities_of_days as (

        select
            identifier,
            activity,
            cast(occurred_at as date) as activity_date,
            case when activity = 'purchase' then business_key end as order_key,
            disposition,
            quantity,
            occurred_at,
            taken_back_at

        from {{ ref('int_activities_judged') }}
        where disposition <> 'quarantined'

    ),

{% endif %}

full_returns as (

    select
        'order:' || reversed_order_id as order_key,
        min(occurred_at) as returned_at

    from {{ ref('int_activities_judged') }}
    where disposition = 'counted' and reversed_order_id is not null
    group by 1

),

-- An order is taken back by its cancellation or its full return, whichever was first.
activities_reversed as (

    select
        activities_of_days.identifier,
        activities_of_days.activity,
        activities_of_days.activity_date,
        activities_of_days.occurred_at,
        activities_of_days.disposition,
        activities_of_days.quantity,
        cast(
            least(
                coalesce(activities_of_days.taken_back_at, full_returns.returned_at),
                coalesce(full_returns.returned_at, activities_of_days.taken_back_at)
            ) as date
        ) as reversed_date

    from activities_of_days
    left join full_returns
        on activities_of_days.order_key = full_returns.order_key

),

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

    from activities_reversed
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

    select activities_reversed.*
    from activities_reversed
    inner join reversed_days
        on
            activities_reversed.identifier = reversed_days.identifier
            and activities_reversed.activity = reversed_days.activity
            and activities_reversed.activity_date = reversed_days.activity_date
    where activities_reversed.disposition = 'counted'

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
