{#-
    The key under which rows that tell the same thing meet: its business key, which says
    of what kind the thing is. Quarantined rows meet nothing but each other.
-#}
{% macro activity_key() -%}
    {{ dbt.hash(
        "case when quarantine_reason is null then '' else 'quarantined|' end"
        ~ " || coalesce(business_key, feed || ':' || feed_table || ':' || source_file)"
    ) }}
{%- endmacro %}
