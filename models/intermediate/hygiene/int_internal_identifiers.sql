with

email_rules as (

    select
        rule,
        pattern

    from {{ ref('hygiene_rules') }}
    where is_enabled and method = 'email'

),

identifier_contacts as (

    select
        identifier,
        contact_id

    from {{ ref('int_identifier_contacts') }}
    where valid_to is null

),

internal_contacts as (

    select
        identifier_contacts.contact_id,
        min(email_rules.rule) as rule

    from identifier_contacts
    inner join email_rules
        on identifier_contacts.identifier like 'email:' || email_rules.pattern
    group by 1

),

internal_identifiers as (

    select
        identifier_contacts.identifier,
        identifier_contacts.contact_id,
        internal_contacts.rule

    from identifier_contacts
    inner join internal_contacts
        on identifier_contacts.contact_id = internal_contacts.contact_id

)

select * from internal_identifiers
