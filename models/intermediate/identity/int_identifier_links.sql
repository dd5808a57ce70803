{#- A pair is always named in one order, the surer kind of identifier first. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['node', 'linked_node', 'stated_on'],
        on_schema_change='fail',
    )
}}

{% set kinds = identifier_kinds() %}

with

identifiers as (

    select * from {{ ref('int_identifiers') }}

),

new_sightings as (

    select * from {{ ref('int_identifier_sightings') }}
    {% if is_incremental() %}
        where run_id > (select coalesce(max(run_id), 0) from {{ this }})
    {% endif %}

),

-- A record links its own id with each other identifier, any other row its surest one.
-- A withdrawal parts all of its identifiers, each from each.
pairs_stated as (
    {% for kind in kinds[:-1] %}
        {% set is_last = loop.last %}
        {% set surer_kinds = kinds[:loop.index0] %}
        {% for linked_kind in kinds[loop.index:] %}
            select
                '{{ kind }}' as kind,
                '{{ linked_kind }}' as linked_kind,
                {{ typed_identifier(kind) }} as identifier,
                {{ typed_identifier(linked_kind) }} as linked_identifier,
                told_on as stated_on,
                case when is_withdrawal = 0 then first_told_at end as first_told_at,
                case when is_withdrawal = 0 then last_told_at end as last_told_at,
                case when is_withdrawal = 1 then last_told_at end as withdrawn_at

            from new_sightings
            where
                {{ kind }} is not null
                and {{ linked_kind }} is not null
                and (
                    is_withdrawal = 1
                    or record_kind in ('{{ kind }}', '{{ linked_kind }}')
                    or (
                        record_kind is null
                        {% for surer_kind in surer_kinds %}
                            and {{ surer_kind }} is null
                        {% endfor %}
                    )
                )
            {{ 'union all' if not (loop.last and is_last) }}
        {% endfor %}
    {% endfor %}

),

pairs_numbered as (

    select
        identifiers.node,
        linked_identifiers.node as linked_node,
        pairs_stated.kind,
        pairs_stated.linked_kind,
        pairs_stated.stated_on,
        pairs_stated.first_told_at,
        pairs_stated.last_told_at,
        pairs_stated.withdrawn_at

    from pairs_stated
    inner join identifiers
        on pairs_stated.identifier = identifiers.identifier
    inner join identifiers as linked_identifiers
        on pairs_stated.linked_identifier = linked_identifiers.identifier

),

{% if is_incremental() %}

    -- What was said before of the same pairs and days stands as well.
    links_stated as (

        select * from pairs_numbered
        union all
        select
            known.node,
            known.linked_node,
            known.kind,
            known.linked_kind,
            known.stated_on,
            known.first_told_at,
            known.last_told_at,
            known.withdrawn_at

        from {{ this }} as known
        inner join (
            select distinct
                node,
                linked_node,
                stated_on

            from pairs_numbered
        ) as touched
            on
                known.node = touched.node
                and known.linked_node = touched.linked_node
                and known.stated_on = touched.stated_on

    ),

{% else %}

    links_stated as (

        select * from pairs_numbered

    ),

{% endif %}

links as (

    select
        node,
        linked_node,
        kind,
        linked_kind,
        stated_on,
        min(first_told_at) as first_told_at,
        max(last_told_at) as last_told_at,
        max(withdrawn_at) as withdrawn_at,
        {{ run_id() }} as run_id

    from links_stated
    group by 1, 2, 3, 4, 5

)

select * from links
