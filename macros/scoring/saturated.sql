{#-
    An amount that approaches `cap` with diminishing returns, never beyond it:
    sign(x) * cap * (1 - e^(-|x| / cap)). Units of points. A null cap leaves it as is.
-#}
{% macro saturated(amount, cap) -%}
    case
        when {{ cap }} is null then {{ amount }}
        else
            sign({{ amount }}) * {{ cap }}
            * (1 - {{ exp_of_minus('abs(' ~ amount ~ ') / nullif(' ~ cap ~ ', 0)') }})
    end
{%- endmacro %}


{#- e^(-u) for u >= 0. Clamped, as some engines raise an error on underflow. -#}
{% macro exp_of_minus(u) -%}
    exp(-least({{ u }}, 700))
{%- endmacro %}


{#-
    phi(u) = (1 - e^(-u)) / u: the share of an amount that is left when the amount, of u
    times the cap, is saturated. 1 at u = 0; by its series below 1e-5, where the
    quotient would lose digits.
-#}
{% macro saturated_share(u) -%}
    case
        when abs({{ u }}) < 0.00001
            then 1 - {{ u }} / 2 + {{ u }} * {{ u }} / 6
        else (1 - {{ exp_of_minus(u) }}) / nullif({{ u }}, 0)
    end
{%- endmacro %}
