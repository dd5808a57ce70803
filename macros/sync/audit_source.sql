{#-
    The rows of one table of the source `sync`, for a `from`. A project without a sync
    yet has none; then they are no rows of the right types.
-#}
{% macro audit_source(table) %}
    {{- return(adapter.dispatch('audit_source', 'intent_scoring')(table)) -}}
{% endmacro %}


{% macro default__audit_source(table) %}
    {%- set relation = source('sync', table) -%}
    {{- return(typed_rows(
        relation, described_columns('sync', table), 'the source sync', '',
        is_optional=true
    )) -}}
{% endmacro %}


{#- `open_audit` has made a view of it. -#}
{% macro duckdb__audit_source(table) %}
    {{- return(source('sync', table)) -}}
{% endmacro %}


{#-
    On DuckDB: makes a view for each table of the source `sync`, on the files that
    `intent sync` wrote beside the landing folder, or without rows if there are none.
-#}
{% macro open_audit() %}
    {% set folder = (landing_folder().split('/')[:-1] + ['sync_audit']) | join('/') %}
    {% set files = {
        'runs': 'sync_runs.parquet',
        'rows': 'sync_rows/[0-9]*.parquet',
        'rejected': 'sync_rejected.parquet',
    } %}
    {% for table, file in files.items() %}
        {% set path = sql_text(folder ~ '/' ~ file) %}
        {% set found = run_query('select count(*) from glob(' ~ path ~ ')') %}
        {% set is_there = found.columns[0].values()[0] > 0 %}
        {% do run_query(audit_view_sql(
            described_source('sync', table), 'read_parquet(' ~ path ~ ')' if is_there
        )) %}
    {% endfor %}
{% endmacro %}


{% macro audit_view_sql(described, files) %}
    create or replace view {{ var('intent_raw_schema') }}.{{ described.identifier }} as
    select
        {% for column in described.columns %}
            cast({{ column.name if files else 'null' }} as {{ column.type }})
                as {{ column.name }},
        {% endfor %}
    {{ 'from ' ~ files if files else 'limit 0' }}
{% endmacro %}
