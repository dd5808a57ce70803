{#-
    The final select of the records of subjects that were written before their clocks,
    each in its newest version, from the CTE `identifier_clocks` (see `identifiers_at`).
-#}
{% macro records_at() %}
records as (

    select * from {{ ref('int_usable_records') }}

),

records_dated as (

    select
        *,
        lag(version_at) over (
            partition by identifier
            order by version_at desc, received_at desc, source_file asc
        ) as replaced_at

    from records

),

contact_records as (

    select
        identifier_clocks.contact_id,
        records_dated.*

    from records_dated
    inner join identifier_clocks
        on records_dated.identifier = identifier_clocks.identifier
    where
        records_dated.version_at < identifier_clocks.facts_before
        and (
            records_dated.replaced_at is null
            or records_dated.replaced_at >= identifier_clocks.facts_before
        )

)

select * from contact_records
{%- endmacro %}
