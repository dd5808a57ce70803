{#-
    Connected components: every identifier takes the smallest number among its
    neighbours, tells it to the one that it pointed to, then takes the number of the one
    it points to now, and so on. 12 rounds follow chains of 10,000 identifiers; a test
    sees to it that they were enough.
-#}
{% set rounds = 12 %}

with

clock as (

    select * from {{ ref('int_clock') }}

),

links as (

    select
        links.identifier,
        links.linked_identifier,
        links.linked_at

    from {{ ref('int_identifier_links') }} as links
    cross join clock
    where links.linked_at < clock.as_of

),

identifiers as (

    select
        linked_identifier as identifier,
        min(linked_at) as first_seen_at

    from links
    group by 1

),

nodes as (

    select
        identifier,
        first_seen_at,
        row_number() over (order by first_seen_at, identifier) as node

    from identifiers

),

neighbours as (

    select
        one.node,
        other.node as neighbour

    from links
    inner join nodes as one
        on links.identifier = one.identifier
    inner join nodes as other
        on links.linked_identifier = other.identifier
    where one.node <> other.node

),

edges as (

    select
        node,
        neighbour

    from neighbours
    union
    select
        neighbour,
        node

    from neighbours

),

leaders_0 as (

    select distinct
        node,
        node as leader

    from edges

),

{% for round in range(1, rounds + 1) %}

    nearest_{{ round }} as (

        select
            edges.node,
            min(leaders.leader) as leader

        from edges
        inner join leaders_{{ round - 1 }} as leaders
            on edges.neighbour = leaders.node
        group by 1

    ),

    -- Not the node alone: the one that it pointed to learns of the nearest as well.
    told_{{ round }} as (

        select
            node,
            leader

        from nearest_{{ round }}
        union all
        select
            leaders.leader as node,
            nearest.leader

        from leaders_{{ round - 1 }} as leaders
        inner join nearest_{{ round }} as nearest
            on leaders.node = nearest.node

    ),

    least_told_{{ round }} as (

        select
            node,
            min(leader) as leader

        from told_{{ round }}
        group by 1

    ),

    lowered_{{ round }} as (

        select
            leaders.node,
            least(leaders.leader, least_told.leader) as leader

        from leaders_{{ round - 1 }} as leaders
        inner join least_told_{{ round }} as least_told
            on leaders.node = least_told.node

    ),

    leaders_{{ round }} as (

        select
            lowered.node,
            least(lowered.leader, pointed_to.leader) as leader

        from lowered_{{ round }} as lowered
        inner join lowered_{{ round }} as pointed_to
            on lowered.leader = pointed_to.node

    ),

{% endfor %}

resolved as (

    select
        nodes.identifier,
        {{ dbt.hash('coalesce(eldest.identifier, nodes.identifier)') }}
            as contact_id,
        nodes.first_seen_at

    from nodes
    left join leaders_{{ rounds }} as leaders
        on nodes.node = leaders.node
    left join nodes as eldest
        on leaders.leader = eldest.node

)

select * from resolved
