with

rule_versions as (

    select * from {{ ref('int_rule_versions') }}

),

newest_version as (

    select max(rule_version) as rule_version from rule_versions

),

rules_in_force as (

    select rule_versions.*
    from rule_versions
    inner join newest_version
        on rule_versions.rule_version = newest_version.rule_version
    where rule_versions.activity is not null

),

group_audiences as (

    select distinct
        rule_group,
        audience,
        condition_count

    from {{ ref('int_contact_audiences') }}

),

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
