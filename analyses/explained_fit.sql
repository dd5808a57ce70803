{#- What the known attributes of `subjects` earn, as in contact_fit_drivers. -#}
with

contact_attributes as (

    with
    {{ attributes_at() }}

),

conditions as (

    select * from {{ ref('int_conditions') }}
    where sheet = 'fit_rules'

),

contact_conditions as (

    with
    {{ meet_conditions() }}

),

rules as (

    select distinct
        condition_id,
        attribute,
        points

    from conditions

),

{{ earn_fit_points() }}
