{#- The timestamp that lies whole minutes after another; null if the minutes are. -#}
{% macro minutes_later(timestamp, minutes) -%}
    {{ dbt.dateadd('minute', minutes, timestamp) }}
{%- endmacro %}


{#- The timestamp that stands for a moment which does not come. -#}
{% macro never() -%}
    cast('9999-12-31 00:00:00' as {{ dbt.type_timestamp() }})
{%- endmacro %}
