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

scores_joined as (

    select
        activity_scores.*,
        group_caps.cap_group,
        group_caps.group_cap

    from activity_scores
    inner join group_caps
        on
            activity_scores.score_model = group_caps.score_model
            and activity_scores.activity = group_caps.activity

),

{{ apply_group_caps() }}
