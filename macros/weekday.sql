{#- The day of the week of a UTC date, as one of `weekdays`. -#}
{% macro weekday(date) -%}
    {#- 1970-01-01 was a Thursday, the fourth of them. -#}
    case
        mod({{ epoch_seconds('cast(' ~ date ~ ' as ' ~ dbt.type_timestamp() ~ ')') }} + 259200, 604800)
        {%- for name in weekdays() %}
            when {{ loop.index0 * 86400 }} then '{{ name }}'
        {%- endfor %}
    end
{%- endmacro %}


{#- The days of the week by their short names, as a list. -#}
{% macro weekdays() %}
    {{- return(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']) -}}
{% endmacro %}


{#- What is left of a text that names days of the week; blank if it names nothing else. -#}
{% macro without_weekdays(text) -%}
    {%- set left = namespace(text=text) -%}
    {%- for name in weekdays() + [' '] -%}
        {%- set left.text = 'replace(' ~ left.text ~ ", '" ~ name ~ "', '')" -%}
    {%- endfor -%}
    {{ left.text }}
{%- endmacro %}
