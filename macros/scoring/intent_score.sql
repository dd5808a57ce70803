{#-
    The intent score, from 0 to 5, of a raw score: 5 * (1 - e^(-raw / scale)), and 0 for
    a raw score that is not positive (beyond rounding).
-#}
{% macro intent_score(raw_score, scale) -%}
    case
        when {{ raw_score }} > {{ least_raw_score() }}
            then 5 * (1 - {{ exp_of_minus(raw_score ~ ' / nullif(' ~ scale ~ ', 0)') }})
        else 0.0
    end
{%- endmacro %}


{#-
    The part of an intent score that an activity's net points bring. The parts of a
    contact add up to its score. May be negative, or above the score where others pull
    it down. 0 where the score is 0.
-#}
{% macro contribution(net_points, raw_score, scale) -%}
    case
        when {{ raw_score }} > {{ least_raw_score() }}
            then
                5 / nullif({{ scale }}, 0)
                * {{ saturated_share('(' ~ raw_score ~ ' / nullif(' ~ scale ~ ', 0))') }}
                * {{ net_points }}
        else 0.0
    end
{%- endmacro %}


{#- Raw scores up to here are rounding noise around 0. -#}
{% macro least_raw_score() -%} 0.000000001 {%- endmacro %}


{#-
    A score as it is compared with edges and ranked: to 9 digits. Not by `round`: some
    engines have it for decimals only.
-#}
{% macro rounded_score(score) -%}
    floor(cast({{ score }} as {{ type_double() }}) * 1000000000 + 0.5) / 1000000000
{%- endmacro %}
