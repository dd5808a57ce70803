{#- A table, so that engines know its size: a join planned by a guess may cross all. -#}
{{ config(materialized='table') }}

with

clock as (

    select * from {{ ref('int_clock') }}

),

identifier_contacts as (

    select * from {{ ref('int_identifier_contacts') }}

),

-- Days count whole: a midnight sees the days before it, the live clock today as well.
in_force as (

    select
        identifier_contacts.identifier,
        identifier_contacts.contact_id,
        identifier_contacts.first_seen_at

    from identifier_contacts
    cross join clock
    where
        identifier_contacts.valid_from < clock.as_of
        and (
            identifier_contacts.valid_to is null
            or identifier_contacts.valid_to >= clock.as_of
        )

)

select * from in_force
