{#-
    Runs before every build. On DuckDB it makes the raw tables: for each table that
    the contracts (`_<feed>__sources.yml`) name, a view on the files found in the
    landing folder. First it checks the files against the contracts, and stops with
    every fault found, each with its file and column. On other engines the raw tables
    are tables of the warehouse, and there is nothing to do. `takes_all_for_new`: look at
    every file, whether it was counted or not, for a check.
-#}
{% macro open_landing(takes_all_for_new=false) %}
    {% if execute %}
        {% do adapter.dispatch('open_landing', 'intent_scoring')(takes_all_for_new) %}
    {% endif %}
{% endmacro %}


{% macro default__open_landing(takes_all_for_new) %}{% endmacro %}


{% macro duckdb__open_landing(takes_all_for_new) %}
    {% do stop_unless_utc() %}
    {% set counted = none if takes_all_for_new else counted_files() %}
    {% set contracts = landing_contracts() %}
    {% do run_query('create schema if not exists ' ~ var('intent_raw_schema')) %}
    {% do open_counted_files() %}
    {% do run_query(contract_columns_sql(contracts)) %}
    {% do run_query(landed_files_sql(contracts, counted)) %}
    {% do run_query(identifiers_left_shared_sql()) %}
    {% do stop_on_faults(erasure_faults_sql()) %}
    {% do stop_on_faults(file_faults_sql(contracts, counted)) %}
    {% do run_query(landed_columns_sql()) %}
    {% do stop_on_faults(column_faults_sql()) %}
    {% for contract in contracts %}
        {% do run_query(raw_view_sql(contract)) %}
        {% do stop_on_faults(value_faults_sql(contract)) %}
    {% endfor %}
    {% do open_audit() %}
{% endmacro %}


{#- Times without an offset are read as UTC, by the session's time zone. -#}
{% macro stop_unless_utc() %}
    {% set zone = run_query("select current_setting('TimeZone')").columns[0].values()[0] %}
    {% if zone not in ('UTC', 'Etc/UTC') %}
        {% do exceptions.raise_compiler_error(
            "the time zone of DuckDB's sessions is " ~ zone ~ ', but times are read as '
            ~ 'UTC. In profiles.yml, give the target: settings: {TimeZone: UTC}'
        ) %}
    {% endif %}
{% endmacro %}


{#- Stops the run with the faults that a query finds, one a line, if there are any. -#}
{% macro stop_on_faults(faults_sql) %}
    {% set faults = run_query(faults_sql).columns[0].values() if faults_sql.strip() else [] %}
    {% if faults %}
        {% do exceptions.raise_compiler_error(
            'the landing folder ' ~ landing_folder() ~ ' can not be used:\n- '
            ~ faults | join('\n- ')
        ) %}
    {% endif %}
{% endmacro %}


{#- The landing folder's path, without a slash at its end. -#}
{% macro landing_folder() %}
    {{- return(
        (var('intent_landing') or env_var('INTENT_LANDING', 'data/landing')).rstrip('/')
    ) -}}
{% endmacro %}


{#-
    The contracts of the feeds that come as files: a list of dicts of `feed_table`
    ('<feed>/<table>'), `identifier`, and `columns`, each with `name`, `type` (on DuckDB)
    and `is_required`.
-#}
{% macro landing_contracts() %}
    {% set contracts = [] %}
    {% for feed in landed_feeds() %}
        {% for table in feed_tables()[feed] %}
            {% set described = described_source(feed, table) %}
            {% do contracts.append({
                'feed_table': feed ~ '/' ~ table,
                'identifier': described.identifier,
                'columns': described.columns,
            }) %}
        {% endfor %}
    {% endfor %}
    {{ return(contracts) }}
{% endmacro %}


{#- A text as an SQL literal. -#}
{% macro sql_text(value) -%}
    '{{ value | replace("'", "''") }}'
{%- endmacro %}


{#- Texts as SQL literals with commas between. -#}
{% macro sql_texts(values) -%}
    {%- for value in values %}{{ sql_text(value) }}{{ ', ' if not loop.last }}{% endfor -%}
{%- endmacro %}
