{#-
    True for the row of `score_models` whose scores `contact_intent` shows: the one that
    the var `intent_sheet` names, else the primary one.
-#}
{% macro is_shown_sheet() -%}
    {%- if var('intent_sheet') -%}
        score_model = {{ sql_text(var('intent_sheet')) }}
    {%- else -%}
        is_primary
    {%- endif -%}
{%- endmacro %}
