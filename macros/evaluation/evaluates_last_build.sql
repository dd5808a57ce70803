{#-
    Whether a run evaluates what the last build knew, as `intent evaluate` does: then no
    file is read. It does unless it builds the clock anew.
-#}
{% macro evaluates_last_build() %}
    {{- return(
        var('intent_evaluation')
        and 'model.intent_scoring.int_clock' not in selected_resources
    ) -}}
{% endmacro %}
