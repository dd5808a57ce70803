{#-
    The view that stands for one raw table: its files, each column as the contract has
    it, and two more: `source_file`, and `malformed_columns`, the names of the columns
    whose text could not be read as the contract's type (they are null then).
-#}
{% macro raw_view_sql(contract) %}
    {% set readers = landed_readers(contract) %}
    create or replace view {{ var('intent_raw_schema') }}.{{ contract.identifier }} as
    {% for reader in readers %}
        select
            {% for column in contract.columns %}
                {{ raw_column(column, reader.types.get(column.name)) }} as {{ column.name }},
            {% endfor %}
            nullif(concat_ws(
                ','
                {%- for column in contract.columns
                    if column.type != 'varchar'
                    and reader.types.get(column.name) == 'varchar' %},
                case
                    when trim({{ quoted(column.name) }}) <> ''
                        and {{ raw_column(column, 'varchar') }} is null
                        then {{ sql_text(column.name) }}
                end
                {%- endfor -%}
                , cast(null as varchar)
            ), '') as malformed_columns,
            '{{ contract.feed_table }}/' || parse_filename(landed_file) as source_file,
        from {{ reader.sql }}
        {{ 'union all' if not loop.last }}
    {% else %}
        select
            {% for column in contract.columns %}
                cast(null as {{ column.type }}) as {{ column.name }},
            {% endfor %}
            cast(null as varchar) as malformed_columns,
            cast(null as varchar) as source_file,
        limit 0
    {% endfor %}
{% endmacro %}


{% macro quoted(name) -%} "{{ name }}" {%- endmacro %}


{#-
    A column of a file in the contract's type. Text is read as what it says, or null;
    times with an offset become UTC, times without are UTC. `found_type` is the file's
    type, in lower case; none where the file has no such column.
-#}
{% macro raw_column(column, found_type) -%}
    {%- set name = quoted(column.name) -%}
    {%- if not found_type -%}
        cast(null as {{ column.type }})
    {%- elif found_type == 'timestamp with time zone' -%}
        {{ name }} at time zone 'UTC'
    {%- elif found_type == 'varchar' and column.type == 'timestamp' -%}
        case
            when regexp_matches({{ name }}, '^\s*\d{4}-\d\d-\d\d')
                then try_cast({{ name }} as timestamptz) at time zone 'UTC'
        end
    {%- elif found_type == 'varchar' and column.type != 'varchar' -%}
        try_cast({{ name }} as {{ column.type }})
    {%- elif found_type in ('double', 'float') and column.type == 'varchar' -%}
        {#- Tools that know no null among whole numbers make fractions of them. -#}
        regexp_replace(cast({{ name }} as varchar), '\.0$', '')
    {%- elif found_type == column.type -%}
        {{ name }}
    {%- else -%}
        cast({{ name }} as {{ column.type }})
    {%- endif -%}
{%- endmacro %}


{#-
    How to read a table's files: a list of dicts with `sql`, a DuckDB reader for files
    that have the same columns, and `types`, the columns' types by name. Nothing is read
    out of the names of folders (`country=DE`).
-#}
{% macro landed_readers(contract) %}
    {% set readers = [] %}
    {% set groups = run_query(landed_groups_sql(contract)) %}
    {% for group in groups %}
        {% set files = '[' ~ group['files'] ~ "], filename = 'landed_file', "
            ~ 'hive_partitioning = false' %}
        {% if group['file_format'] == 'parquet' %}
            {% set sql = 'read_parquet(' ~ files ~ ')' %}
        {% elif group['file_format'] == 'csv' %}
            {% set sql = 'read_csv(' ~ files ~ ', auto_detect = false, '
                ~ "header = true, delim = ',', quote = '\"', escape = '\"', "
                ~ 'max_line_size = 16777216, columns = {' ~ group['spec'] ~ '})' %}
        {% else %}
            {% set sql = 'read_json(' ~ files ~ ", "
                ~ "format = 'newline_delimited', columns = {" ~ group['spec'] ~ '})' %}
        {% endif %}
        {% do readers.append({'sql': sql, 'types': fromjson(group['types'])}) %}
    {% endfor %}
    {{ return(readers) }}
{% endmacro %}


{#-
    One row per set of files of a table that have the same format and columns. `spec`
    says how DuckDB is to read text files.
-#}
{% macro landed_groups_sql(contract) %}
    with file_columns as (
        select
            files.path,
            files.file_format,
            string_agg(
                case
                    when files.file_format = 'parquet'
                        then landed_columns.column_name || ' ' || landed_columns.column_type
                    -- Other columns are none of ours: they may be unnamed, or alike.
                    else
                        coalesce(contract_columns.column_name, '_' || landed_columns.position)
                        || ': ''varchar'''
                end, ', '
                order by landed_columns.position
            ) as spec,
            cast(to_json(map(
                list(contract_columns.column_name order by landed_columns.position)
                    filter (contract_columns.column_name is not null),
                list(lower(landed_columns.column_type) order by landed_columns.position)
                    filter (contract_columns.column_name is not null)
            )) as varchar) as types,
        from {{ var('intent_raw_schema') }}.landed_files as files
        inner join {{ var('intent_raw_schema') }}.landed_columns as landed_columns
            on files.source_file = landed_columns.source_file
        left join {{ var('intent_raw_schema') }}.contract_columns as contract_columns
            on
                files.feed_table = contract_columns.feed_table
                and contract_columns.column_name = lower(landed_columns.column_name)
        where files.feed_table = {{ sql_text(contract.feed_table) }}
        group by files.path, files.file_format
        union all
        select
            path,
            file_format,
            '{% for column in contract.columns %}{{ column.name }}: ''varchar''{{ ', ' if not loop.last }}{% endfor %}',
            '{ {%- for column in contract.columns %}"{{ column.name }}": "varchar"{{ ', ' if not loop.last }}{% endfor -%} }'
        from {{ var('intent_raw_schema') }}.landed_files
        where
            feed_table = {{ sql_text(contract.feed_table) }}
            and file_format in ('ndjson', 'jsonl')
    )
    select
        file_format,
        spec,
        types,
        string_agg('''' || replace(path, '''', '''''') || '''', ', ' order by path) as files
    from file_columns
    group by file_format, spec, types
    order by min(path)
{% endmacro %}


{#-
    What the values of the new text files tell: a required column without any value, or
    a column of which no value can be read. (A single such value quarantines its row.)
-#}
{% macro value_faults_sql(contract) %}
    {% set files = run_query(new_text_files_sql(contract)).columns[0].values() %}
    {% if files %}{{ text_faults_sql(contract, files) }}{% endif %}
{% endmacro %}


{#- The new files of a table in which text must be read as something else. -#}
{% macro new_text_files_sql(contract) %}
    select files.source_file
    from {{ var('intent_raw_schema') }}.landed_files as files
    where
        files.is_new
        and files.feed_table = {{ sql_text(contract.feed_table) }}
        and (
            files.file_format <> 'parquet'
            or exists (
                select 1
                from {{ var('intent_raw_schema') }}.landed_columns as landed
                inner join {{ var('intent_raw_schema') }}.contract_columns as wanted
                    on
                        wanted.feed_table = files.feed_table
                        and wanted.column_name = lower(landed.column_name)
                where
                    landed.source_file = files.source_file
                    and landed.column_type = 'VARCHAR'
                    and wanted.column_type <> 'varchar'
            )
        )
{% endmacro %}


{#- The faults in the values of text files, named one by one: no others are opened. -#}
{% macro text_faults_sql(contract, files) %}
    with text_values as (
        select
            source_file,
            count(*) as row_count,
            {% for column in contract.columns %}
                count({{ column.name }}) as read_{{ loop.index }},
                count(case
                    when list_contains(string_split(malformed_columns, ','), {{ sql_text(column.name) }})
                        then 1
                end) as malformed_{{ loop.index }},
            {% endfor %}
        from {{ var('intent_raw_schema') }}.{{ contract.identifier }}
        where source_file in ({{ sql_texts(files) }})
        group by source_file
    )
    {% for column in contract.columns %}
        select
            source_file || ': the column {{ column.name }} holds no value that can be read as {{ column.type }}'
        from text_values
        where read_{{ loop.index }} = 0 and malformed_{{ loop.index }} > 0
        {% if column.is_required %}
            union all
            select
                source_file || ': the column {{ column.name }} is missing, or null in every row. '
                || 'The contract of {{ contract.feed_table | replace("/", ".") }} asks for it'
            from text_values
            where read_{{ loop.index }} = 0 and malformed_{{ loop.index }} = 0
        {% endif %}
        {{ 'union all' if not loop.last }}
    {% endfor %}
    order by 1
    limit 20
{% endmacro %}
