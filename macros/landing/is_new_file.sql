{#-
    In an incremental model: true for the rows of files that no finished build has
    counted. The files are named one by one, so that DuckDB opens no others. A file
    that was read by an unfinished build is read again.
-#}
{% macro is_new_file(column) -%}
    {%- set files = [] -%}
    {%- if execute and is_incremental() -%}
        {%- set files = run_query(
            'select source_file from ' ~ var('intent_raw_schema') ~ '.landed_files where is_new'
        ).columns[0].values() -%}
    {%- endif -%}
    {{ column }} in ({{ sql_texts(files or ['']) }})
{%- endmacro %}
