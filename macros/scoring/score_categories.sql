{#- The signal categories; each has a model `int_scores__<category>`. -#}
{% macro score_categories() %}
    {{- return([
        'purchase', 'engagement', 'loyalty', 'feedback', 'social', 'experience', 'declared'
    ]) -}}
{% endmacro %}
