{#- The audiences that `subjects` are in and rules are for. -#}
with

contact_attributes as (

    with
    {{ attributes_at() }}

),

conditions as (

    select * from {{ ref('int_conditions') }}
    where sheet = 'audiences'

),

contact_conditions as (

    with
    {{ meet_conditions() }}

),

used_audiences as (

    select distinct audience from {{ ref('int_rule_versions') }}

),

audience_conditions as (

    select distinct
        condition_id,
        audience

    from conditions

),

contact_audiences as (

    with
    conditions as (select * from audience_conditions),

    {{ group_audiences() }}

)

select * from contact_audiences
