-- No activity scores above its cap, and no group above its group cap.
with

net_points as (

    select * from {{ ref('int_net_points') }}

),

rules as (

    select * from {{ ref('int_scoring_rules') }}

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
    inner join rules
        on
            net_points.score_model = rules.score_model
            and net_points.activity = rules.activity

)

select * from joined
where
    abs(activity_score) > cap + 0.000000001
    or group_points > group_cap + 0.000000001
