{#-
    The number of the week, Monday to Sunday, that a UTC date or timestamp lies in: 0 is
    the week from Monday, 1970-01-05. Not date_trunc: engines begin the week on different
    days.
-#}
{% macro week_number(moment) -%}
    cast(floor(({{ epoch_seconds(moment) }} - 345600) / 604800.0) as bigint)
{%- endmacro %}


{#- The moment at which a week ends, given its `week_number`: the Monday after, 00:00. -#}
{% macro week_end(week_number) -%}
    {{ dbt.dateadd(
        'day',
        '(7 * (' ~ week_number ~ ' + 1))',
        "cast('1970-01-05' as " ~ dbt.type_timestamp() ~ ")"
    ) }}
{%- endmacro %}
