{#-
    The columns that one table of a source is described with, as a list of dicts of
    `name`, `type` and `is_required`; none are known while the project is parsed.
-#}
{% macro described_columns(source_name, table) %}
    {{- return(described_source(source_name, table).get('columns', [])) -}}
{% endmacro %}


{#- What the sources of this project say of a table: `columns` and `is_optional`. -#}
{% macro described_source(source_name, table) %}
    {%- for source in graph.get('sources', {}).values()
        if source.package_name == 'intent_scoring'
        and source.source_name == source_name and source.name == table -%}
        {%- set columns = [] -%}
        {%- for column in source.columns.values() -%}
            {%- do columns.append({
                'name': column.name | lower,
                'type': 'varchar' if column.data_type == 'text' else column.data_type,
                'is_required': column.config.get('meta', {}).get('required', false),
            }) -%}
        {%- endfor -%}
        {{- return({
            'identifier': source.identifier,
            'columns': columns,
            'is_optional': source.config.get('meta', {}).get('optional', false),
        }) -}}
    {%- endfor -%}
    {{- return({}) -}}
{% endmacro %}
