with

subjects as (

    select * from {{ ref('int_midnight_contacts') }}
    where not is_suppressed

),

scores as (

    with
    {{ scores_at() }}

),

midnight_scores as (

    select
        subjects.contact_id,
        subjects.as_of,
        scores.score_model,
        scores.raw_score,
        scores.intent_score

    from scores
    inner join subjects
        on scores.subject_id = subjects.subject_id

)

select * from midnight_scores
