with

lookback_nights as (

    select * from {{ ref('int_lookback_nights') }}

),

night_scores as (

    select
        contact_id,
        score_model,
        as_of,
        intent_score

    from {{ ref('int_midnight_scores') }}
    union all
    select
        contact_id,
        score_model,
        as_of,
        intent_score

    from {{ ref('int_lookback_scores') }}

),

nights_scored as (

    select
        lookback_nights.*,
        coalesce({{ rounded_score('night_scores.intent_score') }}, 0) as score

    from lookback_nights
    left join night_scores
        on
            lookback_nights.contact_id = night_scores.contact_id
            and lookback_nights.score_model = night_scores.score_model
            and lookback_nights.night = night_scores.as_of

),

nights_that_told as (

    select
        contact_id,
        score_model,
        as_of,
        band,
        max(case when score >= enter_at then night end) as was_in_at,
        max(case when score < exit_below then night end) as was_out_at

    from nights_scored
    group by 1, 2, 3, 4

),

-- Who never told is out.
bands_told as (

    select
        contact_id,
        score_model,
        as_of,
        band,
        case
            when was_in_at is null or was_in_at < was_out_at then 0
            else 1
        end as was_in

    from nights_that_told

),

bands_before as (

    select
        contact_id,
        score_model,
        as_of,
        max(case when band = 'hot' then was_in else 0 end) as was_hot,
        max(case when band = 'warm' then was_in else 0 end) as was_warm

    from bands_told
    group by 1, 2, 3

)

select * from bands_before
