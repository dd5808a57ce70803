{{ config(materialized='view') }}

with

activities as (

    select
        *,
        coalesce(received_at, occurred_at) as known_from

    from {{ ref('int_activities') }}
    where disposition in ('counted', 'superseded', 'duplicate')

),

machine_activities as (

    select activity_key from {{ ref('int_machine_activities') }}
    where rule is not null

),

-- What a rule says of a thing, it says of all that was ever told of it.
activities_of_people as (

    select activities.*
    from activities
    left join machine_activities
        on activities.activity_key = machine_activities.activity_key
    where machine_activities.activity_key is null

),

final as (

    select
        identifier,
        activity,
        business_key,
        reversed_order_id,
        quantity,
        amount,
        currency,
        occurred_at,
        known_from,
        outdone_at as known_to

    from activities_of_people
    where outdone_at is null or known_from < outdone_at

)

select * from final
