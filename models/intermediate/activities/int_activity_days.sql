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

{% set occurred_on = 'cast(activities.occurred_at as date)' %}

with

reversals as (

    select
        *,
        cast(reversed_at as date) as reversed_date

    from {{ ref('int_reversals') }}

),

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

        from {{ ref('int_activities_known') }} as purchases
        inner join orders_touched
            on purchases.business_key = orders_touched.order_key
        where purchases.activity = 'purchase'
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

{% endif %}

activities_of_days as (

    select
        activities.identifier,
        activities.activity,
        {{ occurred_on }} as activity_date,
        activities.business_key,
        activities.quantity,
        activities.occurred_at,
        activities.known_from,
        activities.known_to

    from {{ ref('int_activities_known') }} as activities
    {% if is_incremental() %}
        inner join touched_days
            on
                activities.identifier = touched_days.identifier
                and activities.activity = touched_days.activity
                and {{ occurred_on }} = touched_days.activity_date
    {% endif %}
    -- What a better telling replaced within a day was never known.
    where
        activities.known_to is null
        or {{ learned_on('activities.known_from', occurred_on) }}
        < {{ learned_on('activities.known_to', occurred_on) }}

),

-- The days as they were told first. One of which nothing counts any more has no events,
-- so that it replaces what stood there; the post-hook takes it away.
days as (

    select
        identifier,
        activity,
        activity_date,
        sum(case when known_to is null then quantity else 0 end) as quantity,
        count(case when known_to is null then occurred_at end) as event_count,
        min(case when known_to is null then occurred_at end) as first_at,
        max(case when known_to is null then occurred_at end) as last_at,
        count(known_to) as replaced_count,
        min(known_from) as first_known_from,
        max(known_from) as known_from

    from activities_of_days
    group by 1, 2, 3
    {% if is_incremental() %}
        union all
        select
            touched_days.identifier,
            touched_days.activity,
            touched_days.activity_date,
            0 as quantity,
            0 as event_count,
            cast(null as {{ dbt.type_timestamp() }}) as first_at,
            cast(null as {{ dbt.type_timestamp() }}) as last_at,
            0 as replaced_count,
            cast(null as {{ dbt.type_timestamp() }}) as first_known_from,
            cast(null as {{ dbt.type_timestamp() }}) as known_from

        from touched_days
        left join activities_of_days
            on
                touched_days.identifier = activities_of_days.identifier
                and touched_days.activity = activities_of_days.activity
                and touched_days.activity_date = activities_of_days.activity_date
        where activities_of_days.activity_date is null
    {% endif %}

),

-- Few days have more than one version: those of which something was learned at several
-- times, or taken back. All below is about them.
days_with_versions as (

    select
        identifier,
        activity,
        activity_date

    from days
    where
        replaced_count > 0
        or {{ learned_on('first_known_from', 'activity_date') }}
        < {{ learned_on('known_from', 'activity_date') }}
    union
    select
        activities_of_days.identifier,
        activities_of_days.activity,
        activities_of_days.activity_date

    from activities_of_days
    inner join reversals
        on
            activities_of_days.business_key = reversals.business_key
            and (
                reversals.activity is null
                or activities_of_days.activity = reversals.activity
            )

),

tellings as (

    select
        activities_of_days.*,
        {{ learned_on(
            'activities_of_days.known_from', 'activities_of_days.activity_date'
        ) }} as learned_on,
        {{ learned_on(
            'activities_of_days.known_to', 'activities_of_days.activity_date'
        ) }} as replaced_on

    from activities_of_days
    inner join days_with_versions
        on
            activities_of_days.identifier = days_with_versions.identifier
            and activities_of_days.activity = days_with_versions.activity
            and activities_of_days.activity_date = days_with_versions.activity_date

),

-- The words that take something of a day back.
words as (

    select distinct
        tellings.identifier,
        tellings.activity,
        tellings.activity_date,
        tellings.business_key,
        reversals.reversed_date,
        reversals.known_from,
        reversals.known_to,
        {{ learned_on('reversals.known_from', 'tellings.activity_date') }}
            as learned_on,
        {{ learned_on('reversals.known_to', 'tellings.activity_date') }} as replaced_on

    from tellings
    inner join reversals
        on
            tellings.business_key = reversals.business_key
            and (reversals.activity is null or tellings.activity = reversals.activity)

),

lessons as (

    {{ list_lessons(['identifier', 'activity', 'activity_date']) }}

),

-- What was learned on a UTC day is known from the last of it on.
lesson_days as (

    select
        identifier,
        activity,
        activity_date,
        learned_on,
        {{ known_from_end_of('activity_date', 'max(learned_at)') }} as known_from

    from lessons
    group by 1, 2, 3, 4

),

states_of_knowledge as (

    select
        *,
        row_number() over days_learned as state,
        lead(known_from) over days_learned as known_to

    from lesson_days
    window days_learned as (
        partition by identifier, activity, activity_date
        order by learned_on
    )

),

words_known as (

    select
        states.identifier,
        states.activity,
        states.activity_date,
        states.state,
        words.business_key,
        min(words.reversed_date) as reversed_date

    from states_of_knowledge as states
    inner join words
        on
            states.identifier = words.identifier
            and states.activity = words.activity
            and states.activity_date = words.activity_date
            and states.learned_on >= words.learned_on
            and (words.replaced_on is null or states.learned_on < words.replaced_on)
    group by 1, 2, 3, 4, 5

),

tellings_known as (

    select
        states.identifier,
        states.activity,
        states.activity_date,
        states.state,
        tellings.quantity,
        tellings.occurred_at,
        words_known.reversed_date

    from states_of_knowledge as states
    inner join tellings
        on
            states.identifier = tellings.identifier
            and states.activity = tellings.activity
            and states.activity_date = tellings.activity_date
            and states.learned_on >= tellings.learned_on
            and (
                tellings.replaced_on is null
                or states.learned_on < tellings.replaced_on
            )
    left join words_known
        on
            states.identifier = words_known.identifier
            and states.activity = words_known.activity
            and states.activity_date = words_known.activity_date
            and states.state = words_known.state
            and tellings.business_key = words_known.business_key

),

-- A day with reversals has a version from each day on which one of them took effect.
version_starts as (

    select
        identifier,
        activity,
        activity_date,
        state,
        activity_date as valid_from

    from states_of_knowledge
    union
    select
        identifier,
        activity,
        activity_date,
        state,
        reversed_date as valid_from

    from tellings_known
    where reversed_date > activity_date

),

versions as (

    select
        *,
        lead(valid_from) over (
            partition by identifier, activity, activity_date, state
            order by valid_from
        ) as valid_to

    from version_starts

),

versions_told as (

    select
        versions.*,
        told.quantity,
        told.occurred_at,
        coalesce(versions.valid_from >= told.reversed_date, false) as is_taken_back

    from versions
    left join tellings_known as told
        on
            versions.identifier = told.identifier
            and versions.activity = told.activity
            and versions.activity_date = told.activity_date
            and versions.state = told.state

),

versions_counted as (

    select
        identifier,
        activity,
        activity_date,
        state,
        valid_from,
        valid_to,
        coalesce(sum(case when not is_taken_back then quantity end), 0) as quantity,
        count(case when not is_taken_back then occurred_at end) as event_count,
        min(case when not is_taken_back then occurred_at end) as first_at,
        max(case when not is_taken_back then occurred_at end) as last_at

    from versions_told
    group by 1, 2, 3, 4, 5, 6

),

versions_dated as (

    select
        counted.*,
        states.known_from,
        states.known_to,
        counted.state - row_number() over (
            partition by
                counted.identifier,
                counted.activity,
                counted.activity_date,
                counted.valid_from,
                counted.valid_to,
                counted.quantity,
                counted.event_count,
                counted.first_at,
                counted.last_at
            order by counted.state
        ) as run_of_states

    from versions_counted as counted
    inner join states_of_knowledge as states
        on
            counted.identifier = states.identifier
            and counted.activity = states.activity
            and counted.activity_date = states.activity_date
            and counted.state = states.state

),

-- What was learned that changed nothing makes no version.
versions_merged as (

    select
        identifier,
        activity,
        activity_date,
        valid_from,
        valid_to,
        quantity,
        event_count,
        first_at,
        last_at,
        run_of_states,
        min(known_from) as known_from,
        case when count(known_to) = count(*) then max(known_to) end as known_to

    from versions_dated
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10

),

days_unioned as (

    select
        days.identifier,
        days.activity,
        days.activity_date,
        days.activity_date as valid_from,
        cast(null as date) as valid_to,
        days.quantity,
        days.event_count,
        days.first_at,
        days.last_at,
        {{ known_from_end_of('days.activity_date', 'days.known_from') }} as known_from,
        cast(null as {{ dbt.type_timestamp() }}) as known_to

    from days
    left join days_with_versions
        on
            days.identifier = days_with_versions.identifier
            and days.activity = days_with_versions.activity
            and days.activity_date = days_with_versions.activity_date
    where days_with_versions.activity_date is null
    union all
    select
        identifier,
        activity,
        activity_date,
        valid_from,
        valid_to,
        quantity,
        event_count,
        first_at,
        last_at,
        known_from,
        known_to

    from versions_merged

),

final as (

    select
        identifier,
        activity,
        activity_date,
        valid_from,
        valid_to,
        known_from,
        known_to,
        cast(quantity as bigint) as quantity,
        cast(event_count as bigint) as event_count,
        first_at,
        last_at,
        {{ run_id() }} as run_id

    from days_unioned

)

select * from final
