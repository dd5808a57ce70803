with

midnights as (

    select * from {{ ref('int_midnights') }}
    where previous_date is not null

),

history as (

    select history.*
    from {{ ref('contact_intent_history') }} as history
    inner join {{ ref('score_models') }} as score_models
        on history.score_model = score_models.score_model
    where score_models.status <> 'archived'

),

identifier_contacts as (

    select * from {{ ref('int_identifier_contacts') }}
    where identifier not like 'anonymous_id:%'

),

rows_now as (

    select
        history.contact_id,
        history.score_model,
        midnights.as_of_date,
        history.intent_score,
        history.segment

    from midnights
    inner join history
        on midnights.as_of_date = history.as_of_date

),

rows_before as (

    select
        history.contact_id,
        history.score_model,
        midnights.as_of_date,
        history.intent_score,
        history.segment

    from midnights
    inner join history
        on midnights.previous_date = history.as_of_date

),

banded_contacts as (

    select
        contact_id,
        score_model,
        as_of_date

    from rows_now
    where segment <> 'cold'
    union
    select
        contact_id,
        score_model,
        as_of_date

    from rows_before
    where segment <> 'cold'

),

-- Who has no row is cold, unless there was nobody.
contacts_known as (

    select
        banded_contacts.contact_id,
        banded_contacts.as_of_date,
        max(
            case
                when {{ in_force('identifier_contacts', 'midnights.previous_date') }}
                    then 1
                else 0
            end
        ) as was_known,
        max(
            case
                when {{ in_force('identifier_contacts', 'midnights.as_of_date') }}
                    then 1
                else 0
            end
        ) as is_known

    from banded_contacts
    inner join midnights
        on banded_contacts.as_of_date = midnights.as_of_date
    inner join identifier_contacts
        on banded_contacts.contact_id = identifier_contacts.contact_id
    group by 1, 2

),

segments_compared as (

    select
        banded_contacts.contact_id,
        banded_contacts.score_model,
        banded_contacts.as_of_date,
        case
            when rows_before.contact_id is not null then rows_before.segment
            when contacts_known.was_known = 1 then 'cold'
        end as from_segment,
        case
            when rows_now.contact_id is not null then rows_now.segment
            when contacts_known.is_known = 1 then 'cold'
        end as to_segment,
        rows_before.intent_score as score_from,
        rows_now.intent_score as score_to

    from banded_contacts
    left join rows_before
        on
            banded_contacts.contact_id = rows_before.contact_id
            and banded_contacts.score_model = rows_before.score_model
            and banded_contacts.as_of_date = rows_before.as_of_date
    left join rows_now
        on
            banded_contacts.contact_id = rows_now.contact_id
            and banded_contacts.score_model = rows_now.score_model
            and banded_contacts.as_of_date = rows_now.as_of_date
    left join contacts_known
        on
            banded_contacts.contact_id = contacts_known.contact_id
            and banded_contacts.as_of_date = contacts_known.as_of_date

),

segments_changed as (

    select
        segments_compared.contact_id,
        segments_compared.score_model,
        segments_compared.as_of_date,
        midnights.previous_date,
        segments_compared.from_segment,
        segments_compared.to_segment,
        segments_compared.score_from,
        segments_compared.score_to

    from segments_compared
    inner join midnights
        on segments_compared.as_of_date = midnights.as_of_date
    where
        coalesce(segments_compared.from_segment, 'none')
        <> coalesce(segments_compared.to_segment, 'none')

)

select * from segments_changed
