{#- The type of 64-bit floating point numbers. (dbt's own type_float has 32 bits.) -#}
{% macro type_double() -%}
    {{ return(adapter.dispatch('type_double', 'intent_scoring')()) }}
{%- endmacro %}


{% macro default__type_double() -%} double precision {%- endmacro %}
