-- Who objected to profiling is in no mart but contact_intent, and has nothing there.
with

suppressed as (

    select * from {{ ref('contact_intent') }}
    where state = 'suppressed'

),

profiled as (

    select contact_id from {{ ref('contact_scores') }}
    union
    select contact_id from {{ ref('contact_intent_drivers') }}
    union
    select contact_id from {{ ref('contact_fit') }}
    union
    select contact_id from {{ ref('contact_fit_drivers') }}
    union
    select contact_id from {{ ref('contact_interests') }}
    union
    select contact_id from {{ ref('contact_intent_history') }}
    union
    select contact_id from {{ ref('segment_transitions') }}
    union
    select contact_id from {{ ref('contact_intent_changes') }}
    union
    select contact_id from {{ ref('int_contact_attributes') }}
    union
    select top_contact_1 as contact_id from {{ ref('account_intent') }}
    union
    select top_contact_2 as contact_id from {{ ref('account_intent') }}
    union
    select top_contact_3 as contact_id from {{ ref('account_intent') }}

)

select suppressed.contact_id
from suppressed
left join profiled
    on suppressed.contact_id = profiled.contact_id
where
    profiled.contact_id is not null
    or suppressed.is_exportable
    or suppressed.intent_score is not null
    or suppressed.fit_score is not null
    or suppressed.fit_grade is not null
    or suppressed.intent_grade is not null
    or suppressed.buying_stage is not null
    or suppressed.top_interest is not null
