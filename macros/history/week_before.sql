{#- The day seven days before that of a clock: `score_change_7d` counts from its start. -#}
{% macro week_before(as_of) -%}
    cast({{ dbt.dateadd('day', -7, 'cast(' ~ as_of ~ ' as date)') }} as date)
{%- endmacro %}
