-- No link that is in force at the clock joins identifiers of two contacts.
with

clock as (

    select as_of from {{ ref('int_clock') }}

),

link_periods as (

    select * from {{ ref('int_identifier_link_periods') }}

),

contacts as (

    select
        identifiers.node,
        identifiers.identifier,
        contact_identifiers.contact_id

    from {{ ref('int_identifiers') }} as identifiers
    inner join {{ ref('int_contact_identifiers') }} as contact_identifiers
        on identifiers.identifier = contact_identifiers.identifier

)

select
    contacts.identifier,
    linked_contacts.identifier as linked_identifier

from link_periods
cross join clock
inner join contacts
    on link_periods.node = contacts.node
inner join contacts as linked_contacts
    on link_periods.linked_node = linked_contacts.node
where
    link_periods.valid_from < clock.as_of
    and (link_periods.valid_to is null or link_periods.valid_to >= clock.as_of)
    and contacts.contact_id <> linked_contacts.contact_id
