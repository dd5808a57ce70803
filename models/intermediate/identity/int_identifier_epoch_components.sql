{{ config(materialized='components') }}

with

clusters as (

    select
        node,
        component as cluster

    from {{ ref('int_identifier_clusters') }}
    {% if holds_components() %}
        where run_id > (select coalesce(max(run_id), 0) from {{ this }})
    {% endif %}

),

touched_clusters as (

    select distinct cluster from clusters

),

-- Where a cluster is whole, its component is the cluster.
epochs as (

    select epochs.*
    from {{ ref('int_identifier_epochs') }} as epochs
    inner join touched_clusters
        on epochs.cluster = touched_clusters.cluster
    where epochs.is_whole = 0

),

link_periods as (

    select
        clusters.cluster,
        link_periods.node,
        link_periods.linked_node,
        link_periods.valid_from,
        link_periods.valid_to

    from {{ ref('int_identifier_link_periods') }} as link_periods
    inner join clusters
        on link_periods.node = clusters.node
    where link_periods.valid_from is not null

),

links_of_epochs as (

    select
        epochs.valid_from as graph,
        link_periods.node,
        link_periods.linked_node as neighbour

    from epochs
    inner join link_periods
        on
            epochs.cluster = link_periods.cluster
            and epochs.valid_from >= link_periods.valid_from
            and (
                link_periods.valid_to is null
                or epochs.valid_from < link_periods.valid_to
            )

)

select * from links_of_epochs
