{#-
    A text for a set of rows that changes when any of them does: on DuckDB by all of
    their columns, elsewhere by the times of arrival, which a loader renews with each
    change. `rows` is the name of the relation in the query.
-#}
{% macro rows_fingerprint(rows) -%}
    {{ return(adapter.dispatch('rows_fingerprint', 'intent_scoring')(rows)) }}
{%- endmacro %}


{% macro default__rows_fingerprint(rows) -%}
    cast(sum({{ epoch_seconds(rows ~ '.received_at') }}) as {{ dbt.type_string() }})
{%- endmacro %}


{% macro duckdb__rows_fingerprint(rows) -%}
    cast(sum(cast(hash({{ rows }}) as hugeint)) as varchar)
{%- endmacro %}
