with

clock as (

    select * from {{ ref('int_clock') }}

),

intent_scores as (

    select * from {{ ref('int_contact_scores') }}

),

edges as (

    select * from {{ ref('int_score_edges') }}

),

bands_before as (

    select * from {{ ref('int_bands_before') }}

),

scores_rounded as (

    select
        intent_scores.*,
        clock.as_of,
        {{ rounded_score('intent_scores.intent_score') }} as rounded_score

    from intent_scores
    cross join clock

),

scores_banded as (

    select
        scores_rounded.contact_id,
        scores_rounded.score_model,
        scores_rounded.as_of,
        scores_rounded.raw_score,
        scores_rounded.intent_score,
        {{ segment('scores_rounded.rounded_score', 'edges', 'bands_before') }}
            as segment

    from scores_rounded
    inner join edges
        on scores_rounded.score_model = edges.score_model
    left join bands_before
        on
            scores_rounded.contact_id = bands_before.contact_id
            and scores_rounded.score_model = bands_before.score_model
            and scores_rounded.as_of = bands_before.as_of

)

select * from scores_banded
