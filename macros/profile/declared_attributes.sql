{#-
    The select list of a contact's declared attributes: a dict of column names and
    types, in order. A record's table that lacks one selects a null of its type.
-#}
{% macro declared_attributes() %}
    {%- set text = dbt.type_string() -%}
    {{- return({
        'country': text,
        'region': text,
        'city': text,
        'language': text,
        'gender': text,
        'education': text,
        'job_title': text,
        'interests': text,
        'account_type': text,
        'income': type_double(),
        'birth_date': dbt.type_timestamp(),
    }) -}}
{% endmacro %}


{#-
    The declared attributes of a staging model that has the columns `present`; null
    stands for each of the others.
-#}
{% macro attribute_columns(present) -%}
    {%- for attribute, type in declared_attributes().items() -%}
        {{ attribute if attribute in present else 'cast(null as ' ~ type ~ ')' }}
        as {{ attribute }}{{ ',\n        ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
