{#- A condition holds at most this many values; a sheet with more is refused. -#}
{% set most_values = 20 %}

with

attributes as (

    select * from {{ ref('attributes') }}

),

audiences as (

    select * from {{ ref('audiences') }}

),

fit_rules as (

    select * from {{ ref('fit_rules') }}

),

conditions_unioned as (

    select
        'audiences' as sheet,
        audience || ', ' || attribute || ', ' || operator || ', ' || value as rule,
        audience,
        attribute,
        operator,
        lower(trim(value)) as value,
        cast(null as {{ type_double() }}) as softness,
        cast(null as {{ type_double() }}) as points

    from audiences
    union all
    select
        'fit_rules' as sheet,
        attribute || ', ' || operator || ', ' || value as rule,
        cast(null as {{ dbt.type_string() }}) as audience,
        attribute,
        operator,
        lower(trim(value)) as value,
        softness,
        points

    from fit_rules

),

conditions_numbered as (

    select
        conditions_unioned.*,
        attributes.kind,
        row_number() over (
            order by conditions_unioned.sheet, conditions_unioned.rule
        ) as condition_id

    from conditions_unioned
    inner join attributes
        on conditions_unioned.attribute = attributes.attribute
    where conditions_unioned.rule is not null

),

values_split as (
    {% for position in range(1, most_values + 1) %}
        select
            *,
            trim({{ dbt.split_part('value', "';'", position) }}) as part

        from conditions_numbered
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

parts_read as (

    select
        *,
        case
            when operator = 'between'
                then {{ dbt.split_part('part', "' to '", 1) }}
            when operator <> 'at_most' then part
        end as lowest_part,
        case
            when operator = 'between'
                then {{ dbt.split_part('part', "' to '", 2) }}
            when operator <> 'at_least' then part
        end as highest_part

    from values_split
    where part <> ''

),

conditions as (

    select
        condition_id,
        sheet,
        rule,
        audience,
        attribute,
        kind,
        operator,
        part,
        softness,
        points,
        case when kind = 'number' then {{ number_in('trim(lowest_part)') }} end
            as lowest,
        case when kind = 'number' then {{ number_in('trim(highest_part)') }} end
            as highest

    from parts_read

)

select * from conditions
