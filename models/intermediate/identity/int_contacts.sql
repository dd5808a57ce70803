with

identifier_contacts as (

    select * from {{ ref('int_contact_identifiers') }}

),

known_contacts as (

    select
        contact_id,
        min(first_seen_at) as first_seen_at

    from identifier_contacts
    group by 1
    having min(case when identifier like 'anonymous_id:%' then 1 else 0 end) = 0

),

emails_ranked as (

    select
        contact_id,
        substring(identifier, 7) as email,
        row_number() over (
            partition by contact_id
            order by first_seen_at, identifier
        ) as email_rank

    from identifier_contacts
    where identifier like 'email:%'

),

-- Not a cookie, of which elder ones turn up whenever somebody logs in somewhere.
identifiers_ranked as (

    select
        contact_id,
        identifier,
        row_number() over (
            partition by contact_id
            order by first_seen_at, identifier
        ) as identifier_rank

    from identifier_contacts
    where identifier not like 'anonymous_id:%'

),

{% if 'crm' in var('intent_feeds') %}

    crm_records as (

        select
            identifier_contacts.contact_id,
            crm_contacts.*

        from {{ ref('int_crm__contacts') }} as crm_contacts
        inner join identifier_contacts
            on crm_contacts.identifier = identifier_contacts.identifier

    ),

    -- What the contact is, was known at the clock; what it wants, holds at every clock.
    accounts_ranked as (

        select
            identifier_contacts.contact_id,
            records.account_id,
            row_number() over (
                partition by identifier_contacts.contact_id
                order by records.version_at desc, records.account_id asc
            ) as account_rank

        from {{ ref('int_contact_records') }} as records
        inner join identifier_contacts
            on records.identifier = identifier_contacts.identifier
        where records.account_id is not null

    ),

    consents as (

        select
            contact_id,
            max(case when has_opted_out_of_email then 1 else 0 end) as no_email,
            max(case when has_opted_out_of_push then 1 else 0 end) as no_push,
            max(case when has_opted_out_of_calls then 1 else 0 end) as no_calls

        from crm_records
        group by 1

    ),

    objections as (

        select distinct identifier_contacts.contact_id
        from {{ ref('int_crm__objections') }} as objections
        inner join identifier_contacts
            on objections.identifier = identifier_contacts.identifier

    ),

    contacts_joined as (

        select
            known_contacts.contact_id,
            emails_ranked.email,
            accounts_ranked.account_id,
            objections.contact_id is not null as is_suppressed,
            coalesce(consents.no_email, 0) = 0 as can_email,
            coalesce(consents.no_push, 0) = 0 as can_push,
            coalesce(consents.no_calls, 0) = 0 as can_call,
            {{ is_holdout('identifiers_ranked.identifier') }} as is_holdout,
            known_contacts.first_seen_at

        from known_contacts
        inner join identifiers_ranked
            on
                known_contacts.contact_id = identifiers_ranked.contact_id
                and identifiers_ranked.identifier_rank = 1
        left join emails_ranked
            on
                known_contacts.contact_id = emails_ranked.contact_id
                and emails_ranked.email_rank = 1
        left join accounts_ranked
            on
                known_contacts.contact_id = accounts_ranked.contact_id
                and accounts_ranked.account_rank = 1
        left join consents
            on known_contacts.contact_id = consents.contact_id
        left join objections
            on known_contacts.contact_id = objections.contact_id

    )

{% else %}

    contacts_joined as (

        select
            known_contacts.contact_id,
            emails_ranked.email,
            cast(null as {{ dbt.type_string() }}) as account_id,
            false as is_suppressed,
            true as can_email,
            true as can_push,
            true as can_call,
            {{ is_holdout('identifiers_ranked.identifier') }} as is_holdout,
            known_contacts.first_seen_at

        from known_contacts
        inner join identifiers_ranked
            on
                known_contacts.contact_id = identifiers_ranked.contact_id
                and identifiers_ranked.identifier_rank = 1
        left join emails_ranked
            on
                known_contacts.contact_id = emails_ranked.contact_id
                and emails_ranked.email_rank = 1

    )

{% endif %}

select * from contacts_joined
