{#-
    The amounts of a contact that fade alike, as one. Its damping makes them worth today
    exactly what they are worth after all caps, and undamped when they have nearly gone.
    Numbers are rounded as the fields of a CRM hold them.
-#}
with

shown_score_model as (

    select score_model from {{ ref('score_models') }}
    where {{ is_shown_sheet() }}

),

decay_state as (

    select * from {{ ref('contact_decay_state') }}

),

net_points as (

    select * from {{ ref('int_net_points') }}

),

amounts as (

    select
        decay_state.contact_id,
        decay_state.decay_rate_per_day,
        sign(decay_state.amount) as amount_sign,
        decay_state.amount,
        net_points.net_points

    from decay_state
    inner join shown_score_model
        on decay_state.score_model = shown_score_model.score_model
    inner join net_points
        on
            decay_state.contact_id = net_points.contact_id
            and decay_state.score_model = net_points.score_model
            and decay_state.activity = net_points.activity

),

amounts_added_up as (

    select
        contact_id,
        decay_rate_per_day,
        amount_sign,
        sum(amount) as total_amount,
        sum(net_points) as total_net_points

    from amounts
    group by 1, 2, 3

),

amounts_damped as (

    select
        contact_id,
        amount_sign,
        {{ rounded_score('total_amount') }} as amount,
        {{ rounded_score('decay_rate_per_day') }} as rate,
        {{ rounded_score(
            'greatest(coalesce(total_amount / nullif(total_net_points, 0) - 1, 0), 0)'
        ) }} as damping,
        {{ rounded_score('abs(total_net_points)') }} as worth

    from amounts_added_up

),

curves as (

    select
        contact_id,
        row_number() over (
            partition by contact_id
            order by worth desc, rate asc, amount_sign desc
        ) as curve_number,
        amount,
        rate,
        damping

    from amounts_damped
    where amount <> 0

)

select * from curves
