{#- The band at a clock is looked for on this many midnights before it. -#}
{% set nights = 90 %}

with

clock as (

    select * from {{ ref('int_clock') }}

),

edges as (

    select * from {{ ref('int_score_edges') }}

),

scores as (

    select
        contact_scores.contact_id,
        contact_scores.score_model,
        clock.as_of,
        {{ rounded_score('contact_scores.intent_score') }} as score

    from {{ ref('int_contact_scores') }} as contact_scores
    cross join clock
    union all
    select
        contact_id,
        score_model,
        as_of,
        {{ rounded_score('intent_score') }} as score

    from {{ ref('int_midnight_scores') }}

),

-- Only these depend on the band before.
scores_between_edges as (

    select distinct
        scores.contact_id,
        scores.score_model,
        scores.as_of

    from scores
    inner join edges
        on scores.score_model = edges.score_model
    where {{ is_between_edges('scores.score', 'edges') }}

),

midnights as (

    select as_of as night from {{ ref('int_midnights') }}
    where is_new

),

nights_scored as (

    select
        scores_between_edges.contact_id,
        scores_between_edges.score_model,
        scores_between_edges.as_of,
        midnights.night,
        coalesce({{ rounded_score('midnight_scores.intent_score') }}, 0) as score

    from scores_between_edges
    inner join midnights
        on
            scores_between_edges.as_of > midnights.night
            and scores_between_edges.as_of
            <= {{ dbt.dateadd('day', nights, 'midnights.night') }}
    left join {{ ref('int_midnight_scores') }} as midnight_scores
        on
            scores_between_edges.contact_id = midnight_scores.contact_id
            and scores_between_edges.score_model = midnight_scores.score_model
            and midnights.night = midnight_scores.as_of

),

-- A night that tells of both bands ends the look-back. Those that are written now are
-- scored already, so they are asked first.
nights_told as (

    select
        nights_scored.contact_id,
        nights_scored.score_model,
        nights_scored.as_of,
        max(nights_scored.night) as night

    from nights_scored
    inner join edges
        on nights_scored.score_model = edges.score_model
    where not coalesce({{ is_between_edges('nights_scored.score', 'edges') }}, false)
    group by 1, 2, 3

),

numbers as (

    with
    {{ numbers_below_ten_to(2) }}

),

all_nights as (

    select
        scores_between_edges.contact_id,
        scores_between_edges.score_model,
        scores_between_edges.as_of,
        cast({{ dbt.dateadd(
            'day',
            '-1 - numbers.number',
            midnight_after('scores_between_edges.as_of'),
        ) }} as {{ dbt.type_timestamp() }}) as night

    from scores_between_edges
    cross join numbers
    where numbers.number < {{ nights }}

),

nights as (

    select all_nights.*
    from all_nights
    left join nights_told
        on
            all_nights.contact_id = nights_told.contact_id
            and all_nights.score_model = nights_told.score_model
            and all_nights.as_of = nights_told.as_of
    where nights_told.night is null or all_nights.night >= nights_told.night

)

select * from nights
