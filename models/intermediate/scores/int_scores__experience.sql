with

contact_days as (

    select * from {{ ref('int_contact_activity_days') }}

),

rules as (

    select * from {{ ref('int_scoring_rules') }}
    where category = 'experience'

),

discharges as (

    select * from {{ ref('int_contact_discharges') }}

),

{{ score_activities() }}
