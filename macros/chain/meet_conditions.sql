{#-
    The final select of the conditions that contacts meet, and to what share, from the
    CTEs `contact_attributes` and `conditions`.
-#}
{% macro meet_conditions() %}
attributes_compared as (

    select
        contact_attributes.contact_id,
        conditions.condition_id,
        conditions.kind,
        conditions.softness,
        greatest(
            coalesce(conditions.lowest - contact_attributes.number_value, 0),
            coalesce(contact_attributes.number_value - conditions.highest, 0),
            0
        ) as distance,
        case
            when conditions.operator = 'contains'
                then {{ dbt.position('conditions.part', 'contact_attributes.value') }}
            else {{ dbt.position(
                "';' || conditions.part || ';'",
                "';' || contact_attributes.value || ';'"
            ) }}
        end as found_at

    from contact_attributes
    inner join conditions
        on contact_attributes.attribute = conditions.attribute

),

shares as (

    select
        contact_id,
        condition_id,
        case
            when kind = 'number' then {{ soft_share('distance', 'softness') }}
            when found_at > 0 then 1.0
            else 0.0
        end as met_share

    from attributes_compared

),

-- Of several values one will do.
best_shares as (

    select
        contact_id,
        condition_id,
        max(met_share) as met_share

    from shares
    where met_share > 0
    group by 1, 2

)

select * from best_shares
{%- endmacro %}
