{{ config(materialized='view') }}

with

activities as (

    select * from {{ ref('int_activities') }}

),

machine_activities as (

    select * from {{ ref('int_machine_activities') }}

),

activities_judged as (

    select
        activities.activity_key,
        activities.feed,
        activities.feed_table,
        activities.event_id,
        activities.event_name,
        activities.activity,
        activities.business_key,
        activities.identifier,
        activities.reversed_order_id,
        activities.product_category,
        activities.user_agent,
        activities.message_id,
        activities.is_machine_flagged,
        activities.quantity,
        activities.amount,
        activities.currency,
        case
            when
                activities.disposition = 'counted'
                and machine_activities.rule is not null
                then 'machine'
            else activities.disposition
        end as disposition,
        case
            when activities.disposition = 'counted' then machine_activities.reason
            else activities.quarantine_reason
        end as quarantine_reason,
        case
            when activities.disposition = 'counted' then machine_activities.rule
        end as machine_rule,
        activities.malformed_columns,
        activities.source_file,
        activities.occurred_at,
        activities.received_at,
        activities.version_at,
        activities.reversed_at,
        activities.taken_back_at,
        greatest(
            activities.run_id, coalesce(machine_activities.run_id, activities.run_id)
        ) as run_id

    from activities
    left join machine_activities
        on activities.activity_key = machine_activities.activity_key

)

select * from activities_judged
