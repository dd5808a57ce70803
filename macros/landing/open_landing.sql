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
    {% set counted = none if takes_all_for_new else counted_files() %}
    {% set contracts = landing_contracts() %}
    {% do run_query('create schema if not exists ' ~ var('intent_raw_schema')) %}
    {% do run_query(contract_columns_sql(contracts)) %}
    {% do run_query(landed_files_sql(contracts, counted)) %}
    {% do stop_on_faults(file_faults_sql(contracts, counted)) %}
    {% do run_query(landed_columns_sql()) %}
    {% do stop_on_faults(column_faults_sql()) %}
    {% for contract in contracts %}
        {% do run_query(raw_view_sql(contract)) %}
        {% do stop_on_faults(value_faults_sql(contract)) %}
    {% endfor %}
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
    The contracts of the feeds that are switched on: the sources of this project. A
    list of dicts: `feed_table` ('<feed>/<table>'), `identifier`, and `columns`, each
    with `name`, `type` (on DuckDB) and `is_required`.
-#}
{% macro landing_contracts() %}
    {% set contracts = [] %}
    {% for source in graph.sources.values()
        if source.package_name == 'intent_scoring' %}
        {% set columns = [] %}
        {% for column in source.columns.values() %}
            {% do columns.append({
                'name': column.name,
                'type': 'varchar' if column.data_type == 'text' else column.data_type,
                'is_required': column.config.get('meta', {}).get('required', false),
            }) %}
        {% endfor %}
        {% do contracts.append({
            'feed_table': source.source_name ~ '/' ~ source.name,
            'identifier': source.identifier,
            'columns': columns,
        }) %}
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
