-- The shop's own people and its tests earn nothing and are sent nowhere.
with

internal_identifiers as (

    select identifier from {{ ref('int_internal_identifiers') }}

),

contact_identifiers as (

    select * from {{ ref('int_contact_identifiers') }}

),

contact_intent as (

    select * from {{ ref('contact_intent') }}

)

select distinct contact_intent.contact_id
from internal_identifiers
inner join contact_identifiers
    on internal_identifiers.identifier = contact_identifiers.identifier
inner join contact_intent
    on contact_identifiers.contact_id = contact_intent.contact_id
where contact_intent.is_exportable or contact_intent.activity_count_30d > 0
