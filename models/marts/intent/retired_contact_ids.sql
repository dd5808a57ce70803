{#-
    A contact is named after its eldest identifier. So each identifier of a contact gave
    it its name once, or would have, had the rows come in another order: a tool that
    knows the contact by such a name finds here by which one it goes now.
-#}
with

clock as (

    select * from {{ ref('int_clock') }}

),

contacts as (

    select contact_id from {{ ref('int_contacts') }}

),

names as (

    select
        {{ dbt.hash('identifier') }} as retired_contact_id,
        contact_id

    from {{ ref('int_contact_identifiers') }}

),

retired as (

    select
        names.retired_contact_id,
        names.contact_id,
        clock.as_of

    from names
    inner join contacts
        on names.contact_id = contacts.contact_id
    cross join clock
    where names.retired_contact_id <> names.contact_id

)

select * from retired
