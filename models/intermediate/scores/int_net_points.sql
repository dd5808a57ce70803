{{ config(materialized='table') }}

with

activity_scores as (

    select * from {{ ref('int_activity_scores') }}

),

-- Rules may differ by audience; the caps of groups do not.
group_caps as (

    select distinct
        score_model,
        activity,
        cap_group,
        group_cap

    from {{ ref('int_scoring_rules') }}

),

scores_grouped as (

    select
        activity_scores.*,
        group_caps.group_cap,
        sum(activity_scores.activity_score) over (
            partition by
                activity_scores.contact_id,
                activity_scores.score_model,
                group_caps.cap_group
        ) as group_score

    from activity_scores
    inner join group_caps
        on
            activity_scores.score_model = group_caps.score_model
            and activity_scores.activity = group_caps.activity

),

group_caps_applied as (

    select
        contact_id,
        score_model,
        category,
        activity,
        activity_count,
        decayed_amount,
        activity_score,
        case
            when group_cap is not null and group_score > 0
                then
                    activity_score
                    * {{ saturated_share('(group_score / nullif(group_cap, 0))') }}
            else activity_score
        end as net_points,
        last_at

    from scores_grouped

)

select * from group_caps_applied
