{#-
    The final select of what the known attributes of contacts earn for their fit, from
    the CTEs `contact_attributes`, `contact_conditions` and `rules` (condition_id,
    attribute and points of the conditions of `fit_rules`).
-#}
{% macro earn_fit_points() %}
-- What an attribute can earn is what its best rule is worth.
fit_attributes as (

    select
        attribute,
        max(case when points > 0 then points else 0 end) as attainable_points

    from rules
    group by 1

),

rules_met as (

    select
        contact_conditions.contact_id,
        rules.attribute,
        rules.points * contact_conditions.met_share as points

    from contact_conditions
    inner join rules
        on contact_conditions.condition_id = rules.condition_id

),

points_earned as (

    select
        contact_id,
        attribute,
        max(case when points > 0 then points end) as points_for,
        min(case when points < 0 then points end) as points_against

    from rules_met
    group by 1, 2

),

-- An attribute that is known earns something or nothing; one that is not, has no row.
known_attributes as (

    select
        contact_attributes.contact_id,
        contact_attributes.attribute,
        contact_attributes.value,
        fit_attributes.attainable_points,
        coalesce(points_earned.points_for, 0)
        + coalesce(points_earned.points_against, 0) as points

    from contact_attributes
    inner join fit_attributes
        on contact_attributes.attribute = fit_attributes.attribute
    left join points_earned
        on
            contact_attributes.contact_id = points_earned.contact_id
            and contact_attributes.attribute = points_earned.attribute

)

select * from known_attributes
{%- endmacro %}
