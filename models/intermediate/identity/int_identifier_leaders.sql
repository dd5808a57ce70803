{{ config(materialized='dated_components') }}

with

clusters as (

    select * from {{ ref('int_identifier_clusters') }}

),

identifiers as (

    select
        identifiers.node,
        identifiers.identifier,
        identifiers.first_seen_at,
        clusters.component as cluster_id,
        greatest(identifiers.run_id, coalesce(clusters.run_id, identifiers.run_id))
            as run_id

    from {{ ref('int_identifiers') }} as identifiers
    left join clusters
        on identifiers.node = clusters.node
    where identifiers.first_seen_at is not null

),

{% if keeps_nodes() %}

    identifiers_touched as (

        select
            node,
            cluster_id

        from identifiers
        where run_id > (select coalesce(max(run_id), 0) from {{ this }})

    ),

    -- An identifier that turns out to be older may be the eldest of its cluster now.
    clusters_touched as (

        select distinct cluster_id from identifiers_touched
        where cluster_id is not null

    ),

    members as (

        select identifiers.*
        from identifiers
        inner join clusters_touched
            on identifiers.cluster_id = clusters_touched.cluster_id
        union all
        select identifiers.*
        from identifiers
        inner join identifiers_touched
            on identifiers.node = identifiers_touched.node
        where identifiers.cluster_id is null

    ),

{% else %}

    members as (

        select * from identifiers

    ),

{% endif %}

members_by_age as (

    select
        *,
        row_number() over (order by first_seen_at, identifier) as seniority

    from members

),

nodes_and_links as (

    select
        cluster_id as graph,
        node,
        node as neighbour,
        seniority,
        cast(first_seen_at as date) as valid_from,
        cast(null as date) as valid_to

    from members_by_age
    union all
    select
        members.cluster_id as graph,
        link_periods.node,
        link_periods.linked_node as neighbour,
        cast(null as {{ dbt.type_bigint() }}) as seniority,
        link_periods.valid_from,
        link_periods.valid_to

    from {{ ref('int_identifier_link_periods') }} as link_periods
    inner join members
        on link_periods.node = members.node
    where link_periods.valid_from is not null

)

select * from nodes_and_links
