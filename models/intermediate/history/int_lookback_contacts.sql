with

lookback_nights as (

    select * from {{ ref('int_lookback_nights') }}

),

identifier_contacts as (

    select * from {{ ref('int_identifier_contacts') }}
    where identifier not like 'anonymous_id:%'

),

midnight_contacts as (

    select * from {{ ref('int_midnight_contacts') }}

),

rule_versions as (

    select max(rule_version) as rule_version from {{ ref('int_rule_versions') }}

),

contact_nights as (

    select distinct
        contact_id,
        night

    from lookback_nights

),

-- Of midnights that are written now, all scores are there.
nights_missing as (

    select contact_nights.*
    from contact_nights
    left join midnight_contacts
        on
            contact_nights.contact_id = midnight_contacts.contact_id
            and contact_nights.night = midnight_contacts.as_of
    where midnight_contacts.contact_id is null

),

-- Before it was known, a contact had no score.
nights_known as (

    select distinct
        nights_missing.contact_id,
        nights_missing.night

    from nights_missing
    inner join identifier_contacts
        on nights_missing.contact_id = identifier_contacts.contact_id
    where {{ in_force('identifier_contacts', 'nights_missing.night') }}

),

final as (

    select
        row_number() over (order by nights_known.night, nights_known.contact_id)
            as subject_id,
        nights_known.contact_id,
        rule_versions.rule_version,
        {{ subject_as_known_today('nights_known.night') }}

    from nights_known
    cross join rule_versions

)

select * from final
