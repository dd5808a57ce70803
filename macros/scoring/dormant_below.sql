{#- Scores below this are as good as 0: the contact is dormant. -#}
{% macro dormant_below() -%} 0.05 {%- endmacro %}
