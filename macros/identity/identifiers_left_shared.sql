{#-
    Identifiers that somebody shared who was erased (`intent forget`), one a row, and the
    day from which on they were shared. None on engines without a landing folder.
-#}
{% macro identifiers_left_shared() -%}
    {{ return(adapter.dispatch('identifiers_left_shared', 'intent_scoring')()) }}
{%- endmacro %}


{% macro default__identifiers_left_shared() -%}
    select
        cast(null as {{ dbt.type_string() }}) as identifier,
        cast(null as date) as shared_from
    where 1 = 0
{%- endmacro %}


{% macro duckdb__identifiers_left_shared() -%}
    select * from {{ var('intent_raw_schema') }}.identifiers_left_shared
{%- endmacro %}
