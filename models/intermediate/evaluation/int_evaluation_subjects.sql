{% set active_days = evaluation_active_days() %}

with

midnights as (

    select as_of from {{ ref('int_evaluation_midnights') }}

),

identifier_contacts as (

    select * from {{ ref('int_identifier_contacts') }}

),

internal_identifiers as (

    select * from {{ ref('int_internal_identifiers') }}

),

activity_days as (

    select * from {{ ref('int_activity_days') }}
    where known_to is null and event_count > 0

),

own_doings as (

    select activity from {{ ref('activities') }}
    where coalesce(is_own_doing, true)

),

rule_versions as (

    select max(rule_version) as rule_version from {{ ref('int_rule_versions') }}

),

contacts as (

    with
    {{ contacts_at() }}

),

identifiers_then as (

    select
        midnights.as_of,
        identifier_contacts.contact_id,
        identifier_contacts.identifier,
        identifier_contacts.first_seen_at

    from midnights
    inner join identifier_contacts
        on {{ in_force('identifier_contacts', 'midnights.as_of') }}

),

-- The hold-out goes by the eldest that is no cookie, as in int_contacts.
identifiers_ranked as (

    select
        as_of,
        contact_id,
        identifier,
        row_number() over (
            partition by as_of, contact_id
            order by first_seen_at, identifier
        ) as identifier_rank

    from identifiers_then
    where identifier not like 'anonymous_id:%'

),

internal_contacts as (

    select distinct
        identifiers_then.as_of,
        identifiers_then.contact_id

    from identifiers_then
    inner join internal_identifiers
        on identifiers_then.identifier = internal_identifiers.identifier

),

last_doings as (

    select
        identifiers_then.as_of,
        identifiers_then.contact_id,
        max(activity_days.last_at) as last_active_at

    from identifiers_then
    inner join activity_days
        on
            identifiers_then.identifier = activity_days.identifier
            and {{ in_force('activity_days', 'identifiers_then.as_of') }}
    inner join own_doings
        on activity_days.activity = own_doings.activity
    group by 1, 2

),

contacts_evaluated as (

    select
        contacts.as_of,
        contacts.contact_id,
        last_doings.last_active_at,
        {{ is_holdout('identifiers_ranked.identifier') }} as is_holdout

    from contacts
    inner join identifiers_ranked
        on
            contacts.as_of = identifiers_ranked.as_of
            and contacts.contact_id = identifiers_ranked.contact_id
            and identifiers_ranked.identifier_rank = 1
    left join last_doings
        on
            contacts.as_of = last_doings.as_of
            and contacts.contact_id = last_doings.contact_id
    left join internal_contacts
        on
            contacts.as_of = internal_contacts.as_of
            and contacts.contact_id = internal_contacts.contact_id
    where
        not contacts.is_suppressed
        and internal_contacts.contact_id is null
        {% if active_days is not none %}
            and last_doings.last_active_at >= {{ dbt.dateadd(
                'day', -active_days, 'contacts.as_of'
            ) }}
        {% endif %}

),

final as (

    select
        row_number() over (
            order by contacts_evaluated.as_of, contacts_evaluated.contact_id
        ) as subject_id,
        contacts_evaluated.contact_id,
        contacts_evaluated.last_active_at,
        contacts_evaluated.is_holdout,
        rule_versions.rule_version,
        {{ subject_as_known_today('contacts_evaluated.as_of') }}

    from contacts_evaluated
    cross join rule_versions

)

select * from final
