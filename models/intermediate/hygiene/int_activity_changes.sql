{{ config(materialized='view') }}

with

rows_told as (

    select
        identifier,
        activity,
        business_key,
        reversed_order_id,
        occurred_at,
        run_id

    from {{ ref('int_activities') }}
    where disposition <> 'quarantined'

),

verdicts as (

    select
        activities.identifier,
        activities.activity,
        activities.business_key,
        activities.reversed_order_id,
        activities.occurred_at,
        machine_activities.run_id

    from {{ ref('int_activities') }} as activities
    inner join {{ ref('int_machine_activities') }} as machine_activities
        on activities.activity_key = machine_activities.activity_key

),

changes as (

    select * from rows_told
    union all
    select * from verdicts

)

select * from changes
