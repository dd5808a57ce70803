{#-
    The final select of the rules for each group of contacts, from the CTEs
    `rules_joined` (enabled rules with their caps; `is_for_audiences` is 1 where rules of
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
        rules_joined.*,
        row_number() over (
            partition by
                {% if by_version %} rules_joined.rule_version, {% endif %}
                rules_joined.score_model,
                rules_joined.activity,
                rule_groups.rule_group
            order by
                coalesce(group_audiences.condition_count, 0) desc,
                rules_joined.audience asc
        ) as rule_rank

    from rules_joined
    cross join rule_groups
    left join group_audiences
        on
            rule_groups.rule_group = group_audiences.rule_group
            and rules_joined.audience = group_audiences.audience
    where
        rules_joined.is_for_audiences = 1
        and (
            rules_joined.audience is null or group_audiences.audience is not null
        )

),

rules_unioned as (

    select
        cast(null as {{ dbt.type_bigint() }}) as rule_group,
        rules_joined.*,
        1 as rule_rank

    from rules_joined
    where rules_joined.is_for_audiences = 0
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
