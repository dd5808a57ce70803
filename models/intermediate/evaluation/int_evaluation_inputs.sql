{#- What was done in as many days before a midnight as there are to the one before. -#}
{% set every_days = evaluation_asked().every_days %}

with

subjects as (

    select * from {{ ref('int_evaluation_subjects') }}

),

activity_days as (

    select * from {{ ref('int_activity_days') }}
    where known_to is null and quantity > 0

),

scored_activities as (

    select distinct rule_versions.activity
    from {{ ref('int_rule_versions') }} as rule_versions
    inner join subjects
        on rule_versions.rule_version = subjects.rule_version
    where rule_versions.points <> 0

),

identifier_clocks as (

    with
    {{ identifiers_at() }}

),

inputs as (

    select
        identifier_clocks.contact_id as subject_id,
        activity_days.activity,
        cast(sum(activity_days.quantity) as {{ dbt.type_bigint() }}) as quantity

    from identifier_clocks
    inner join activity_days
        on
            identifier_clocks.identifier = activity_days.identifier
            and {{ in_force('activity_days', 'identifier_clocks.as_of') }}
            and activity_days.activity_date >= cast({{ dbt.dateadd(
                'day', -every_days, 'identifier_clocks.as_of'
            ) }} as date)
    inner join scored_activities
        on activity_days.activity = scored_activities.activity
    group by 1, 2

)

select * from inputs
