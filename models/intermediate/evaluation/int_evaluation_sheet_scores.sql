with

subjects as (

    select * from {{ ref('int_evaluation_subjects') }}

),

score_models as (

    select
        score_model,
        is_primary

    from {{ ref('score_models') }}
    where status <> 'archived'

),

scores as (

    with
    {{ scores_at() }}

),

sheet_scores as (

    select
        subjects.subject_id,
        score_models.score_model,
        score_models.is_primary,
        coalesce({{ rounded_score('scores.intent_score') }}, 0) as intent_score,
        coalesce({{ rounded_score('scores.plain_score') }}, 0) as plain_score

    from subjects
    cross join score_models
    left join scores
        on
            subjects.subject_id = scores.subject_id
            and score_models.score_model = scores.score_model

)

select * from sheet_scores
