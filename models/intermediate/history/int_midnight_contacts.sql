with

midnights as (

    select * from {{ ref('int_midnights') }}
    where is_new

),

identifier_contacts as (

    select * from {{ ref('int_identifier_contacts') }}

),

suppressed_identifiers as (

    select identifiers.identifier
    from {{ ref('int_contact_identifiers') }} as identifiers
    inner join {{ ref('int_contacts') }} as contacts
        on identifiers.contact_id = contacts.contact_id
    where contacts.is_suppressed

),

rule_versions as (

    select max(rule_version) as rule_version from {{ ref('int_rule_versions') }}

),

contacts_then as (

    select
        midnights.as_of,
        identifier_contacts.contact_id,
        max(
            case when identifier_contacts.identifier like 'anonymous_id:%' then 0 else 1 end
        ) as is_known,
        max(case when suppressed_identifiers.identifier is not null then 1 else 0 end)
            as is_suppressed

    from midnights
    inner join identifier_contacts
        on {{ in_force('identifier_contacts', 'midnights.as_of') }}
    left join suppressed_identifiers
        on identifier_contacts.identifier = suppressed_identifiers.identifier
    group by 1, 2

),

final as (

    select
        row_number() over (order by contacts_then.as_of, contacts_then.contact_id)
            as subject_id,
        contacts_then.contact_id,
        contacts_then.is_suppressed = 1 as is_suppressed,
        rule_versions.rule_version,
        {{ subject_as_known_today('contacts_then.as_of') }}

    from contacts_then
    cross join rule_versions
    where contacts_then.is_known = 1

)

select * from final
