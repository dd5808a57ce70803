with

subjects as (

    select * from {{ ref('int_evaluation_subjects') }}

),

scores as (

    select * from {{ ref('int_evaluation_scores') }}

),

outcomes as (

    select * from {{ ref('int_evaluation_outcomes') }}

),

scores_joined as (

    select
        subjects.as_of,
        subjects.contact_id,
        scores.scorer,
        scores.kind,
        scores.score,
        scores.segment,
        subjects.is_holdout,
        outcomes.horizon_days,
        outcomes.has_converted

    from subjects
    inner join scores
        on subjects.subject_id = scores.subject_id
    inner join outcomes
        on subjects.subject_id = outcomes.subject_id

)

select * from scores_joined
