{#-
    The text at a path within a column of JSON, null where there is none. `path` is a
    list of keys.
-#}
{% macro json_text(column, path) -%}
    {{ return(adapter.dispatch('json_text', 'intent_scoring')(column, path)) }}
{%- endmacro %}


{% macro default__json_text(column, path) -%}
    {%- do stop_at_json() -%}
{%- endmacro %}


{% macro duckdb__json_text(column, path) -%}
    json_extract_string({{ column }}, '$."{{ path | join('"."') }}"')
{%- endmacro %}


{#-
    The elements of a list in a column of JSON, one row each, for a select list. A row
    whose list is empty or null is left out.
-#}
{% macro json_elements(column) -%}
    {{ return(adapter.dispatch('json_elements', 'intent_scoring')(column)) }}
{%- endmacro %}


{% macro default__json_elements(column) -%}
    {%- do stop_at_json() -%}
{%- endmacro %}


{% macro duckdb__json_elements(column) -%}
    unnest(json_extract({{ column }}, '$[*]'))
{%- endmacro %}


{#- Stops the run: nested columns are read on DuckDB only. -#}
{% macro stop_at_json() %}
    {%- if execute -%}
        {%- do exceptions.raise_compiler_error(
            'intent_connections: columns of JSON are not read on ' ~ target.type
            ~ ' yet. Write a model of your own, and name it by {models: ...}'
        ) -%}
    {%- endif -%}
{% endmacro %}
