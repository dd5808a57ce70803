{#-
    A column of a loader's table in the type that it is described with: `column` has
    `name` and `type`; `found` is the table's own column, none where it has no such.
    Times become UTC; text that is no value of the type becomes null.
-#}
{% macro read_column(column, found) -%}
    {{ return(adapter.dispatch('read_column', 'intent_scoring')(column, found)) }}
{%- endmacro %}


{% macro default__read_column(column, found) -%}
    {%- set type = engine_type(column.type) -%}
    {%- if not found -%}
        cast(null as {{ type }})
    {%- elif column.type == 'varchar' and (found.is_float() or found.is_numeric()) -%}
        cast(cast({{ found.quoted }} as {{ dbt.type_bigint() }}) as {{ type }})
    {%- elif column.type != 'varchar' and found.is_string() -%}
        {{ dbt.safe_cast(found.quoted, type) }}
    {%- else -%}
        cast({{ found.quoted }} as {{ type }})
    {%- endif -%}
{%- endmacro %}


{% macro duckdb__read_column(column, found) -%}
    {{ raw_column(column, found.dtype | lower if found else none) }}
{%- endmacro %}


{#- The engine's name of a type that a column is described with. -#}
{% macro engine_type(type) -%}
    {{ return({
        'varchar': dbt.type_string(),
        'timestamp': dbt.type_timestamp(),
        'double': type_double(),
        'bigint': dbt.type_bigint(),
        'boolean': dbt.type_boolean(),
    }.get(type, type)) }}
{%- endmacro %}


{#-
    The names of a row's columns whose text could not be read as their type, with commas
    between; null if there are none. What the table itself says of that is kept.
-#}
{% macro malformed_columns(columns, found) -%}
    {%- set names = [] -%}
    {%- if 'malformed_columns' in found -%}
        {%- do names.append('malformed_columns') -%}
    {%- endif -%}
    {%- for column in columns
        if column.type != 'varchar' and column.name in found
        and found[column.name].is_string() -%}
        {%- do names.append(
            "case when trim(" ~ found[column.name].quoted ~ ") <> '' and "
            ~ read_column(column, found[column.name]) ~ " is null then '"
            ~ column.name ~ "' end"
        ) -%}
    {%- endfor -%}
    {%- if names -%}
        nullif(concat_ws(',', {{ names | join(', ') }}), '')
    {%- else -%}
        cast(null as {{ dbt.type_string() }})
    {%- endif -%}
{%- endmacro %}
