{#-
    Stops the build with the faults of the rule sheets, one a line with its sheet and
    row, if there are any. `faults` is the relation of `int_rule_faults`.
-#}
{% macro stop_on_rule_faults(faults) %}
    {% if execute %}
        {% set found = run_query(
            'select sheet, rule, fault from ' ~ faults ~ ' order by 1, 2, 3'
        ) %}
        {% if found.rows %}
            {% set lines = [] %}
            {% for row in found.rows %}
                {% do lines.append('- ' ~ row[0] ~ ': ' ~ row[1] ~ ': ' ~ row[2]) %}
            {% endfor %}
            {% do exceptions.raise_compiler_error(
                'the rule sheets can not be used:\n' ~ lines[:50] | join('\n')
            ) %}
        {% endif %}
    {% endif %}
{% endmacro %}
