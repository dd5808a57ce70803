{#-
    True for the rows of files that are to be read: `files` names them one by one, so that
    DuckDB opens no others; none stands for all.
-#}
{% macro is_new_file(column, files) -%}
    {%- if files is none -%}
        1 = 1
    {%- else -%}
        {{ column }} in ({{ sql_texts(files or ['']) }})
    {%- endif -%}
{%- endmacro %}


{#-
    The files (`source_file`) of which `told` does not hold what they hold now, as a
    list: new ones, and those that changed. None means all: the model is built anew.
    `columns` are those in which `told` tells of rows.

    Landed files do not change once they are counted. A loader rewrites its tables in
    place: there the rows that arrived within an hour stand for a file.
-#}
{% macro files_to_read(told, columns) %}
    {%- if not (execute and is_incremental()) -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set files = new_landed_files() -%}
    {%- set feeds = intent_feeds() | reject('in', landed_feeds()) | list -%}
    {%- if feeds -%}
        {%- set changed = run_query(changed_files_sql(told, columns, feeds)) -%}
        {%- set files = files + changed.columns[0].values() | list -%}
    {%- endif -%}
    {{- return(files) -}}
{% endmacro %}


{#- The files of the landing folder that were not counted yet, as a list. -#}
{% macro new_landed_files() %}
    {{- return(adapter.dispatch('new_landed_files', 'intent_scoring')()) -}}
{% endmacro %}


{% macro default__new_landed_files() %}
    {{- return([]) -}}
{% endmacro %}


{% macro duckdb__new_landed_files() %}
    {{- return(run_query(
        'select source_file from ' ~ var('intent_raw_schema') ~ '.landed_files '
        ~ "where is_new and file_format <> 'seed'"
    ).columns[0].values() | list) -}}
{% endmacro %}


{#- The files whose rows, now, differ in number or content from those told. -#}
{% macro changed_files_sql(told, columns, feeds) %}
with rows_now as (
    {%- for feed in feeds %}
    select
        source_file,
        count(*) as row_count,
        {{ rows_fingerprint(columns) }} as fingerprint
    from {{ ref('int_' ~ feed ~ '__activities') }}
    where activity is not null or quarantine_reason is not null
    group by 1
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),
rows_told as (
    select
        source_file,
        count(*) as row_count,
        {{ rows_fingerprint(columns) }} as fingerprint
    from {{ told }}
    where feed in ({{ sql_texts(feeds) }}) and disposition <> 'gone'
    group by 1
)
select coalesce(rows_now.source_file, rows_told.source_file)
from rows_now
full outer join rows_told on rows_now.source_file = rows_told.source_file
where
    rows_now.source_file is null
    or rows_told.source_file is null
    or rows_now.row_count <> rows_told.row_count
    or rows_now.fingerprint <> rows_told.fingerprint
order by 1
{% endmacro %}


{#-
    A number for a set of rows that changes when any of them does: by all of the columns
    on DuckDB, elsewhere by the times of arrival, which a loader renews with each change.
-#}
{% macro rows_fingerprint(columns) -%}
    {{ return(adapter.dispatch('rows_fingerprint', 'intent_scoring')(columns)) }}
{%- endmacro %}


{% macro default__rows_fingerprint(columns) -%}
    sum({{ epoch_seconds('received_at') }})
{%- endmacro %}


{% macro duckdb__rows_fingerprint(columns) -%}
    sum(cast(hash({{ columns | join(', ') }}) as hugeint))
{%- endmacro %}
