{#- The band at a clock is looked for on this many midnights before it. -#}
{% set nights = 90 %}

with

clock as (

    select * from {{ ref('int_clock') }}

),

score_bands as (

    select * from {{ ref('score_bands') }}
    where exit_below < enter_at

),

scores as (

    select
        contact_scores.contact_id,
        contact_scores.score_model,
        clock.as_of,
        {{ rounded_score('contact_scores.intent_score') }} as score,
        0 as is_of_midnight

    from {{ ref('int_contact_scores') }} as contact_scores
    cross join clock
    union all
    select
        contact_id,
        score_model,
        as_of,
        {{ rounded_score('intent_score') }} as score,
        1 as is_of_midnight

    from {{ ref('int_midnight_scores') }}

),

-- Only a score between its edges depends on the band before. Any other tells it.
scores_compared as (

    select
        scores.contact_id,
        scores.score_model,
        scores.as_of,
        scores.is_of_midnight,
        score_bands.band,
        score_bands.enter_at,
        score_bands.exit_below,
        case
            when scores.score >= score_bands.enter_at then 1
            when scores.score < score_bands.exit_below then 1
            else 0
        end as tells

    from scores
    inner join score_bands
        on scores.score_model = score_bands.score_model

),

scores_followed as (

    select
        *,
        max(case when tells = 1 and is_of_midnight = 1 then as_of end) over (
            partition by contact_id, score_model, band
            order by as_of, is_of_midnight
            rows between unbounded preceding and 1 preceding
        ) as told_at

    from scores_compared

),

-- The clock may be one of these midnights.
bands_wanted as (

    select distinct
        contact_id,
        score_model,
        as_of,
        band,
        enter_at,
        exit_below,
        told_at,
        {{ midnight_after('as_of') }} as first_midnight_after

    from scores_followed
    where tells = 0

),

numbers as (

    with
    {{ numbers_below_ten_to(2) }}

),

nights as (

    select
        bands_wanted.contact_id,
        bands_wanted.score_model,
        bands_wanted.as_of,
        bands_wanted.band,
        bands_wanted.enter_at,
        bands_wanted.exit_below,
        bands_wanted.told_at,
        cast({{ dbt.dateadd(
            'day', '-1 - numbers.number', 'bands_wanted.first_midnight_after'
        ) }} as {{ dbt.type_timestamp() }}) as night

    from bands_wanted
    cross join numbers
    where numbers.number < {{ nights }}

),

-- Midnights that are written now are scored already: the look-back ends at the last of
-- them that tells.
nights_wanted as (

    select
        contact_id,
        score_model,
        as_of,
        band,
        enter_at,
        exit_below,
        night

    from nights
    where told_at is null or night >= told_at

)

select * from nights_wanted
