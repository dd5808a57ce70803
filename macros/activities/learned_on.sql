{#-
    The UTC day on which something about a day or an order was learned, as a date: the
    day of `moment`, to which its closing midnight belongs, and not before `day` itself.
    So a midnight knows all that reached us until it, and what came in the course of a
    day is learned at once, with the last of it. Null if the moment is.
-#}
{% macro learned_on(moment, day) -%}
    case
        when {{ moment }} is not null
            then
                greatest(
                    cast({{ dbt.dateadd('second', -1, moment) }} as date), {{ day }}
                )
    end
{%- endmacro %}


{#- When it is known, as a timestamp: at `moment`, and not before the day has ended. -#}
{% macro known_from_end_of(day, moment) -%}
    greatest(
        {{ moment }},
        cast({{ dbt.dateadd('day', 1, day) }} as {{ dbt.type_timestamp() }})
    )
{%- endmacro %}
