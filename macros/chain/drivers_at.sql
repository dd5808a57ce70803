{#-
    The final select of what drives scores at any clocks: one row per subject, sheet and
    activity, from the CTE `subjects` (see `activity_scores_at`).
-#}
{% macro drivers_at() %}
scores_joined as (

    with
    {{ activity_scores_at() }}

),

subject_drivers as (

    with
    {{ apply_group_caps() }}

)

select
    contact_id as subject_id,
    score_model,
    category,
    activity,
    activity_count,
    decayed_amount,
    activity_score,
    net_points,
    last_at

from subject_drivers
{%- endmacro %}
