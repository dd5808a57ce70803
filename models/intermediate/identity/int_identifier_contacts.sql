{#-
    Connected components: every identifier takes the smallest number among its
    neighbours, then the number of the one it points to, and so on. A test sees to it
    that the rounds were enough.
-#}
{% set rounds = 8 %}

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

identifiers_numbered as (

    select
        identifier,
        first_seen_at,
        row_number() over (order by first_seen_at, identifier) as number

    from identifiers

),

neighbours as (

    select
        one.number as number,
        other.number as neighbour

    from links
    inner join identifiers_numbered as one
        on links.identifier = one.identifier
    inner join identifiers_numbered as other
        on links.linked_identifier = other.identifier
    where one.number <> other.number

),

edges as (

    select number, neighbour from neighbours
    union
    select neighbour, number from neighbours

),

labels_0 as (

    select distinct
        number,
        number as label

    from edges

),

{% for round in range(1, rounds + 1) %}

    nearest_{{ round }} as (

        select
            edges.number,
            min(labels.label) as label

        from edges
        inner join labels_{{ round - 1 }} as labels
            on edges.neighbour = labels.number
        group by 1

    ),

    lowered_{{ round }} as (

        select
            labels.number,
            least(labels.label, nearest.label) as label

        from labels_{{ round - 1 }} as labels
        inner join nearest_{{ round }} as nearest
            on labels.number = nearest.number

    ),

    labels_{{ round }} as (

        select
            lowered.number,
            least(lowered.label, pointed_to.label) as label

        from lowered_{{ round }} as lowered
        inner join lowered_{{ round }} as pointed_to
            on lowered.label = pointed_to.number

    ),

{% endfor %}

resolved as (

    select
        identifiers_numbered.identifier,
        {{ dbt.hash('coalesce(eldest.identifier, identifiers_numbered.identifier)') }}
            as contact_id,
        identifiers_numbered.first_seen_at

    from identifiers_numbered
    left join labels_{{ rounds }} as labels
        on identifiers_numbered.number = labels.number
    left join identifiers_numbered as eldest
        on labels.label = eldest.number

)

select * from resolved
