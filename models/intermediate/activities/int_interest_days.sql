{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['identifier', 'product_category', 'activity', 'activity_date'],
        on_schema_change='fail',
        post_hook='delete from {{ this }} where quantity = 0',
    )
}}

with

-- Orders have the categories of their lines: see int_order_categories.
activities as (

    select
        identifier,
        lower(product_category) as product_category,
        activity,
        cast(occurred_at as date) as activity_date,
        case when disposition = 'counted' then quantity else 0 end as quantity,
        occurred_at,
        cast(taken_back_at as date) as valid_to,
        run_id

    from {{ ref('int_activities_judged') }}
    where
        product_category is not null
        and activity <> 'purchase'
        and disposition <> 'quarantined'

),

{% if is_incremental() %}

    touched_days as (

        select distinct
            identifier,
            product_category,
            activity,
            activity_date

        from activities
        where run_id > (select coalesce(max(run_id), 0) from {{ this }})
        union
        -- All activities were judged anew since: no day here stands for sure.
        select
            identifier,
            product_category,
            activity,
            activity_date

        from {{ this }}
        where
            (select min(run_id) from activities)
            > (select coalesce(max(run_id), 0) from {{ this }})

    ),

{% else %}

    touched_days as (

        select distinct
            identifier,
            product_category,
            activity,
            activity_date

        from activities

    ),

{% endif %}

-- One row for what still stands of a day, and one for each day that took of it back.
-- A row of which nothing counts replaces what stood there; the post-hook takes it away.
days as (

    select
        touched_days.identifier,
        touched_days.product_category,
        touched_days.activity,
        touched_days.activity_date,
        touched_days.activity_date as valid_from,
        activities.valid_to,
        cast(coalesce(sum(activities.quantity), 0) as bigint) as quantity,
        max(case when activities.quantity > 0 then activities.occurred_at end)
            as last_at,
        {{ run_id() }} as run_id

    from touched_days
    left join activities
        on
            touched_days.identifier = activities.identifier
            and touched_days.product_category = activities.product_category
            and touched_days.activity = activities.activity
            and touched_days.activity_date = activities.activity_date
    group by 1, 2, 3, 4, 5, 6

)

select * from days
