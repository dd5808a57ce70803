with

subjects as (

    select * from {{ ref('int_midnight_contacts') }}
    where not is_suppressed

),

score_models as (

    select score_model from {{ ref('score_models') }}
    where status <> 'archived'

),

scores as (

    with
    {{ scores_at() }}

),

midnight_scores as (

    select
        subjects.contact_id,
        subjects.as_of,
        score_models.score_model,
        coalesce(scores.intent_score, 0) as intent_score

    from subjects
    cross join score_models
    left join scores
        on
            subjects.subject_id = scores.subject_id
            and score_models.score_model = scores.score_model

)

select * from midnight_scores
