{#-
    True for the rows of files that were not counted yet; to a model that is built anew
    all files are new. The files are named one by one, so that DuckDB opens no others.
-#}
{% macro is_new_file(column) -%}
    {%- if execute and is_incremental() -%}
        {%- set files = run_query(
            'select source_file from ' ~ var('intent_raw_schema') ~ '.landed_files '
            ~ "where is_new and file_format <> 'seed'"
        ).columns[0].values() -%}
        {{ column }} in ({{ sql_texts(files or ['']) }})
    {%- else -%}
        1 = 1
    {%- endif -%}
{%- endmacro %}
