with

midnights as (

    select * from {{ ref('int_midnights') }}
    where is_new

),

edges as (

    select * from {{ ref('int_score_edges') }}

),

bands_before as (

    select * from {{ ref('int_bands_before') }}

),

scores as (

    select
        *,
        {{ rounded_score('intent_score') }} as rounded_score

    from {{ ref('int_midnight_scores') }}

),

scores_banded as (

    select
        scores.contact_id,
        scores.score_model,
        midnights.as_of_date,
        midnights.previous_date,
        midnights.basis,
        scores.intent_score,
        {{ segment('scores.rounded_score', 'edges', 'bands_before') }} as segment

    from scores
    inner join midnights
        on scores.as_of = midnights.as_of
    inner join edges
        on scores.score_model = edges.score_model
    left join bands_before
        on
            scores.contact_id = bands_before.contact_id
            and scores.score_model = bands_before.score_model
            and scores.as_of = bands_before.as_of

)

select * from scores_banded
