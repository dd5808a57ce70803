with

clock as (

    select * from {{ ref('int_clock') }}

),

contacts as (

    select contact_id from {{ ref('int_contacts') }}
    where not is_suppressed

),

score_models as (

    select * from {{ ref('score_models') }}
    where status <> 'archived'

),

score_bands as (

    select
        score_model,
        max(case when band = 'hot' then enter_at end) as hot_from,
        max(case when band = 'warm' then enter_at end) as warm_from

    from {{ ref('score_bands') }}
    group by 1

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

),

scores_rounded as (

    select
        intent_scores.*,
        {{ rounded_score('intent_score') }} as rounded_score

    from intent_scores

),

scores_banded as (

    select
        scores_rounded.contact_id,
        scores_rounded.score_model,
        clock.as_of,
        scores_rounded.raw_score,
        scores_rounded.intent_score,
        case
            when scores_rounded.rounded_score >= score_bands.hot_from then 'hot'
            when scores_rounded.rounded_score >= score_bands.warm_from then 'warm'
            else 'cold'
        end as segment

    from scores_rounded
    inner join score_bands
        on scores_rounded.score_model = score_bands.score_model
    cross join clock

)

select * from scores_banded
