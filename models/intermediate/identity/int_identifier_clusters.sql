{{ config(materialized='components', on_schema_change='fail') }}

with

link_periods as (

    select * from {{ ref('int_identifier_link_periods') }}

),

links as (

    select distinct
        node,
        linked_node

    from link_periods
    where valid_from is not null

),

{% if keeps_nodes() %}

    touched_nodes as (

        select node from link_periods
        where run_id > (select coalesce(max(run_id), 0) from {{ this }})
        union
        select linked_node as node from link_periods
        where run_id > (select coalesce(max(run_id), 0) from {{ this }})

    ),

    touched_clusters as (

        select distinct clusters.component
        from {{ this }} as clusters
        inner join touched_nodes
            on clusters.node = touched_nodes.node

    ),

    -- Links lead from a touched cluster only to what is touched itself.
    nodes_to_resolve as (

        select clusters.node
        from {{ this }} as clusters
        inner join touched_clusters
            on clusters.component = touched_clusters.component
        union
        select node from touched_nodes

    ),

    pairs as (

        select
            links.node,
            links.linked_node as neighbour

        from links
        inner join nodes_to_resolve
            on links.node = nodes_to_resolve.node
        union all
        -- One that lost its last link is named, to stand alone.
        select
            node,
            node as neighbour

        from nodes_to_resolve

    )

{% else %}

    pairs as (

        select
            node,
            linked_node as neighbour

        from links

    )

{% endif %}

select
    0 as graph,
    node,
    neighbour

from pairs
