{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='identifier',
        on_schema_change='fail',
    )
}}

with

new_sightings as (

    select * from {{ ref('int_identifier_sightings') }}
    {% if is_incremental() %}
        where run_id > (select coalesce(max(run_id), 0) from {{ this }})
    {% endif %}

),

-- Whom only a withdrawal names is not seen by it, but has a number.
identifiers_sighted as (
    {% for kind in identifier_kinds() %}
        select
            {{ typed_identifier(kind) }} as identifier,
            min(
                case
                    when is_withdrawal = 1 then null
                    when record_kind = '{{ kind }}'
                        then least(first_occurred_at, first_told_at)
                    else first_told_at
                end
            ) as first_seen_at

        from new_sightings
        where {{ kind }} is not null
        group by 1
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

{% if is_incremental() %}

    identifiers_known as (

        select
            sighted.identifier,
            known.node,
            case
                when known.first_seen_at <= sighted.first_seen_at
                    then known.first_seen_at
                else coalesce(sighted.first_seen_at, known.first_seen_at)
            end as first_seen_at,
            known.first_seen_at as known_first_seen_at

        from identifiers_sighted as sighted
        left join {{ this }} as known
            on sighted.identifier = known.identifier

    ),

    identifiers_changed as (

        select
            identifier,
            node,
            first_seen_at

        from identifiers_known
        where
            node is null
            or first_seen_at < known_first_seen_at
            or (first_seen_at is not null and known_first_seen_at is null)

    ),

{% else %}

    identifiers_changed as (

        select
            identifier,
            cast(null as {{ dbt.type_bigint() }}) as node,
            first_seen_at

        from identifiers_sighted

    ),

{% endif %}

identifiers_numbered as (

    select
        identifier,
        coalesce(
            node,
            {% if is_incremental() %}
                (select coalesce(max(known.node), 0) from {{ this }} as known) +
            {% endif %}
            row_number() over (
                partition by case when node is null then 1 else 0 end
                order by identifier
            )
        ) as node,
        first_seen_at,
        {{ run_id() }} as run_id

    from identifiers_changed

)

select * from identifiers_numbered
