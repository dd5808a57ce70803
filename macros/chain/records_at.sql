{#-
    The final select of the records of subjects that were written before their clocks,
    each in its newest version, from the CTE `identifier_clocks` (see `identifiers_at`).
-#}
{% macro records_at() %}
records as (

    select * from {{ ref('int_usable_records') }}

),

record_versions_ranked as (

    select
        identifier_clocks.contact_id,
        records.*,
        row_number() over (
            partition by identifier_clocks.contact_id, records.identifier
            order by
                records.version_at desc,
                records.received_at desc,
                records.source_file asc
        ) as version_rank

    from records
    inner join identifier_clocks
        on records.identifier = identifier_clocks.identifier
    where records.version_at < identifier_clocks.facts_before

),

contact_records as (

    select * from record_versions_ranked
    where version_rank = 1

)

select * from contact_records
{%- endmacro %}
