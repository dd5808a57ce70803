-- At the clock itself, the amounts that fade from then on give the scores, to within
-- 1e-9; and so do, of the shown sheet, the numbered amounts for CRMs within max_error.
with

decay_state as (

    select * from {{ ref('contact_decay_state') }}

),

decay_fields as (

    select * from {{ ref('contact_decay_fields') }}

),

contact_scores as (

    select * from {{ ref('contact_scores') }}

),

score_models as (

    select * from {{ ref('score_models') }}

),

groups_added_up as (

    select
        contact_id,
        score_model,
        cap_group,
        group_cap,
        sum(
            case
                when cap is null then amount
                else sign(amount) * cap * (1 - exp(-abs(amount) / cap))
            end
        ) as points

    from decay_state
    group by 1, 2, 3, 4

),

raw_scores as (

    select
        contact_id,
        score_model,
        sum(
            case
                when group_cap is null or points <= 0 then points
                else group_cap * (1 - exp(-points / group_cap))
            end
        ) as raw_score

    from groups_added_up
    group by 1, 2

),

numbered_scores as (

    select
        contact_id,
        score_model,
        max_error,
        0
        {% for number in range(1, decay_field_count() + 1) %}
            + amount_{{ number }} / (1 + damping_{{ number }})
        {% endfor %}
            as raw_score

    from decay_fields

),

compared as (

    select
        contact_scores.contact_id,
        contact_scores.score_model,
        contact_scores.intent_score,
        coalesce(
            5 * (1 - exp(-greatest(raw_scores.raw_score, 0) / score_models.scale)), 0
        ) as score_of_state,
        5 * (1 - exp(-greatest(numbered_scores.raw_score, 0) / score_models.scale))
            as score_of_fields,
        numbered_scores.max_error

    from contact_scores
    inner join score_models
        on contact_scores.score_model = score_models.score_model
    left join raw_scores
        on
            contact_scores.contact_id = raw_scores.contact_id
            and contact_scores.score_model = raw_scores.score_model
    left join numbered_scores
        on
            contact_scores.contact_id = numbered_scores.contact_id
            and contact_scores.score_model = numbered_scores.score_model

)

select * from compared
where
    abs(intent_score - score_of_state) > 0.000000001
    or abs(intent_score - score_of_fields) > max_error + 0.000000001
