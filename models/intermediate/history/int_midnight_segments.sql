with

midnights as (

    select * from {{ ref('int_midnights') }}
    where is_new

),

contacts as (

    select * from {{ ref('int_midnight_contacts') }}
    where not is_suppressed

),

score_models as (

    select * from {{ ref('score_models') }}
    where status <> 'archived'

),

edges as (

    select * from {{ ref('int_score_edges') }}

),

midnight_scores as (

    select * from {{ ref('int_midnight_scores') }}

),

bands_before as (

    select * from {{ ref('int_bands_before') }}

),

scores_joined as (

    select
        contacts.contact_id,
        score_models.score_model,
        midnights.as_of,
        midnights.as_of_date,
        midnights.previous_date,
        midnights.basis,
        coalesce(midnight_scores.intent_score, 0) as intent_score

    from contacts
    inner join midnights
        on contacts.as_of = midnights.as_of
    cross join score_models
    left join midnight_scores
        on
            contacts.contact_id = midnight_scores.contact_id
            and contacts.as_of = midnight_scores.as_of
            and score_models.score_model = midnight_scores.score_model

),

scores_rounded as (

    select
        scores_joined.*,
        {{ rounded_score('intent_score') }} as rounded_score

    from scores_joined

),

scores_banded as (

    select
        scores_rounded.contact_id,
        scores_rounded.score_model,
        scores_rounded.as_of_date,
        scores_rounded.previous_date,
        scores_rounded.basis,
        scores_rounded.intent_score,
        {{ segment('scores_rounded.rounded_score', 'edges', 'bands_before') }} as segment

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
