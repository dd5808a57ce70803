-- Each contact is in one of hot, warm and cold, or suppressed; dormant and never
-- active ones are cold.
with

contact_intent as (

    select * from {{ ref('contact_intent') }}

),

segment_members as (

    select contact_id from {{ ref('segment_hot') }}
    union all
    select contact_id from {{ ref('segment_warm') }}
    union all
    select contact_id from {{ ref('segment_cold') }}
    union all
    select contact_id from contact_intent
    where state = 'suppressed'

),

memberships as (

    select
        contact_intent.contact_id,
        contact_intent.segment,
        contact_intent.state,
        count(segment_members.contact_id) as memberships

    from contact_intent
    left join segment_members
        on contact_intent.contact_id = segment_members.contact_id
    group by 1, 2, 3

)

select * from memberships
where
    memberships <> 1
    or (state in ('dormant', 'never_active') and segment <> 'cold')
    or (state = 'suppressed' and segment is not null)
