{#-
    How many numbered amounts `contact_decay_fields` has for a contact. The formula for
    CRMs, in `scripts/intent/crm_formula.py`, sums as many.
-#}
{% macro decay_field_count() -%} {{- return(8) -}} {%- endmacro %}


{#-
    What one numbered amount is worth after some days, in points: what caps take off is
    in `damping`. The exponent is clamped, as what is left by then is nothing.
-#}
{% macro damped(amount, rate, damping, days) -%}
    {{ amount }} / (exp(least({{ rate }} * {{ days }}, 99)) + {{ damping }})
{%- endmacro %}
