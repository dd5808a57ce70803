{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='identifier',
        on_schema_change='fail',
    )
}}

with

clusters as (

    select
        node,
        component as cluster,
        run_id

    from {{ ref('int_identifier_clusters') }}

),

identifiers as (

    select
        identifiers.node,
        identifiers.identifier,
        identifiers.first_seen_at,
        cast(identifiers.first_seen_at as date) as first_seen_on,
        clusters.cluster,
        greatest(identifiers.run_id, coalesce(clusters.run_id, identifiers.run_id))
            as run_id

    from {{ ref('int_identifiers') }} as identifiers
    left join clusters
        on identifiers.node = clusters.node
    where identifiers.first_seen_at is not null

),

{% if is_incremental() %}

    identifiers_touched as (

        select
            node,
            cluster

        from identifiers
        where run_id > (select coalesce(max(run_id), 0) from {{ this }})

    ),

    clusters_touched as (

        select distinct cluster from identifiers_touched
        where cluster is not null

    ),

    members as (

        select identifiers.*
        from identifiers
        left join clusters_touched
            on identifiers.cluster = clusters_touched.cluster
        left join identifiers_touched
            on identifiers.node = identifiers_touched.node
        where
            clusters_touched.cluster is not null
            or identifiers_touched.node is not null

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

clusters_told as (

    select distinct cluster from members
    where cluster is not null

),

epochs as (

    select epochs.*
    from {{ ref('int_identifier_epochs') }} as epochs
    inner join clusters_told
        on epochs.cluster = clusters_told.cluster

),

clusters_linked as (

    select distinct cluster from epochs

),

-- Who is together in each epoch. Rows of an older run tell of links that are no more.
groups_of_members as (

    select
        members_by_age.node,
        members_by_age.first_seen_on,
        members_by_age.seniority,
        epochs.valid_from,
        epochs.valid_to,
        epochs.cluster as component

    from members_by_age
    inner join epochs
        on
            members_by_age.cluster = epochs.cluster
            and epochs.is_whole = 1
    union all
    select
        members_by_age.node,
        members_by_age.first_seen_on,
        members_by_age.seniority,
        epochs.valid_from,
        epochs.valid_to,
        components.component

    from {{ ref('int_identifier_epoch_components') }} as components
    inner join clusters
        on
            components.node = clusters.node
            and components.run_id >= clusters.run_id
    inner join members_by_age
        on components.node = members_by_age.node
    inner join epochs
        on
            members_by_age.cluster = epochs.cluster
            and components.graph = epochs.valid_from
            and epochs.is_whole = 0

),

eldest as (

    select
        valid_from,
        component,
        min(seniority) as seniority

    from groups_of_members
    group by 1, 2

),

periods_together as (

    select
        groups_of_members.node,
        groups_of_members.first_seen_on,
        groups_of_members.seniority,
        groups_of_members.valid_from,
        groups_of_members.valid_to,
        eldest.seniority as eldest

    from groups_of_members
    inner join eldest
        on
            groups_of_members.valid_from = eldest.valid_from
            and groups_of_members.component = eldest.component

),

periods_followed as (

    select
        *,
        lag(valid_to) over (partition by node order by valid_from) as alone_from,
        lag(valid_from) over (partition by node order by valid_from)
            as previous_from,
        lead(valid_from) over (partition by node order by valid_from) as next_from

    from periods_together

),

-- Before, between and after them an identifier is a contact of its own.
periods as (

    select
        node,
        valid_from,
        eldest

    from periods_together
    union all
    select
        node,
        case when previous_from is null then first_seen_on else alone_from end
            as valid_from,
        seniority as eldest

    from periods_followed
    where
        (previous_from is null and first_seen_on < valid_from)
        or alone_from < valid_from
    union all
    select
        node,
        valid_to as valid_from,
        seniority as eldest

    from periods_followed
    where next_from is null and valid_to is not null
    union all
    select
        members_by_age.node,
        members_by_age.first_seen_on as valid_from,
        members_by_age.seniority as eldest

    from members_by_age
    left join clusters_linked
        on members_by_age.cluster = clusters_linked.cluster
    where clusters_linked.cluster is null

),

periods_compared as (

    select
        *,
        lag(eldest) over (partition by node order by valid_from) as eldest_before

    from periods

),

periods_joined as (

    select
        node,
        valid_from,
        lead(valid_from) over (partition by node order by valid_from) as valid_to,
        eldest

    from periods_compared
    where eldest_before is null or eldest <> eldest_before

),

contacts as (

    select
        seniority,
        {{ dbt.hash('identifier') }} as contact_id

    from members_by_age

),

final as (

    select
        members_by_age.identifier,
        contacts.contact_id,
        periods_joined.valid_from,
        periods_joined.valid_to,
        members_by_age.first_seen_at,
        {{ run_id() }} as run_id

    from periods_joined
    inner join members_by_age
        on periods_joined.node = members_by_age.node
    inner join contacts
        on periods_joined.eldest = contacts.seniority

)

select * from final
