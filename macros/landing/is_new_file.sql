{#-
    True for the rows of files that no finished build has counted; all files are new
    to a model that is built anew. The files are named one by one, so that DuckDB opens no others. A file
    that was read by an unfinished build is read again.
-#}
{% macro is_new_file(column) -%}
    {%- if execute and is_incremental() -%}
        {%- set files = run_query(
            'select source_file from ' ~ var('intent_raw_schema') ~ '.landed_files where is_new'
        ).columns[0].values() -%}
        {{ column }} in ({{ sql_texts(files or ['']) }})
    {%- else -%}
        1 = 1
    {%- endif -%}
{%- endmacro %}
