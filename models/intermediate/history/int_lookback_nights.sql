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

numbers as (

    with
    {{ numbers_below_ten_to(2) }}

),

nights as (

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

)

select * from nights
