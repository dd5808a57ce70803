{#-
    Stops the build if the var `intent_target` names what is no activity of the sheet
    `activities`, or one that contacts can't do: those of `derived_signals` are told by
    other activities.
-#}
{% macro stop_on_unknown_targets(activities, derived_signals) %}
    {% if execute %}
        {% set found = run_query(
            'select activities.activity, signals.activity from ' ~ activities
            ~ ' as activities left join ' ~ derived_signals ~ ' as signals'
            ~ ' on activities.activity = signals.activity order by 1'
        ) %}
        {% set derived = found.rows | map(attribute=1) | select | list %}
        {% set allowed = found.rows | map(attribute=0) | reject('in', derived) | list %}
        {% for activity in evaluation_target().activities if activity not in allowed %}
            {% do exceptions.raise_compiler_error(
                "intent_target: '" ~ activity ~ "' "
                ~ (
                    'is derived from other activities'
                    if activity in derived
                    else 'is no activity of the sheet activities'
                )
                ~ '. Give some of: ' ~ allowed | join(', ')
            ) %}
        {% endfor %}
    {% endif %}
{% endmacro %}
