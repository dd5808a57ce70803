{#-
    The rate at which points fade, per day: e^(-rate * days) is what is left of them.
    ln 2 / half-life; 0 where the half-life is null, as nothing fades.
-#}
{% macro decay_rate(half_life_days) -%}
    coalesce(
        ln(cast(2 as {{ type_double() }})) / nullif({{ half_life_days }}, 0),
        cast(0 as {{ type_double() }})
    )
{%- endmacro %}


{#- What is left of an amount, in points, when it has faded at a rate for some days. -#}
{% macro faded(amount, rate, days) -%}
    {{ amount }} * {{ exp_of_minus(rate ~ ' * ' ~ days) }}
{%- endmacro %}
