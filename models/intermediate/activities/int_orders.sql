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

activities as (

    select
        activity,
        business_key,
        identifier,
        reversed_order_id,
        disposition,
        amount,
        currency,
        occurred_at,
        taken_back_at,
        run_id

    from {{ ref('int_activities_judged') }}
    where
        disposition <> 'quarantined'
        and (activity = 'purchase' or reversed_order_id is not null)

),

-- Of the tellings of an order one counts. The others are kept for their run_id.
orders_told as (

    select
        business_key as order_key,
        max(case when disposition = 'counted' then identifier end) as identifier,
        max(case when disposition = 'counted' then occurred_at end) as ordered_at,
        max(case when disposition = 'counted' then amount end) as amount,
        max(case when disposition = 'counted' then upper(currency) end) as currency,
        max(case when disposition = 'counted' then taken_back_at end) as taken_back_at,
        max(run_id) as run_id

    from activities
    where activity = 'purchase'
    group by 1

),

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
orders_reversed as (

    select
        orders_told.order_key,
        orders_told.identifier,
        orders_told.ordered_at,
        orders_told.amount,
        orders_told.currency,
        cast(orders_told.ordered_at as date) as valid_from,
        cast(
            least(
                coalesce(orders_told.taken_back_at, full_returns.returned_at),
                coalesce(full_returns.returned_at, orders_told.taken_back_at)
            ) as date
        ) as valid_to,
        greatest(
            orders_told.run_id, coalesce(full_returns.run_id, orders_told.run_id)
        ) as run_id

    from orders_told
    left join full_returns
        on orders_told.order_key = full_returns.order_key

),

{% if is_incremental() %}

    touched_orders as (

        select order_key from orders_reversed
        where run_id > (select coalesce(max(run_id), 0) from {{ this }})
        union
        -- All were judged anew since: no order here stands for sure.
        select order_key from {{ this }}
        where
            (select min(run_id) from activities)
            > (select coalesce(max(run_id), 0) from {{ this }})

    ),

{% else %}

    touched_orders as (

        select order_key from orders_reversed

    ),

{% endif %}

-- An order that is told no more has no identifier, so that it replaces what stood
-- there; the post-hook takes it away.
final as (

    select
        touched_orders.order_key,
        orders_reversed.identifier,
        orders_reversed.ordered_at,
        orders_reversed.amount,
        orders_reversed.currency,
        orders_reversed.valid_from,
        orders_reversed.valid_to,
        {{ run_id() }} as run_id

    from touched_orders
    left join orders_reversed
        on touched_orders.order_key = orders_reversed.order_key

)

select * from final
