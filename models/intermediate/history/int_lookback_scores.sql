with

subjects as (

    select * from {{ ref('int_lookback_contacts') }}

),

scores as (

    with
    {{ scores_at(of_sheet=true) }}

),

lookback_scores as (

    select
        subjects.contact_id,
        subjects.as_of,
        scores.score_model,
        scores.intent_score

    from scores
    inner join subjects
        on scores.subject_id = subjects.subject_id

)

select * from lookback_scores
