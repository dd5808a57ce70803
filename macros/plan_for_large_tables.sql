{#-
    What runs before each model, so that the engine plans well; nothing on most engines.
    PostgreSQL takes CTEs and new tables for small, and loops over them within loops.
-#}
{% macro plan_for_large_tables() -%}
    {{ return(adapter.dispatch('plan_for_large_tables', 'intent_scoring')()) }}
{%- endmacro %}


{% macro default__plan_for_large_tables() -%}{%- endmacro %}


{% macro postgres__plan_for_large_tables() -%}
    set local enable_nestloop = off; set local jit = off
{%- endmacro %}
