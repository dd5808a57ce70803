{#-
    The final select of who was a contact at midnights: one row per contact and midnight,
    from the CTE `midnights` (as_of). `is_suppressed`: one of its identifiers of that time
    is today one of somebody who objects to profiling. `of_contacts`: only of the contacts
    in `midnights` (contact_id, as_of).
-#}
{% macro contacts_at(of_contacts=false) %}
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

contacts_then as (

    select
        midnights.as_of,
        identifier_contacts.contact_id,
        max(
            case
                when identifier_contacts.identifier like 'anonymous_id:%' then 0
                else 1
            end
        ) as is_known,
        max(case when suppressed_identifiers.identifier is not null then 1 else 0 end)
            as is_suppressed

    from midnights
    inner join identifier_contacts
        on
            {% if of_contacts %}
                midnights.contact_id = identifier_contacts.contact_id
                and
            {% endif %}
            {{ in_force('identifier_contacts', 'midnights.as_of') }}
    left join suppressed_identifiers
        on identifier_contacts.identifier = suppressed_identifiers.identifier
    group by 1, 2

),

-- Visitors not yet known are no contacts.
contacts_known as (

    select
        as_of,
        contact_id,
        is_suppressed = 1 as is_suppressed

    from contacts_then
    where is_known = 1

)

select * from contacts_known
{%- endmacro %}
