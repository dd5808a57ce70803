{#- A number as text, cut to a whole one, on every engine the same. -#}
{% macro whole_number_text(number) -%}
    cast(cast(floor({{ number }}) as bigint) as {{ dbt.type_string() }})
{%- endmacro %}
