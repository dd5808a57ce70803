{#-
    The final select of scores at any clocks: one row per subject and sheet in which
    anything counts, from the CTE `subjects` (see `activity_scores_at`). All others
    score 0. `plain_score`: the points without decay and caps.
-#}
{% macro scores_at(of_sheet=false) %}
scores_joined as (

    with
    {{ activity_scores_at(of_sheet) }}

),

groups_capped as (

    select
        contact_id as subject_id,
        score_model,
        case
            when sum(activity_score) > 0
                then {{ saturated('sum(activity_score)', 'group_cap') }}
            else sum(activity_score)
        end as net_points,
        sum(plain_amount) as plain_points

    from scores_joined
    group by contact_id, score_model, cap_group, group_cap

),

scales as (

    select distinct
        rule_version,
        score_model,
        scale

    from {{ ref('int_rule_versions') }}

),

raw_scores as (

    select
        subject_id,
        score_model,
        sum(net_points) as raw_score,
        sum(plain_points) as plain_score

    from groups_capped
    group by 1, 2

),

intent_scores as (

    select
        raw_scores.subject_id,
        raw_scores.score_model,
        raw_scores.raw_score,
        raw_scores.plain_score,
        {{ intent_score('raw_scores.raw_score', 'scales.scale') }} as intent_score

    from raw_scores
    inner join subjects
        on raw_scores.subject_id = subjects.subject_id
    inner join scales
        on
            subjects.rule_version = scales.rule_version
            and raw_scores.score_model = scales.score_model

)

select * from intent_scores
{%- endmacro %}
