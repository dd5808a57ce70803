with

clock as (

    select * from {{ ref('int_clock') }}

),

net_points as (

    select * from {{ ref('int_net_points') }}
    where decayed_amount <> 0

),

rules as (

    select * from {{ ref('int_scoring_rules') }}

),

rule_groups as (

    select distinct
        contact_id,
        rule_group

    from {{ ref('int_contact_audiences') }}

),

score_models as (

    select * from {{ ref('score_models') }}

),

amounts as (

    select
        net_points.contact_id,
        net_points.score_model,
        net_points.activity,
        clock.as_of,
        net_points.decayed_amount as amount,
        net_points.last_at,
        rules.half_life_days,
        {{ decay_rate('rules.half_life_days') }} as decay_rate_per_day,
        rules.cap,
        rules.cap_group,
        rules.group_cap,
        score_models.scale

    from net_points
    cross join clock
    left join rule_groups
        on net_points.contact_id = rule_groups.contact_id
    inner join rules
        on
            net_points.score_model = rules.score_model
            and net_points.activity = rules.activity
            and (
                rules.rule_group is null
                or rules.rule_group = coalesce(rule_groups.rule_group, 0)
            )
    inner join score_models
        on net_points.score_model = score_models.score_model

)

select * from amounts
