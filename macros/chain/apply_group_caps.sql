{#-
    The final select of net points: what is left of each activity's score when its group
    is capped, from the CTE `scores_joined` (rows of int_activity_scores with `cap_group`
    and `group_cap`).
-#}
{% macro apply_group_caps() %}
scores_grouped as (

    select
        *,
        sum(activity_score) over (
            partition by contact_id, score_model, cap_group
        ) as group_score

    from scores_joined

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
{%- endmacro %}
