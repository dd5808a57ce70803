{#-
    The final select of the rules for each group of contacts, from the CTEs
    `rules_in_force` (enabled rules with their caps; `is_for_audiences` is 1 where rules of
    that activity differ by audience) and `group_audiences` (rule_group, audience,
    condition_count). A null rule_group: the rule is for
    all. `by_version`: of each `rule_version`, with the sheet's `scale`.
-#}
{% macro group_rules(by_version=false) %}
-- 0 is the group of those who are in no audience.
rule_groups as (

    select 0 as rule_group
    union
    select rule_group from group_audiences

),

-- Where rules differ by audience, each group of contacts gets one of its own.
rules_grouped as (

    select
        rule_groups.rule_group,
        rules_in_force.*,
        row_number() over (
            partition by
                {% if by_version %} rules_in_force.rule_version, {% endif %}
                rules_in_force.score_model,
                rules_in_force.activity,
                rule_groups.rule_group
            order by
                coalesce(group_audiences.condition_count, 0) desc,
                rules_in_force.audience asc
        ) as rule_rank

    from rules_in_force
    cross join rule_groups
    left join group_audiences
        on
            rule_groups.rule_group = group_audiences.rule_group
            and rules_in_force.audience = group_audiences.audience
    where
        rules_in_force.is_for_audiences = 1
        and (
            rules_in_force.audience is null or group_audiences.audience is not null
        )

),

rules_unioned as (

    select
        cast(null as {{ dbt.type_bigint() }}) as rule_group,
        rules_in_force.*,
        1 as rule_rank

    from rules_in_force
    where rules_in_force.is_for_audiences = 0
    union all
    select * from rules_grouped

),

rules as (

    select
        {% if by_version %}
            rule_version,
            scale,
        {% endif %}
        score_model,
        activity,
        rule_group,
        category,
        cap_group,
        discharged_by,
        points,
        half_life_days,
        cap,
        daily_limit,
        group_cap

    from rules_unioned
    where rule_rank = 1 and points <> 0

)

select * from rules
{%- endmacro %}
