with

clock as (

    select * from {{ ref('int_clock') }}

),

activity_days as (

    select * from {{ ref('int_activity_days') }}
    where known_to is null

),

contacts as (

    select contact_id from {{ ref('int_contacts') }}
    where not is_suppressed

),

identifier_contacts as (

    select
        identifier_contacts.identifier,
        identifier_contacts.contact_id

    from {{ ref('int_contact_identifiers') }} as identifier_contacts
    inner join contacts
        on identifier_contacts.contact_id = contacts.contact_id

),

-- Days count whole: a midnight sees the days before it, the live clock today as well.
days_known as (

    select
        activity_days.*,
        clock.as_of,
        {{ age_days('clock.as_of', 'activity_days.last_at') }} as age_days

    from activity_days
    cross join clock
    where
        activity_days.valid_from < clock.as_of
        and (activity_days.valid_to is null or activity_days.valid_to >= clock.as_of)

),

days_joined as (

    select
        identifier_contacts.contact_id,
        days_known.activity,
        days_known.activity_date,
        days_known.quantity,
        days_known.event_count,
        days_known.first_at,
        days_known.last_at,
        days_known.age_days

    from days_known
    inner join identifier_contacts
        on days_known.identifier = identifier_contacts.identifier

)

select * from days_joined
