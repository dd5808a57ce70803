with

contact_conditions as (

    select * from {{ ref('int_contact_conditions') }}

),

conditions as (

    select distinct
        condition_id,
        audience

    from {{ ref('int_conditions') }}
    where sheet = 'audiences'

),

-- Only audiences that rules are for tell contacts apart.
used_audiences as (

    select distinct audience
    from {{ ref('activity_rules') }}
    where is_enabled

),

{{ group_audiences() }}
