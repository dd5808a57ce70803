{#-
    What is left of a rule's points at a distance from its range: all of them at 0, none
    from `softness` on, in between evenly less. Without softness the range has a cliff.
-#}
{% macro soft_share(distance, softness) -%}
    case
        when {{ distance }} <= 0 then 1.0
        when {{ softness }} > {{ distance }}
            then 1.0 - {{ distance }} / nullif({{ softness }}, 0)
        else 0.0
    end
{%- endmacro %}
