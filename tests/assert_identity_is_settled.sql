-- No link that is in force at the clock joins identifiers of two contacts.
with

clock as (

    select as_of from {{ ref('int_clock') }}

),

links_in_force as (

    select
        link_periods.node,
        link_periods.linked_node

    from {{ ref('int_identifier_link_periods') }} as link_periods
    cross join clock
    where
        link_periods.valid_from < clock.as_of
        and (link_periods.valid_to is null or link_periods.valid_to >= clock.as_of)

),

contacts as (

    select
        identifiers.node,
        identifiers.identifier,
        contact_identifiers.contact_id

    from {{ ref('int_identifiers') }} as identifiers
    inner join {{ ref('int_contact_identifiers') }} as contact_identifiers
        on identifiers.identifier = contact_identifiers.identifier

),

linked as (

    select
        contacts.identifier,
        contacts.contact_id,
        linked_contacts.identifier as linked_identifier,
        linked_contacts.contact_id as linked_contact_id

    from links_in_force
    inner join contacts
        on links_in_force.node = contacts.node
    inner join contacts as linked_contacts
        on links_in_force.linked_node = linked_contacts.node

)

select * from linked
where contact_id <> linked_contact_id
