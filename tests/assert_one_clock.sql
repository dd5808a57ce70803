-- All marts are as of the one instant of the clock.
with

clock as (

    select as_of from {{ ref('int_clock') }}

),

instants as (

    select as_of from {{ ref('contact_intent') }}
    union
    select as_of from {{ ref('contact_scores') }}
    union
    select as_of from {{ ref('contact_intent_drivers') }}
    union
    select as_of from {{ ref('contact_fit') }}
    union
    select as_of from {{ ref('account_intent') }}
    union
    select as_of from {{ ref('contact_interests') }}
    union
    select to_as_of as as_of from {{ ref('contact_intent_changes') }}
    union
    select as_of from {{ ref('contact_decay_state') }}
    union
    select as_of from {{ ref('contact_decay_fields') }}
    union
    select as_of from {{ ref('next_best_action') }}

)

select instants.as_of
from instants
left join clock
    on instants.as_of = clock.as_of
where clock.as_of is null
