{#-
    What the var `intent_evaluation` asks for, as a dict: `last`, the newest of the past
    midnights, null for the newest whose outcomes are all known; how many `midnights`;
    and `every_days` one. While dbt only reads the project, the var may be null.
-#}
{% macro evaluation_asked() %}
    {% set asked = {'last': none, 'midnights': 12, 'every_days': 28} %}
    {% set given = var('intent_evaluation') if execute else {} %}
    {% if given is not mapping or given.keys() | reject('in', asked) | list %}
        {% do exceptions.raise_compiler_error(
            "intent_evaluation: got '" ~ given ~ "'. Give some of last, midnights and "
            ~ 'every_days, such as {last: 2026-06-03, midnights: 12, every_days: 28}'
        ) %}
    {% endif %}
    {% do asked.update(given) %}
    {% if asked.last is not none and not is_day(asked.last) %}
        {% do exceptions.raise_compiler_error(
            "intent_evaluation: last is '" ~ asked.last ~ "'. Give a past UTC midnight, "
            ~ 'such as 2026-06-03'
        ) %}
    {% endif %}
    {% for name, most in [('midnights', 1000), ('every_days', 400)] %}
        {% set number = asked[name] %}
        {% if not is_whole_number(number) or number < 1 or number > most %}
            {% do exceptions.raise_compiler_error(
                'intent_evaluation: ' ~ name ~ " is '" ~ number ~ "'. Give a whole "
                ~ 'number from 1 to ' ~ most
            ) %}
        {% endif %}
    {% endfor %}
    {{- return(asked) -}}
{% endmacro %}


{#-
    What the var `intent_target` counts as success, as a dict: `activities` and the
    numbers of `days` within which a contact does one of them, from few to many.
-#}
{% macro evaluation_target() %}
    {% set target = var('intent_target') %}
    {% if
        target is not mapping
        or not target.activities
        or target.activities is string
        or not target.days
        or target.days is not sequence
        or target.days | reject('in', range(1, 731)) | list
    %}
        {% do exceptions.raise_compiler_error(
            "intent_target: got '" ~ target ~ "'. Give activities, and days, whole "
            ~ 'numbers from 1 to 730, such as {activities: [purchase], days: [7, 28]}'
        ) %}
    {% endif %}
    {{- return({
        'activities': target.activities | unique | list,
        'days': target.days | unique | sort,
    }) -}}
{% endmacro %}


{#-
    The var `intent_evaluation_active_days`: contacts are evaluated who did something in
    so many days before a midnight; null: all.
-#}
{% macro evaluation_active_days() %}
    {% set days = var('intent_evaluation_active_days') %}
    {% if days is not none and (not is_whole_number(days) or days < 1) %}
        {% do exceptions.raise_compiler_error(
            "intent_evaluation_active_days: got '" ~ days ~ "'. Give a whole number "
            ~ 'above 0, such as 90, or null for all contacts'
        ) %}
    {% endif %}
    {{- return(days) -}}
{% endmacro %}


{% macro is_whole_number(value) %}
    {{- return(value is integer and value is not boolean) -}}
{% endmacro %}


{% macro is_day(value) %}
    {{- return(
        modules.re.fullmatch('\\d{4}-\\d{2}-\\d{2}', value | string) is not none
    ) -}}
{% endmacro %}
