{{ config(materialized='view') }}

with

activities as (

    select * from {{ ref('int_activities_judged') }}
    where disposition in ('quarantined', 'machine')

),

renamed as (

    select
        feed,
        feed_table,
        event_id,
        event_name,
        identifier,
        quarantine_reason as reason,
        machine_rule as hygiene_rule,
        malformed_columns,
        source_file,
        occurred_at,
        received_at

    from activities

)

select * from renamed
