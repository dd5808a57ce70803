{% set numbers = range(1, decay_field_count() + 1) %}

with

shown_score_model as (

    select
        score_model,
        scale

    from {{ ref('score_models') }}
    where {{ is_shown_sheet() }}

),

contact_scores as (

    select * from {{ ref('contact_scores') }}

),

curves as (

    select * from {{ ref('int_decay_curves') }}

),

decay_errors as (

    select * from {{ ref('int_decay_errors') }}

),

curves_side_by_side as (

    select
        {% for number in numbers %}
            max(case when curve_number = {{ number }} then amount end)
                as amount_{{ number }},
            max(case when curve_number = {{ number }} then rate end)
                as rate_{{ number }},
            max(case when curve_number = {{ number }} then damping end)
                as damping_{{ number }},
        {% endfor %}
        contact_id

    from curves
    group by {{ 3 * decay_field_count() + 1 }}

),

-- Blank numbers would leave in a CRM what stood there before.
joined as (

    select
        contact_scores.contact_id,
        contact_scores.score_model,
        contact_scores.as_of,
        contact_scores.intent_score,
        {% for number in numbers %}
            coalesce(curves_side_by_side.amount_{{ number }}, 0) as amount_{{ number }},
            coalesce(curves_side_by_side.rate_{{ number }}, 0) as rate_{{ number }},
            coalesce(curves_side_by_side.damping_{{ number }}, 0)
                as damping_{{ number }},
        {% endfor %}
        shown_score_model.scale,
        coalesce(decay_errors.max_error, 0) as max_error

    from contact_scores
    inner join shown_score_model
        on contact_scores.score_model = shown_score_model.score_model
    left join curves_side_by_side
        on contact_scores.contact_id = curves_side_by_side.contact_id
    left join decay_errors
        on contact_scores.contact_id = decay_errors.contact_id

)

select * from joined
