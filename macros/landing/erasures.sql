{#-
    The folder in which `intent forget` keeps what it must remember: keyed hashes, the
    files that were looked at by them, and identifiers that stay shared.
-#}
{% macro erasures_folder() %}
    {{- return(env_var('INTENT_ERASURES', 'data/erasures').rstrip('/')) -}}
{% endmacro %}


{#- The files in it, as a list of names. -#}
{% macro erasures_files() %}
    {{ return(run_query(
        'select parse_filename(file) from glob(' ~ sql_text(erasures_folder() ~ '/*') ~ ')'
    ).columns[0].values()) }}
{% endmacro %}


{#-
    The files that were not looked at for erased contacts, if any contact was erased.
    Only `intent` can tell whose rows they hold: the hashes are keyed.
-#}
{% macro erasure_faults_sql() %}
    {% set found = erasures_files() %}
    {% if 'hashes' in found %}
        select
            files.source_file || ': was not looked at for contacts that were erased. '
            || 'Run `intent check` or `intent build`'
        from {{ var('intent_raw_schema') }}.landed_files as files
        {% if 'checked.csv' in found %}
            anti join read_csv(
                {{ sql_text(erasures_folder() ~ '/checked.csv') }}, auto_detect = false,
                header = true, columns = {'source_file': 'varchar', 'fingerprint': 'varchar'}
            ) as checked
                on
                    files.source_file = checked.source_file
                    and files.fingerprint = checked.fingerprint
        {% endif %}
        where files.path <> '' and files.file_format <> ''
        order by 1
        limit 20
    {% endif %}
{% endmacro %}


{#- The table that the macro `identifiers_left_shared` reads. -#}
{% macro identifiers_left_shared_sql() %}
    create or replace table {{ var('intent_raw_schema') }}.identifiers_left_shared as
    {% if 'shared.csv' in erasures_files() %}
        select * from read_csv(
            {{ sql_text(erasures_folder() ~ '/shared.csv') }}, auto_detect = false,
            header = true, columns = {'identifier': 'varchar', 'shared_from': 'date'}
        )
    {% else %}
        select cast(null as varchar) as identifier, cast(null as date) as shared_from
        limit 0
    {% endif %}
{% endmacro %}
