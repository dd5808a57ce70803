{{ config(materialized='view') }}

with

score_bands as (

    select * from {{ ref('score_bands') }}

),

edges as (

    select
        score_model,
        max(case when band = 'hot' then enter_at end) as hot_enter_at,
        max(case when band = 'hot' then exit_below end) as hot_exit_below,
        max(case when band = 'warm' then enter_at end) as warm_enter_at,
        max(case when band = 'warm' then exit_below end) as warm_exit_below

    from score_bands
    group by 1

)

select * from edges
