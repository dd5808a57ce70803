-- Wrong sheets stop the build in int_rule_faults, before anything is counted.
-- depends_on: {{ ref('int_rule_faults') }}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        post_hook='{{ remember_counted_files() }}',
    )
}}

with

new_versions as (
    {% for feed, table in record_tables().items() if feed in intent_feeds() %}
        select
            '{{ table.kind }}' as record_kind,
            {{ typed_identifier(table.kind) }} as record,
            {% for kind in ['customer_id', 'email', 'phone'] %}
                {{ typed_identifier(kind) }} as {{ kind }},
            {% endfor %}
            version_at,
            received_at,
            {{ run_id() }} as run_id

        from {{ ref('int_' ~ feed ~ '__activities') }}
        where
            feed_table = '{{ table.name }}'
            and {{ is_new_file('source_file') }}
            and quarantine_reason is null
        {{ 'union all' if not loop.last }}
    {% else %}
        select
            cast(null as {{ dbt.type_string() }}) as record_kind,
            cast(null as {{ dbt.type_string() }}) as record,
            cast(null as {{ dbt.type_string() }}) as customer_id,
            cast(null as {{ dbt.type_string() }}) as email,
            cast(null as {{ dbt.type_string() }}) as phone,
            cast(null as {{ dbt.type_timestamp() }}) as version_at,
            cast(null as {{ dbt.type_timestamp() }}) as received_at,
            {{ run_id() }} as run_id
        where 1 = 0
    {% endfor %}

)

select * from new_versions
