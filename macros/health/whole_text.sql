{#- A number without decimals as a text. -#}
{% macro whole_text(number) -%}
    cast(cast({{ number }} as {{ dbt.type_bigint() }}) as {{ dbt.type_string() }})
{%- endmacro %}
