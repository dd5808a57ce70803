{#-
    What names a row of a rule sheet in messages: the values of its key, as an SQL
    expression of text. Those of `optional` columns are left out where they are blank.
-#}
{% macro rule_name(columns, optional=[]) -%}
    {%- for column in columns -%}
        {{ "|| ', ' || " if not loop.first }}coalesce({{ column }}, '(blank)')
    {%- endfor -%}
    {%- for column in optional %} || coalesce(', ' || {{ column }}, ''){% endfor -%}
{%- endmacro %}


{#-
    The final select of a model of faults in rule sheets, from its CTEs: `sheets`, each
    with the `rule` that must stand once only, and `checks`, each with the columns
    `sheet`, `rule` and `fault`, which is null where all is well. One row per fault.
-#}
{% macro rule_faults(sheets, checks) -%}
repeated_rows as (
    {%- for sheet in sheets %}

        select
            '{{ sheet }}' as sheet,
            rule,
            'stands ' || cast(count(*) as {{ dbt.type_string() }}) || ' times' as fault

        from {{ sheet }}
        group by 1, 2
        having count(*) > 1
        {{ 'union all' if not loop.last }}
    {%- endfor %}

),

faults_unioned as (
    {% for check in checks %}
        select * from {{ check }}
        union all
    {%- endfor %}
    select * from repeated_rows

),

faults as (

    select * from faults_unioned
    where fault is not null

)

select * from faults
{%- endmacro %}
