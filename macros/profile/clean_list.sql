{#-
    A list of texts with ; between them, in small letters, without blanks around the
    parts; null if nothing is left.
-#}
{% macro clean_list(column) -%}
    nullif(
        replace(replace(lower(trim({{ column }})), '; ', ';'), ' ;', ';'), ''
    )
{%- endmacro %}
