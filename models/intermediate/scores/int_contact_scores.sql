{{ config(materialized='table') }}

with

contacts as (

    select contact_id from {{ ref('int_contacts') }}
    where not is_suppressed

),

score_models as (

    select * from {{ ref('score_models') }}
    where status <> 'archived'

),

net_points as (

    select
        contact_id,
        score_model,
        sum(net_points) as raw_score

    from {{ ref('int_net_points') }}
    group by 1, 2

),

raw_scores as (

    select
        contacts.contact_id,
        score_models.score_model,
        score_models.scale,
        coalesce(net_points.raw_score, 0) as raw_score

    from contacts
    cross join score_models
    left join net_points
        on
            contacts.contact_id = net_points.contact_id
            and score_models.score_model = net_points.score_model

),

intent_scores as (

    select
        contact_id,
        score_model,
        raw_score,
        {{ intent_score('raw_score', 'scale') }} as intent_score

    from raw_scores

)

select * from intent_scores
