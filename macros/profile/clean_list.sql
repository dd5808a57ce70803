{#-
    A list of texts with ; between them, in small letters, without blanks around the
    parts (up to four); null if nothing is left.
-#}
{% macro clean_list(column) -%}
    {%- set single_blanks -%}
        replace(replace(lower(trim({{ column }})), '  ', ' '), '  ', ' ')
    {%- endset -%}
    nullif(replace(replace({{ single_blanks }}, '; ', ';'), ' ;', ';'), '')
{%- endmacro %}
