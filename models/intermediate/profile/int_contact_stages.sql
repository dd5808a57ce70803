{{ config(materialized='view') }}

with

net_points as (

    select * from {{ ref('int_net_points') }}

),

shown_score_model as (

    select score_model from {{ ref('score_models') }}
    where {{ is_shown_sheet() }}

),

activities as (

    select * from {{ ref('activities') }}

),

buying_stages as (

    select * from {{ ref('buying_stages') }}

),

-- What is discharged or taken back is in no amount any more.
stage_amounts as (

    select
        net_points.contact_id,
        activities.buying_stage,
        sum(net_points.decayed_amount) as stage_amount

    from net_points
    inner join shown_score_model
        on net_points.score_model = shown_score_model.score_model
    inner join activities
        on net_points.activity = activities.activity
    where net_points.decayed_amount > 0
    group by 1, 2

),

stages_reached as (

    select
        stage_amounts.contact_id,
        stage_amounts.buying_stage,
        stage_amounts.stage_amount,
        row_number() over (
            partition by stage_amounts.contact_id
            order by buying_stages.precedence
        ) as stage_rank

    from stage_amounts
    inner join buying_stages
        on stage_amounts.buying_stage = buying_stages.buying_stage
    where
        {{ rounded_score('stage_amounts.stage_amount') }} >= buying_stages.enter_at

),

stages as (

    select
        contact_id,
        buying_stage,
        stage_amount

    from stages_reached
    where stage_rank = 1

)

select * from stages
