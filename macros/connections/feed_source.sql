{#-
    The rows of a feed's table in its contract's columns and types, with `source_file`
    and `malformed_columns`, for a `from`: the landing source, or what the connection
    of the var `intent_connections` brings. A table that it does not bring is empty.

    A connection's rows have no files: the hours in which they arrived stand for them.
-#}
{% macro feed_source(feed, table) %}
    {%- set connection = feed_connection(feed) -%}
    {%- if connection is none -%}
        {{- return(source(feed, table)) -}}
    {%- endif -%}
    {%- set columns = described_columns(feed, table) -%}
    {%- if table not in connection.models -%}
        {{- return(no_rows(columns, table)) -}}
    {%- endif -%}
    {%- set model = ref(connection.models[table]) -%}
    {{- return(typed_rows(
        model, columns,
        'intent_connections: ' ~ feed ~ ': ' ~ model.identifier,
        'The contract of ' ~ feed ~ '.' ~ table ~ ' asks for it',
        batches=connection.name ~ '/' ~ table
    )) -}}
{% endmacro %}


{#-
    The rows of a loader's table in the columns and types that the connection's sources
    describe, with `malformed_columns`, for a `from`. A column that the loader did not
    make is null; so is all of a table whose `meta` says that it is optional. Rows that
    the loader marks as deleted are left out.
-#}
{% macro loader_table(connection, table) %}
    {%- set relation = source(connection, table) -%}
    {{- return(typed_rows(
        relation, described_columns(connection, table),
        'intent_connections: the connection ' ~ connection ~ ': ' ~ relation.schema ~ '.'
        ~ relation.identifier,
        'The connection needs it. Its place is told by {connection: ' ~ connection
        ~ ', schema: ..., database: ...}',
        is_optional=described_source(connection, table).get('is_optional', false)
    )) -}}
{% endmacro %}


{#-
    A subquery on a relation that has each of the `columns`, by the names and types that
    they are described with, and `malformed_columns`. `subject` and `remedy` word what
    stops the run if the relation, or a required column, is not there. With `batches`,
    a name, `source_file` too: the relation's own, else that name and the hour of
    `received_at`.
-#}
{% macro typed_rows(
    relation, columns, subject, remedy, is_optional=false, batches=none
) %}
    {%- if not execute -%}
        {{- return(relation) -}}
    {%- endif -%}
    {%- set found = columns_found(relation) -%}
    {%- if not found and is_optional -%}
        {{- return(no_rows(columns, relation.identifier)) -}}
    {%- elif not found -%}
        {%- do exceptions.raise_compiler_error(
            subject ~ ': there is no such table. ' ~ remedy
        ) -%}
    {%- endif -%}
    {%- set missing = [] -%}
    {%- for column in columns if column.is_required and column.name not in found -%}
        {%- do missing.append(column.name) -%}
    {%- endfor -%}
    {%- if missing -%}
        {%- do exceptions.raise_compiler_error(
            subject ~ ': has no column ' ~ missing | join(', ') ~ '. ' ~ remedy
        ) -%}
    {%- endif -%}
    {{- return(typed_rows_sql(relation, columns, found, batches)) -}}
{% endmacro %}


{% macro typed_rows_sql(relation, columns, found, batches) %}
(
        select
            {%- for column in columns %}
            {{ read_column(column, found.get(column.name)) }} as {{ column.name }},
            {%- endfor %}
            {%- if batches and 'source_file' not in found %}
            {{ arrival_hour(batches, found.get('received_at')) }} as source_file,
            {%- elif batches %}
            source_file,
            {%- endif %}
            {{ malformed_columns(columns, found) }} as malformed_columns

        from {{ relation }}
        {%- if '_fivetran_deleted' in found %}
        where not coalesce(_fivetran_deleted, false)
        {%- endif %}
    ) as {{ relation.identifier }}_rows
{%- endmacro %}


{#- Names the rows that arrived in one hour: they are read again if any of them changes. -#}
{% macro arrival_hour(batches, received_at) -%}
    {%- set received = read_column(
        {'name': 'received_at', 'type': 'timestamp'}, received_at
    ) -%}
    '{{ batches }}/' || coalesce(
                cast({{ dbt.date_trunc('hour', received) }} as {{ dbt.type_string() }}),
                'no time'
            )
{%- endmacro %}


{#- A subquery with the columns, as described, and no row. -#}
{% macro no_rows(columns, name) %}
    {%- set typed -%}
(
        select
            {%- for column in columns %}
            cast(null as {{ engine_type(column.type) }}) as {{ column.name }},
            {%- endfor %}
            cast(null as {{ dbt.type_string() }}) as source_file,
            cast(null as {{ dbt.type_string() }}) as malformed_columns
        where 1 = 0
    ) as {{ name }}_rows
    {%- endset -%}
    {{- return(typed) -}}
{% endmacro %}


{#- The columns that a relation has: a dict by name in lower case; empty without it. -#}
{% macro columns_found(relation) %}
    {%- set found = {} -%}
    {%- set there = adapter.get_relation(
        relation.database, relation.schema, relation.identifier
    ) -%}
    {%- if there is not none -%}
        {%- for column in adapter.get_columns_in_relation(there) -%}
            {%- do found.update({column.name | lower: column}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(found) -}}
{% endmacro %}
