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


{#-
    The select of all that was learned of things, and when, from the CTEs `tellings` and
    `words` (columns as of `int_activities_known`, with `learned_on` and `replaced_on`).
    `key`: the columns that name a thing.
-#}
{% macro list_lessons(key) %}
{% for relation in ['tellings', 'words'] %}
    {% for day, moment in {
        'learned_on': 'known_from', 'replaced_on': 'known_to',
    }.items() %}
        select
            {{ key | join(',\n            ') }},
            {{ day }} as learned_on,
            {{ moment }} as learned_at

        from {{ relation }}
        where {{ moment }} is not null
        {{ 'union all' if not loop.last }}
    {% endfor %}
    {{ 'union all' if not loop.last }}
{% endfor %}
{%- endmacro %}
