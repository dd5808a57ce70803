-- Wrong sheets stop the build in int_rule_faults, before anything is scored.
-- depends_on: {{ ref('int_rule_faults') }}
with

score_models as (

    select * from {{ ref('score_models') }}
    where status <> 'archived'

),

activities as (

    select * from {{ ref('activities') }}

),

activity_rules as (

    select * from {{ ref('activity_rules') }}
    where is_enabled

),

group_rules as (

    select * from {{ ref('group_rules') }}

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

rules_joined as (

    select
        activity_rules.score_model,
        activity_rules.activity,
        activity_rules.audience,
        activities.category,
        activities.cap_group,
        activity_rules.discharged_by,
        activity_rules.points,
        activity_rules.half_life_days,
        activity_rules.cap,
        activity_rules.daily_limit,
        group_rules.group_cap,
        max(case when activity_rules.audience is not null then 1 else 0 end) over (
            partition by activity_rules.score_model, activity_rules.activity
        ) as is_for_audiences

    from activity_rules
    inner join score_models
        on activity_rules.score_model = score_models.score_model
    inner join activities
        on activity_rules.activity = activities.activity
    left join group_rules
        on
            activity_rules.score_model = group_rules.score_model
            and activities.cap_group = group_rules.cap_group

),

-- Where rules differ by audience, each group of contacts gets one of its own.
rules_grouped as (

    select
        rule_groups.rule_group,
        rules_joined.*,
        row_number() over (
            partition by
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
