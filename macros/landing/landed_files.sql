{#- The contracts as a table, one row per column, for the checks in SQL. -#}
{% macro contract_columns_sql(contracts) %}
    create or replace table {{ var('intent_raw_schema') }}.contract_columns as
    select * from (
        values
        {% for contract in contracts %}
            {% set last_contract = loop.last %}
            {% for column in contract.columns %}
                (
                    {{ sql_text(contract.feed_table) }}, {{ sql_text(column.name) }},
                    {{ sql_text(column.type) }}, {{ column.is_required }}
                ){{ ',' if not (loop.last and last_contract) }}
            {% endfor %}
        {% endfor %}
    ) as contract_columns (feed_table, column_name, column_type, is_required)
{% endmacro %}


{#-
    The files in the folders of the contracts' tables; hidden ones are passed over. A
    file is new if no finished build has counted it: `counted`, the relation of
    `int_landed_files`, has those; none before the first build. `source_file` is the
    path within the landing folder, so that the folder may move.
-#}
{% macro landed_files_sql(contracts, counted) %}
    {% set folders = [] %}
    {% for contract in contracts %}
        {% do folders.append(landing_folder() ~ '/' ~ contract.feed_table ~ '/*') %}
    {% endfor %}
    {% set found = run_query(
        'select file from glob([' ~ sql_texts(folders) ~ ']) '
        ~ "where parse_filename(file) not like '.%'"
    ).columns[0].values() %}
    create or replace table {{ var('intent_raw_schema') }}.landed_files as
    with found as (
        {% if found %}
            select
                filename as path,
                parse_path(filename)[-3] || '/' || parse_path(filename)[-2] as feed_table,
                feed_table || '/' || parse_filename(filename) as source_file,
                -- DuckDB knows .gz by its small letters.
                lower(split_part(regexp_extract(
                    filename, '\.((?i:parquet)|(?i:csv|ndjson|jsonl)(\.gz)?)$', 1
                ), '.', 1)) as file_format,
                size as size_bytes,
                last_modified at time zone 'UTC' as modified_at,
            from read_blob([{{ sql_texts(found) }}])
        {% else %}
            select
                '' as path, '' as feed_table, '' as source_file, '' as file_format,
                0 as size_bytes, timestamp '1970-01-01' as modified_at,
            limit 0
        {% endif %}
    )
    {% if counted %}
        select
            found.*,
            counted.source_file is null as is_new,
            coalesce(
                counted.size_bytes <> found.size_bytes
                or counted.modified_at <> found.modified_at, false
            ) as is_changed,
        from found
        left join {{ counted }} as counted on found.source_file = counted.source_file
    {% else %}
        select found.*, true as is_new, false as is_changed, from found
    {% endif %}
{% endmacro %}


{#- What the names and sizes of the files tell. -#}
{% macro file_faults_sql(counted) %}
    with files as (select * from {{ var('intent_raw_schema') }}.landed_files)
    select
        feed || ': holds no file. Land some with `intent load`, or take the feed out of '
        || 'the var intent_feeds'
    from (
        select unnest([{{ sql_texts(var('intent_feeds')) }}]) as feed
    )
    where not exists (select 1 from files where files.feed_table like feed || '/%')
    union all
    select
        source_file || ': is of no format that can be read: '
        || '.parquet, .csv, .ndjson or .jsonl (these three also with .gz)'
    from files where file_format = ''
    union all
    select source_file || ': is empty. Take it away, or land it again'
    from files where size_bytes = 0
    {% if counted and not flags.FULL_REFRESH %}
        union all
        select
            source_file || ': has changed since it was counted. Run with --full-refresh, '
            || 'and next time land changes as a new file'
        from files where is_changed
        union all
        select
            counted.source_file || ': was counted and is gone. Put it back, or run with '
            || '--full-refresh'
        from {{ counted }} as counted
        anti join files on counted.source_file = files.source_file
    {% endif %}
    order by 1
    limit 20
{% endmacro %}
