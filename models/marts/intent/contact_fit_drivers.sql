{{ config(materialized='view') }}

with

clock as (

    select * from {{ ref('int_clock') }}

),

fit_points as (

    select * from {{ ref('int_fit_points') }}

),

drivers as (

    select
        fit_points.contact_id,
        clock.as_of,
        fit_points.attribute,
        fit_points.value,
        fit_points.points,
        fit_points.attainable_points

    from fit_points
    cross join clock

)

select * from drivers
