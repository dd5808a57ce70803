{% set target = evaluation_target() %}

with

clock as (

    select * from {{ ref('int_clock') }}

),

subjects as (

    select
        subject_id,
        contact_id,
        as_of

    from {{ ref('int_evaluation_subjects') }}

),

identifier_contacts as (

    select * from {{ ref('int_identifier_contacts') }}

),

contact_identifiers as (

    select * from {{ ref('int_contact_identifiers') }}

),

target_days as (

    select * from {{ ref('int_activity_days') }}
    where
        known_to is null
        and event_count > 0
        and activity in ({{ sql_texts(target.activities) }})

),

horizons as (
    {% for days in target.days %}
        select {{ days }} as horizon_days
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

subject_horizons as (

    select
        subjects.subject_id,
        subjects.as_of,
        horizons.horizon_days,
        {{ dbt.dateadd('day', 'horizons.horizon_days', 'subjects.as_of') }} as ends_at

    from subjects
    cross join horizons

),

-- Outcomes that are not known to their end are none.
horizons_over as (

    select subject_horizons.*
    from subject_horizons
    inner join clock
        on subject_horizons.ends_at <= clock.as_of

),

windows as (

    select distinct
        as_of,
        horizon_days,
        ends_at

    from horizons_over

),

-- Whom its identifiers are of by now. What came to be linked to them later is of the
-- same person: whoever buys with a new cookie has bought.
subject_persons as (

    select distinct
        subjects.subject_id,
        contact_identifiers.contact_id

    from subjects
    inner join identifier_contacts
        on
            subjects.contact_id = identifier_contacts.contact_id
            and {{ in_force('identifier_contacts', 'subjects.as_of') }}
    inner join contact_identifiers
        on identifier_contacts.identifier = contact_identifiers.identifier

),

-- What was taken back before the window ended is not in force at its end.
person_outcomes as (

    select
        windows.as_of,
        windows.horizon_days,
        contact_identifiers.contact_id,
        min(target_days.first_at) as converted_at,
        sum(target_days.event_count) as conversions

    from target_days
    inner join windows
        on
            target_days.activity_date >= cast(windows.as_of as date)
            and {{ in_force('target_days', 'windows.ends_at') }}
    inner join contact_identifiers
        on target_days.identifier = contact_identifiers.identifier
    group by 1, 2, 3

),

subject_outcomes as (

    select
        subject_persons.subject_id,
        person_outcomes.horizon_days,
        min(person_outcomes.converted_at) as converted_at,
        sum(person_outcomes.conversions) as conversions

    from subject_persons
    inner join subjects
        on subject_persons.subject_id = subjects.subject_id
    inner join person_outcomes
        on
            subject_persons.contact_id = person_outcomes.contact_id
            and subjects.as_of = person_outcomes.as_of
    group by 1, 2

),

final as (

    select
        horizons_over.subject_id,
        horizons_over.horizon_days,
        subject_outcomes.subject_id is not null as has_converted,
        subject_outcomes.converted_at,
        cast(coalesce(subject_outcomes.conversions, 0) as {{ dbt.type_bigint() }})
            as conversions

    from horizons_over
    left join subject_outcomes
        on
            horizons_over.subject_id = subject_outcomes.subject_id
            and horizons_over.horizon_days = subject_outcomes.horizon_days

)

select * from final
