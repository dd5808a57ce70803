{{ config(materialized='view') }}

with

activities as (

    select
        business_key,
        activity_key,
        feed,
        telling,
        reversed_at,
        coalesce(received_at, occurred_at) as known_from

    from {{ ref('int_activities') }}
    where disposition in ('counted', 'superseded', 'duplicate')

),

activities_known as (

    select * from {{ ref('int_activities_known') }}

),

cancelled_keys as (

    select distinct activity_key from activities
    where reversed_at is not null

),

-- A cancellation is believed of whichever feed tells it, until it tells better.
words as (

    select
        activities.business_key,
        activities.reversed_at,
        activities.known_from,
        min(activities.known_from) over (
            partition by activities.activity_key, activities.feed
            order by activities.telling
            rows between unbounded preceding and 1 preceding
        ) as known_to

    from activities
    inner join cancelled_keys
        on activities.activity_key = cancelled_keys.activity_key

),

cancellations as (

    select
        business_key,
        cast(null as {{ dbt.type_string() }}) as activity,
        reversed_at,
        known_from,
        known_to

    from words
    where reversed_at is not null and (known_to is null or known_from < known_to)

),

full_returns as (

    select
        'order:' || reversed_order_id as business_key,
        'purchase' as activity,
        occurred_at as reversed_at,
        known_from,
        known_to

    from activities_known
    where reversed_order_id is not null

),

final as (

    select * from cancellations
    union all
    select * from full_returns

)

select * from final
