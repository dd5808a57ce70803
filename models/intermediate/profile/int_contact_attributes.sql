with

clock as (

    select * from {{ ref('int_clock') }}

),

contacts as (

    select contact_id from {{ ref('int_contacts') }}
    where not is_suppressed

),

identifier_contacts as (

    select * from {{ ref('int_contact_identifiers') }}

),

records as (

    select * from {{ ref('int_contact_records') }}

),

contact_orders as (

    select * from {{ ref('int_contact_orders') }}

),

contact_records as (

    select
        contacts.contact_id,
        records.*

    from records
    inner join identifier_contacts
        on records.identifier = identifier_contacts.identifier
    inner join contacts
        on identifier_contacts.contact_id = contacts.contact_id

),

clocks as (

    select
        contacts.contact_id,
        clock.as_of

    from contacts
    cross join clock

),

{{ tell_attributes() }}
