-- From the day on which it was first seen, an identifier belongs to one contact at a
-- time, to the next one as soon as it leaves one, and to one in the end.
with

contacts_followed as (

    select
        identifier,
        first_seen_at,
        valid_from,
        valid_to,
        lag(valid_to) over (partition by identifier order by valid_from)
            as previous_to,
        row_number() over (partition by identifier order by valid_from) as place,
        count(*) over (partition by identifier) as places

    from {{ ref('int_identifier_contacts') }}

)

select * from contacts_followed
where
    valid_to <= valid_from
    or (place = 1 and valid_from <> cast(first_seen_at as date))
    or (place > 1 and (previous_to is null or previous_to <> valid_from))
    or (place = places and valid_to is not null)
