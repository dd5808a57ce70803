-- No activity scores above its cap, and no group above its group cap.
with

net_points as (

    select * from {{ ref('int_net_points') }}

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

joined as (

    select
        net_points.contact_id,
        net_points.score_model,
        net_points.activity,
        net_points.activity_score,
        rules.cap,
        rules.group_cap,
        sum(net_points.net_points) over (
            partition by
                net_points.contact_id, net_points.score_model, rules.cap_group
        ) as group_points

    from net_points
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

)

select * from joined
where
    abs(activity_score) > cap + 0.000000001
    or group_points > group_cap + 0.000000001
