{#-
    The columns of a subject that is a contact at a clock, as all is known today. See
    `activity_scores_at`.
-#}
{% macro subject_as_known_today(as_of) -%}
    {{ as_of }} as as_of,
        {{ as_of }} as facts_before,
        {{ as_of }} as links_as_of,
        cast(null as {{ dbt.type_timestamp() }}) as newcomers_since,
        cast(null as {{ dbt.type_timestamp() }}) as known_until,
        cast(null as {{ dbt.type_timestamp() }}) as earlier_before,
        cast(null as {{ dbt.type_timestamp() }}) as earlier_known_until
{%- endmacro %}
