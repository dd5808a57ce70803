-- A score is the sum of what its drivers bring, to within 1e-9.
with

contact_scores as (

    select * from {{ ref('contact_scores') }}

),

contributions as (

    select
        contact_id,
        score_model,
        sum(contribution) as contribution,
        sum(net_points) as net_points

    from {{ ref('contact_intent_drivers') }}
    group by 1, 2

),

compared as (

    select
        contact_scores.contact_id,
        contact_scores.score_model,
        contact_scores.intent_score,
        contact_scores.raw_score,
        coalesce(contributions.contribution, 0) as contribution,
        coalesce(contributions.net_points, 0) as net_points

    from contact_scores
    left join contributions
        on
            contact_scores.contact_id = contributions.contact_id
            and contact_scores.score_model = contributions.score_model

)

select * from compared
where
    abs(intent_score - contribution) > 0.000000001
    or abs(raw_score - net_points) > 0.000000001
