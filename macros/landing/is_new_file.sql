{#-
    True for the rows that this model has not counted yet, as they are now: those of new
    files, and of hours in which something changed (`int_arrivals`). To a model that is
    built anew all rows are new. The files are named one by one, so that DuckDB opens no
    others. Such a model has a `run_id`, and `remember_counted_files` for a post-hook.
-#}
{% macro is_new_file(column) -%}
    {%- if not execute -%}
        {%- do ref('int_arrivals') -%}
    {%- endif -%}
    {%- if execute and is_incremental() -%}
        {%- set changed = run_query(
            'select source_file from ' ~ ref('int_arrivals')
            ~ ' where run_id > (select coalesce(max(run_id), 0) from ' ~ this ~ ')'
        ).columns[0].values() -%}
        {%- set files = new_landed_files() + changed | list -%}
        {{ column }} in ({{ sql_texts(files or ['']) }})
    {%- else -%}
        1 = 1
    {%- endif -%}
{%- endmacro %}


{#- The files of the landing folder that this model has not counted yet, as a list. -#}
{% macro new_landed_files() %}
    {{- return(adapter.dispatch('new_landed_files', 'intent_scoring')()) -}}
{% endmacro %}


{% macro default__new_landed_files() %}
    {{- return([]) -}}
{% endmacro %}


{% macro duckdb__new_landed_files() %}
    {{- return(run_query(
        'select files.source_file from ' ~ var('intent_raw_schema') ~ '.landed_files '
        ~ 'as files anti join ' ~ counted_files() ~ ' as counted '
        ~ 'on files.source_file = counted.source_file '
        ~ 'and counted.model = ' ~ sql_text(this.identifier)
        ~ " where files.file_format <> 'seed'"
    ).columns[0].values() | list) -}}
{% endmacro %}
