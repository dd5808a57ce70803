{#-
    Whoever objected is not scored, at no clock, however well the row could be read: so
    this knows no clock and no quarantine, and names every identifier of the record.
-#}
{{ config(enabled='crm' in var('intent_feeds')) }}

{% set kinds = ['crm_id', 'customer_id', 'email', 'phone'] %}

with

contacts as (

    select
        *,
        created_at is null or malformed_columns is not null as is_unread,
        {{ first_of(kinds) }} as record

    from {{ ref('stg_crm__contacts') }}

),

-- A version that does not speak of profiling takes no objection back.
versions_ranked as (

    select
        record,
        objected_to_profiling,
        row_number() over (
            partition by record
            order by
                coalesce(updated_at, created_at) desc,
                received_at desc,
                case when objected_to_profiling then 0 else 1 end asc
        ) as version_rank

    from contacts
    where objected_to_profiling is not null and not is_unread

),

-- An objection on a row that could not be read to its end stands.
records_that_object as (

    select record from versions_ranked
    where version_rank = 1 and objected_to_profiling
    union
    select record from contacts
    where is_unread and objected_to_profiling

),

objecting_rows as (

    select contacts.*
    from contacts
    inner join records_that_object
        on contacts.record = records_that_object.record

),

identifiers as (
    {% for kind in kinds %}
        select {{ typed_identifier(kind) }} as identifier
        from objecting_rows
        where {{ kind }} is not null
        {{ 'union' if not loop.last }}
    {% endfor %}

)

select * from identifiers
