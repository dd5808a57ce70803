{#-
    True for a row that stands at the clock `as_of`: `valid_from` and `valid_to` are days,
    and days count whole, so a midnight sees the days before it and the live clock that
    of today as well.
-#}
{% macro in_force(row, as_of) -%}
    {{ row }}.valid_from < {{ as_of }}
    and ({{ row }}.valid_to is null or {{ row }}.valid_to >= {{ as_of }})
{%- endmacro %}
