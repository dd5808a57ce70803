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

{{ group_rules() }}
