{{ config(materialized='view') }}

with

clusters as (

    select * from {{ ref('int_identifier_clusters') }}

),

link_periods as (

    select
        clusters.component as cluster,
        link_periods.valid_from,
        link_periods.valid_to

    from {{ ref('int_identifier_link_periods') }} as link_periods
    inner join clusters
        on link_periods.node = clusters.node
    where link_periods.valid_from is not null

),

clusters_summed as (

    select
        cluster,
        min(valid_from) as first_day,
        max(valid_from) as last_day,
        max(case when valid_to is not null then 1 else 0 end) as has_ends

    from link_periods
    group by 1

),

-- Most clusters come to be on one day and stay.
clusters_of_one_day as (

    select
        cluster,
        first_day as valid_from,
        cast(null as date) as valid_to,
        1 as is_whole

    from clusters_summed
    where first_day = last_day and has_ends = 0

),

days as (

    select
        link_periods.cluster,
        link_periods.valid_from as day,
        clusters_summed.has_ends

    from link_periods
    inner join clusters_summed
        on link_periods.cluster = clusters_summed.cluster
    where
        clusters_summed.first_day <> clusters_summed.last_day
        or clusters_summed.has_ends = 1
    union
    select
        cluster,
        valid_to as day,
        1 as has_ends

    from link_periods
    where valid_to is not null

),

epochs as (

    select
        cluster,
        day as valid_from,
        lead(day) over (partition by cluster order by day) as valid_to,
        has_ends

    from days

),

epochs_unioned as (

    select
        cluster,
        valid_from,
        valid_to,
        case when valid_to is null and has_ends = 0 then 1 else 0 end as is_whole

    from epochs
    union all
    select * from clusters_of_one_day

)

select * from epochs_unioned
