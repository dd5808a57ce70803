{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='identifier',
        on_schema_change='fail',
    )
}}

with

leaders as (

    select * from {{ ref('int_identifier_leaders') }}
    {% if is_incremental() %}
        where run_id > (select coalesce(max(run_id), 0) from {{ this }})
    {% endif %}

),

identifiers as (

    select * from {{ ref('int_identifiers') }}

),

contacts as (

    select
        identifiers.identifier,
        {{ dbt.hash('leading_identifiers.identifier') }} as contact_id,
        leaders.valid_from,
        leaders.valid_to,
        identifiers.first_seen_at,
        {{ run_id() }} as run_id

    from leaders
    inner join identifiers
        on leaders.node = identifiers.node
    inner join identifiers as leading_identifiers
        on leaders.leader = leading_identifiers.node

)

select * from contacts
