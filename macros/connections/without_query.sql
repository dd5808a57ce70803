{#- An address without what follows its '?'. -#}
{% macro without_query(address) -%}
    {{ dbt.split_part(address, "'?'", 1) }}
{%- endmacro %}
