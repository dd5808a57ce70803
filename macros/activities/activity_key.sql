{#-
    The key under which rows that tell the same thing meet: the activity and its
    business key. Quarantined rows meet nothing but each other.
-#}
{% macro activity_key() -%}
    {{ dbt.hash(
        "case when quarantine_reason is null then activity else 'quarantined' end"
        ~ " || '|' || coalesce(business_key, feed || ':' || feed_table || ':' || source_file)"
    ) }}
{%- endmacro %}
