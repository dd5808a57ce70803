{#- By how many seconds a feed's clock may be fast, so that its times are believed. -#}
{% macro seconds_a_clock_may_be_fast() -%} 300 {%- endmacro %}
