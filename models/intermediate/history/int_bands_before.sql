with

lookback_nights as (

    select * from {{ ref('int_lookback_nights') }}

),

edges as (

    select * from {{ ref('int_score_edges') }}

),

night_scores as (

    select * from {{ ref('int_midnight_scores') }}
    union all
    select * from {{ ref('int_lookback_scores') }}

),

nights_scored as (

    select
        lookback_nights.contact_id,
        lookback_nights.score_model,
        lookback_nights.as_of,
        lookback_nights.night,
        coalesce({{ rounded_score('night_scores.intent_score') }}, 0) as score

    from lookback_nights
    left join night_scores
        on
            lookback_nights.contact_id = night_scores.contact_id
            and lookback_nights.score_model = night_scores.score_model
            and lookback_nights.night = night_scores.as_of

),

bands_before as (

    select
        nights_scored.contact_id,
        nights_scored.score_model,
        nights_scored.as_of,
        {{ was_in_band(
            'nights_scored.score',
            'edges.hot_enter_at',
            'edges.hot_exit_below',
            'nights_scored.night',
        ) }} as was_hot,
        {{ was_in_band(
            'nights_scored.score',
            'edges.warm_enter_at',
            'edges.warm_exit_below',
            'nights_scored.night',
        ) }} as was_warm

    from nights_scored
    inner join edges
        on nights_scored.score_model = edges.score_model
    group by 1, 2, 3

)

select * from bands_before
