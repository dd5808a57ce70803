{#-
    The table of `score_outcomes` beside another mart, as the last evaluation left it;
    null if there was none. (In builds that evaluate nothing, the model is switched off.)
-#}
{% macro outcomes_kept(mart) %}
    {% if execute %}
        {% do return(adapter.get_relation(mart.database, mart.schema, 'score_outcomes')) %}
    {% endif %}
{% endmacro %}
