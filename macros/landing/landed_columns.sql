{#-
    The columns of the Parquet and CSV files, one row per file and column, in the
    file's order. (Lines of JSON may leave keys out, so they have no columns.) A column
    within another, such as a field of a struct, is none of the file's columns.
-#}
{% macro landed_columns_sql() %}
    {% set parquet_files = landed_files_of_format('parquet') %}
    {% set csv_files = landed_files_of_format('csv') %}
    create or replace table {{ var('intent_raw_schema') }}.landed_columns as
    with landed_columns as (
        select
            '' as path, '' as column_name, '' as column_type,
            cast(0 as bigint) as position
        where 1 = 0
        {% if parquet_files %}
            union all
            select file_name, name, coalesce(duckdb_type, 'NESTED'), column_id
            from {{ parquet_columns(parquet_files) }}
        {% endif %}
        {% for file in csv_files %}
            union all
            (
                select
                    {{ sql_text(file) }},
                    trim(unnest(names), '" ' || chr(65279)),
                    'VARCHAR',
                    unnest(range(length(names)))
                from {{ csv_header(file) }}
            )
        {% endfor %}
    )
    select
        files.source_file, files.feed_table, landed_columns.column_name,
        landed_columns.column_type, landed_columns.position,
    from landed_columns
    inner join {{ var('intent_raw_schema') }}.landed_files as files
        on landed_columns.path = files.path
{% endmacro %}


{#-
    The columns of Parquet files. `parquet_schema` lists each column's fields after it.
    A row is a column of the file if fewer are awaited before it than ever before.
-#}
{% macro parquet_columns(files) -%}
    (
        select *
        from (
            select *, min(awaited) over (
                partition by file_name order by column_id
                rows between unbounded preceding and 1 preceding
            ) as least_awaited
            from (
                select *, sum(coalesce(num_children, 0) - 1) over (
                    partition by file_name order by column_id
                    rows between unbounded preceding and 1 preceding
                ) as awaited
                from parquet_schema([{{ sql_texts(files) }}])
            )
        )
        where column_id > 0 and awaited < coalesce(least_awaited, awaited + 1)
    )
{%- endmacro %}


{#-
    The header of a CSV file, as the one row of a relation with column `names`, a list.
    A name in quotes may hold commas. The buffer is as small as the longest line allows:
    all files are open at once, and DuckDB's own choice takes 256 MB for each.
-#}
{% macro csv_header(file) -%}
    (
        select regexp_extract_all(
            ',' || line, ',("(?:[^"]|"")*"|[^,]*)', 1
        ) as names
        from read_csv(
            {{ sql_text(file) }}, auto_detect = false, header = false,
            columns = {'line': 'varchar'}, delim = '\x1F', quote = '', escape = '',
            strict_mode = false, max_line_size = 16777216, buffer_size = 16777216
        )
        limit 1
    )
{%- endmacro %}


{#- The paths of the files of a format, as a list. -#}
{% macro landed_files_of_format(file_format) %}
    {{ return(run_query(
        'select path from ' ~ var('intent_raw_schema') ~ '.landed_files '
        ~ "where file_format = '" ~ file_format ~ "' order by 1"
    ).columns[0].values()) }}
{% endmacro %}


{#-
    What the columns of the files tell: some are missing, there twice, or of the wrong
    type.
-#}
{% macro column_faults_sql() %}
    with contract_columns as (
        select * from {{ var('intent_raw_schema') }}.contract_columns
    ),
    files as (
        select * from {{ var('intent_raw_schema') }}.landed_files
        where file_format in ('parquet', 'csv')
    ),
    landed_columns as (
        select * from {{ var('intent_raw_schema') }}.landed_columns
    ),
    joined as (
        select
            files.source_file,
            files.feed_table,
            contract_columns.column_name,
            contract_columns.column_type as wanted_type,
            contract_columns.is_required,
            landed_columns.column_type as found_type,
        from files
        inner join contract_columns on files.feed_table = contract_columns.feed_table
        left join landed_columns
            on
                files.source_file = landed_columns.source_file
                and contract_columns.column_name = lower(landed_columns.column_name)
    )
    select
        source_file || ': the column ' || column_name || ' is missing. The contract of '
        || replace(feed_table, '/', '.') || ' asks for it'
    from joined where is_required and found_type is null
    union all
    select
        source_file || ': has the column ' || column_name || ' '
        || count(*) || ' times. Which one is meant?'
    from joined
    group by source_file, column_name
    having count(*) > 1
    union all
    select
        source_file || ': the column ' || column_name || ' is ' || lower(found_type)
        || ', but the contract of ' || replace(feed_table, '/', '.') || ' asks for '
        || wanted_type
    from joined
    where
        lower(found_type) <> 'varchar'
        and not case wanted_type
            when 'timestamp' then found_type like 'TIMESTAMP%' or found_type = 'DATE'
            when 'boolean' then found_type = 'BOOLEAN'
            when 'varchar'
                then
                    found_type not in ('BLOB', 'NESTED')
                    and (found_type not like 'DECIMAL%' or found_type like '%,0)')
            else regexp_matches(found_type, '^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*)$')
        end
    order by 1
    limit 20
{% endmacro %}
