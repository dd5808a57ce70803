{#- Days, fractional, from one UTC timestamp to a later one. -#}
{% macro age_days(as_of, occurred_at) -%}
    ({{ epoch_seconds(as_of) }} - {{ epoch_seconds(occurred_at) }})
    / cast(86400 as {{ type_double() }})
{%- endmacro %}


{#- Minutes as days, with fractions. -#}
{% macro minutes_in_days(minutes) -%}
    {{ minutes }} / cast(1440 as {{ type_double() }})
{%- endmacro %}
