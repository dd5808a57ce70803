{#-
    The tables whose rows are versions of a record of a person: a dict by feed, with the
    table's `name` and the `kind` of identifier that names its records.
-#}
{% macro record_tables() %}
    {{- return({
        'shop': {'name': 'customers', 'kind': 'customer_id'},
        'crm': {'name': 'contacts', 'kind': 'crm_id'},
    }) -}}
{% endmacro %}


{#-
    The kind of identifier that a row of activities is a record of; null if it tells of
    something else. Reads `feed` and `feed_table`.
-#}
{% macro record_kind() -%}
    case
        {%- for feed, table in record_tables().items() %}
                when feed = '{{ feed }}' and feed_table = '{{ table.name }}'
                    then '{{ table.kind }}'
        {%- endfor %}
            end
{%- endmacro %}
