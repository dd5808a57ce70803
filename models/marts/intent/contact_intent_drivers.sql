with

clock as (

    select * from {{ ref('int_clock') }}

),

net_points as (

    select * from {{ ref('int_net_points') }}

),

contact_scores as (

    select * from {{ ref('contact_scores') }}

),

score_models as (

    select * from {{ ref('score_models') }}

),

drivers as (

    select
        net_points.contact_id,
        net_points.score_model,
        net_points.category,
        net_points.activity,
        net_points.activity_count,
        net_points.last_at,
        net_points.decayed_amount,
        net_points.activity_score,
        net_points.net_points,
        {{ contribution(
            'net_points.net_points', 'contact_scores.raw_score', 'score_models.scale'
        ) }} as contribution,
        row_number() over (
            partition by net_points.contact_id, net_points.score_model
            order by
                {{ rounded_score('net_points.net_points') }} desc,
                net_points.activity
        ) as driver_rank,
        clock.as_of

    from net_points
    inner join contact_scores
        on
            net_points.contact_id = contact_scores.contact_id
            and net_points.score_model = contact_scores.score_model
    inner join score_models
        on net_points.score_model = score_models.score_model
    cross join clock

)

select * from drivers
