{#-
    What is left of one unit after `age_days`: 0.5 ^ (age / half-life), between 0 and 1.
    Ages below 0 count as 0; a null half-life never fades. The exponent is clamped, as
    some engines raise an error where others round to 0.
-#}
{% macro decayed(age_days, half_life_days) -%}
    case
        when {{ half_life_days }} is null then 1.0
        else power(
            cast(0.5 as {{ type_double() }}),
            least(
                case when {{ age_days }} > 0 then {{ age_days }} else 0 end
                / nullif({{ half_life_days }}, 0),
                1000
            )
        )
    end
{%- endmacro %}
