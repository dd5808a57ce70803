{#-
    The columns in which every feed tells of activities, for one of its tables: a list
    of select expressions. `identifiers` names those of the six kinds that the table
    has. Each other argument is an SQL expression for the column of its name; a column
    that is not given is null, but for those that every staging model has.
-#}
{% macro activity_columns(identifiers) -%}
    {%- set given = {
        'malformed_columns': 'malformed_columns',
        'source_file': 'source_file',
        'received_at': 'received_at',
    } -%}
    {%- do given.update(kwargs) -%}
    {%- for kind in identifiers -%}
        {%- do given.update({kind: kind}) -%}
    {%- endfor -%}
    {%- set types = activity_column_types() -%}
    {%- set unknown = given.keys() | reject('in', types) | list -%}
    {%- if unknown -%}
        {%- do exceptions.raise_compiler_error(
            "activity_columns: there is no column " ~ unknown | join(', ')
            ~ ". There are " ~ types | join(', ')
        ) -%}
    {%- endif -%}
    {%- for column, type in types.items() -%}
        {{ given.get(column, 'cast(null as ' ~ type ~ ')') }} as {{ column }}
        {{- ',\n        ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}


{#-
    The columns that `activity_columns` writes and `judge_activities` reads, with their
    types: a dict in the columns' order.
-#}
{% macro activity_column_types() %}
    {%- set text = dbt.type_string() -%}
    {%- set timestamp = dbt.type_timestamp() -%}
    {%- set types = {
        'feed_table': text,
        'event_id': text,
        'event_name': text,
        'event_detail': text,
        'is_record': dbt.type_boolean(),
        'business_key': text,
        'order_id': text,
    } -%}
    {%- for kind in identifier_kinds() -%}
        {%- do types.update({kind: text}) -%}
    {%- endfor -%}
    {%- do types.update({
        'is_whole_order': dbt.type_boolean(),
        'product_category': text,
        'user_agent': text,
        'message_id': text,
        'is_machine_flagged': dbt.type_boolean(),
        'measured': type_double(),
        'amount': type_double(),
        'currency': text,
        'malformed_columns': text,
        'source_file': text,
        'occurred_at': timestamp,
        'received_at': timestamp,
        'version_at': timestamp,
        'reversed_at': timestamp,
        'bad_value': text,
    }) -%}
    {{- return(types) -}}
{% endmacro %}
