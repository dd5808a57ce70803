{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='order_key',
        on_schema_change='fail',
        post_hook='delete from {{ this }} where identifier is null',
    )
}}

with

changes as (

    select
        business_key,
        activity,
        reversed_order_id,
        run_id

    from {{ ref('int_activity_changes') }}
    where activity = 'purchase' or reversed_order_id is not null

),

reversals as (

    select
        business_key as order_key,
        cast(reversed_at as date) as reversed_date,
        known_from,
        known_to

    from {{ ref('int_reversals') }}

),

{% if is_incremental() %}

    last_count as (

        select coalesce(max(run_id), 0) as run_id from {{ this }}

    ),

    touched_orders as (

        select changes.business_key as order_key
        from changes
        cross join last_count
        where changes.activity = 'purchase' and changes.run_id > last_count.run_id
        union
        select 'order:' || changes.reversed_order_id as order_key
        from changes
        cross join last_count
        where
            changes.reversed_order_id is not null
            and changes.run_id > last_count.run_id
        union
        -- All were judged anew since: no order here stands for sure.
        select order_key from {{ this }}
        where
            (select min(changes.run_id) from changes)
            > (select last_count.run_id from last_count)

    ),

{% else %}

    touched_orders as (

        select distinct business_key as order_key from changes
        where activity = 'purchase'

    ),

{% endif %}

orders_told as (

    select
        touched_orders.order_key,
        activities.identifier,
        activities.occurred_at as ordered_at,
        activities.amount,
        upper(activities.currency) as currency,
        activities.known_from,
        activities.known_to,
        min(cast(activities.occurred_at as date)) over (
            partition by touched_orders.order_key
        ) as first_date

    from {{ ref('int_activities_known') }} as activities
    inner join touched_orders
        on activities.business_key = touched_orders.order_key
    where activities.activity = 'purchase'

),

tellings as (

    select
        *,
        {{ learned_on('known_from', 'first_date') }} as learned_on,
        {{ learned_on('known_to', 'first_date') }} as replaced_on

    from orders_told

),

order_dates as (

    select distinct
        order_key,
        first_date

    from tellings

),

-- The words that take an order back: of its cancellations and its full returns.
words as (

    select
        order_dates.order_key,
        order_dates.first_date,
        reversals.reversed_date,
        reversals.known_from,
        reversals.known_to,
        {{ learned_on('reversals.known_from', 'order_dates.first_date') }}
            as learned_on,
        {{ learned_on('reversals.known_to', 'order_dates.first_date') }} as replaced_on

    from order_dates
    inner join reversals
        on order_dates.order_key = reversals.order_key

),

lessons as (

    {{ list_lessons(['order_key', 'first_date']) }}

),

-- What was learned on a UTC day is known from the last of it on.
lesson_days as (

    select
        order_key,
        first_date,
        learned_on,
        {{ known_from_end_of('first_date', 'max(learned_at)') }} as known_from

    from lessons
    group by 1, 2, 3

),

states_of_knowledge as (

    select
        *,
        row_number() over days_learned as state,
        lead(known_from) over days_learned as known_to

    from lesson_days
    window days_learned as (
        partition by order_key
        order by learned_on
    )

),

words_known as (

    select
        states.order_key,
        states.state,
        min(words.reversed_date) as reversed_date

    from states_of_knowledge as states
    inner join words
        on
            states.order_key = words.order_key
            and states.learned_on >= words.learned_on
            and (words.replaced_on is null or states.learned_on < words.replaced_on)
    group by 1, 2

),

orders_known as (

    select
        states.order_key,
        states.state,
        states.known_from,
        states.known_to,
        tellings.identifier,
        tellings.ordered_at,
        tellings.amount,
        tellings.currency,
        cast(tellings.ordered_at as date) as valid_from,
        words_known.reversed_date as valid_to

    from states_of_knowledge as states
    inner join tellings
        on
            states.order_key = tellings.order_key
            and states.learned_on >= tellings.learned_on
            and (
                tellings.replaced_on is null
                or states.learned_on < tellings.replaced_on
            )
    left join words_known
        on
            states.order_key = words_known.order_key
            and states.state = words_known.state

),

orders_compared as (

    select
        *,
        state - row_number() over (
            partition by
                order_key, identifier, ordered_at, amount, currency, valid_to
            order by state
        ) as run_of_states

    from orders_known

),

-- What was learned that changed nothing makes no version.
orders_merged as (

    select
        order_key,
        identifier,
        ordered_at,
        amount,
        currency,
        valid_from,
        valid_to,
        run_of_states,
        min(known_from) as known_from,
        case when count(known_to) = count(*) then max(known_to) end as known_to

    from orders_compared
    group by 1, 2, 3, 4, 5, 6, 7, 8

),

-- An order that is told no more has no identifier, so that it replaces what stood
-- there; the post-hook takes it away.
final as (

    select
        touched_orders.order_key,
        orders_merged.identifier,
        orders_merged.ordered_at,
        orders_merged.amount,
        orders_merged.currency,
        orders_merged.valid_from,
        orders_merged.valid_to,
        orders_merged.known_from,
        orders_merged.known_to,
        {{ run_id() }} as run_id

    from touched_orders
    left join orders_merged
        on touched_orders.order_key = orders_merged.order_key

)

select * from final
