{#- The contracts as a table, one row per column, for the checks in SQL. -#}
{% macro contract_columns_sql(contracts) %}
    create or replace table {{ var('intent_raw_schema') }}.contract_columns as
    select * from (
        values
        ('', '', '', false)
        {% for contract in contracts %}
            {% for column in contract.columns %}
                , (
                    {{ sql_text(contract.feed_table) }}, {{ sql_text(column.name) }},
                    {{ sql_text(column.type) }}, {{ column.is_required }}
                )
            {% endfor %}
        {% endfor %}
    ) as contract_columns (feed_table, column_name, column_type, is_required)
    where feed_table <> ''
{% endmacro %}


{#-
    The visible files of the landing folder, and what else rows are read by: the seeds,
    and the var `intent_connections`. A file
    is new if no model counted it yet: `counted` is the relation of the counted ones,
    none to take all files for new. `source_file` is the path within the landing folder,
    so that the folder may move; `fingerprint` tells if a file or seed was changed.
-#}
{% macro landed_files_sql(contracts, counted) %}
    {% set root = landing_folder() ~ '/' %}
    {% set found = run_query(
        'select file from glob(' ~ sql_text(root ~ '**') ~ ') '
        ~ "where not contains(substring(file, " ~ root | length ~ "), '/.')"
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
                size || ' ' || epoch_us(last_modified) as fingerprint,
            from read_blob([{{ sql_texts(found) }}])
            union all
        {% endif %}
        select
            '' as path, '' as feed_table, 'the var intent_connections' as source_file,
            'seed' as file_format, null as size_bytes,
            {{ sql_text(tojson(var('intent_connections'), sort_keys=true)) }}
                as fingerprint,
        {% for seed in ['event_names', 'feed_preferences'] %}
            union all
            select
                '' as path, 'seeds/feeds' as feed_table,
                'seeds/feeds/{{ seed }}.csv' as source_file, 'seed' as file_format,
                null as size_bytes, {{ sql_text(seed_checksum(seed)) }} as fingerprint,
        {% endfor %}
    )
    {% if counted %}
        -- Each model that counts files has a memory of its own.
        select
            found.*,
            counted.source_file is null as is_new,
            coalesce(counted.fingerprints <> [found.fingerprint], false) as is_changed,
        from found
        left join (
            select source_file, list(distinct fingerprint) as fingerprints
            from {{ counted }}
            group by source_file
        ) as counted on found.source_file = counted.source_file
    {% else %}
        select found.*, true as is_new, false as is_changed, from found
    {% endif %}
{% endmacro %}


{#-
    What a seed holds, in short: two that differ have two checksums. A host project may
    have put its own in the place of this project's.
-#}
{% macro seed_checksum(seed) %}
    {% if execute %}
        {% set seeds = graph.nodes.values()
            | selectattr('resource_type', 'equalto', 'seed')
            | selectattr('name', 'equalto', seed) | list %}
        {% set own = seeds | rejectattr('package_name', 'equalto', 'intent_scoring')
            | list %}
        {{ return((own or seeds)[0].checksum.checksum) }}
    {% endif %}
{% endmacro %}


{#-
    Makes the table of counted files if there is none, and forgets what was counted by
    models that are gone or switched off. One row per model that reads files, and file.
-#}
{% macro open_counted_files() %}
    {% set relation = counted_files() %}
    {% set models = [] %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' %}
        {% do models.append(node.alias) %}
    {% endfor %}
    {% do run_query(
        'create table if not exists ' ~ relation
        ~ ' (model varchar, source_file varchar, fingerprint varchar)'
    ) %}
    {% do run_query(
        'delete from ' ~ relation ~ ' where model not in (' ~ sql_texts(models) ~ ')'
    ) %}
{% endmacro %}


{#- The name of the table of counted files. -#}
{% macro counted_files() %}
    {{ return(var('intent_raw_schema') ~ '.counted_files') }}
{% endmacro %}


{#-
    Runs with each model that reads new files, in its transaction: what it has counted
    is the files that the run found. So a model that failed, or was left out of a run,
    finds its files new the next time, whatever the others did.
-#}
{% macro remember_counted_files() %}
    {{ return(adapter.dispatch('remember_counted_files', 'intent_scoring')()) }}
{% endmacro %}


{% macro default__remember_counted_files() %}{% endmacro %}


{% macro duckdb__remember_counted_files() %}
    delete from {{ counted_files() }} where model = {{ sql_text(this.identifier) }};
    insert into {{ counted_files() }}
    select
        {{ sql_text(this.identifier) }},
        source_file,
        fingerprint
    from {{ var('intent_raw_schema') }}.landed_files
{% endmacro %}


{#-
    What the names and sizes of the files tell. `contracts` are those of the feeds that
    are switched on; `counted` is the relation of the counted files, or none.
-#}
{% macro file_faults_sql(contracts, counted) %}
    {% set landed_tables = contracts | map(attribute='feed_table') | list or [''] %}
    with files as (select * from {{ var('intent_raw_schema') }}.landed_files)
    select
        feed || ': holds no file. Land some with `intent load`, or take the feed out of '
        || 'the var intent_feeds'
    from (
        select unnest(cast([{{ sql_texts(landed_feeds()) }}] as varchar[])) as feed
    )
    where not exists (select 1 from files where files.feed_table like feed || '/%')
    union all
    select
        source_file || ': is of no format that can be read: '
        || '.parquet, .csv, .ndjson or .jsonl (these three also with .gz)'
    from files
    where
        file_format = ''
        and feed_table in ({{ sql_texts(landed_tables) }})
    union all
    select
        substring(path, {{ landing_folder() | length + 2 }}) || ': belongs to no table. '
        || 'Files go to <feed>/<table>/, such as web/events/'
    from files
    where
        path <> ''
        and split_part(substring(path, {{ landing_folder() | length + 2 }}), '/', 1)
        not in ({{ sql_texts(feeds_not_landed() or ['']) }})
        and (
            source_file <> substring(path, {{ landing_folder() | length + 2 }})
            or feed_table not in ({{ sql_texts(landed_tables) }})
        )
    union all
    select source_file || ': is empty. Take it away, or land it again'
    from files where size_bytes = 0
    {% if counted and not flags.FULL_REFRESH %}
        union all
        select
            source_file || ': has changed since it was counted. Run with --full-refresh'
            || case
                when file_format <> 'seed' then ', and next time land changes as a new file'
                else ' to count all events by it'
            end
        from files where is_changed
        union all
        select distinct
            counted.source_file || ': was counted and is gone. Put it back, or run with '
            || '--full-refresh'
        from {{ counted }} as counted
        anti join files on counted.source_file = files.source_file
    {% endif %}
    order by 1
    limit 20
{% endmacro %}
