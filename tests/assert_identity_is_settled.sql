-- No link before the clock joins identifiers of two contacts: the rounds of
-- int_identifier_contacts were enough.
with

clock as (

    select as_of from {{ ref('int_clock') }}

),

links as (

    select * from {{ ref('int_identifier_links') }}

),

identifier_contacts as (

    select * from {{ ref('int_identifier_contacts') }}

)

select
    links.identifier,
    links.linked_identifier

from links
cross join clock
inner join identifier_contacts
    on links.identifier = identifier_contacts.identifier
inner join identifier_contacts as linked_contacts
    on links.linked_identifier = linked_contacts.identifier
where
    links.linked_at < clock.as_of
    and identifier_contacts.contact_id <> linked_contacts.contact_id
