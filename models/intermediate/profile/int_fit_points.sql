with

contact_attributes as (

    select * from {{ ref('int_contact_attributes') }}

),

contact_conditions as (

    select * from {{ ref('int_contact_conditions') }}

),

rules as (

    select distinct
        condition_id,
        attribute,
        points

    from {{ ref('int_conditions') }}
    where sheet = 'fit_rules'

),

{{ earn_fit_points() }}
