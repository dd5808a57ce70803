{#-
    The bin that a score is in, named by its upper edge: bins are half a point wide, and
    0 is one of its own.
-#}
{% macro score_bin(score) -%}
    cast(ceil({{ score }} * 2) / 2.0 as {{ type_double() }})
{%- endmacro %}
