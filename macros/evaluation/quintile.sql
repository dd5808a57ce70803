{#-
    The quintile of a row by `value` among those of `partition`, 5 for the highest. Rows
    of the same value are in the same.
-#}
{% macro quintile(value, partition) -%}
    1 + cast(floor(
        5.0 * (rank() over (partition by {{ partition }} order by {{ value }}) - 1)
        / nullif(count(*) over (partition by {{ partition }}), 0)
    ) as {{ dbt.type_bigint() }})
{%- endmacro %}
