with

clock as (

    select * from {{ ref('int_clock') }}

),

contacts as (

    select * from {{ ref('int_contacts') }}

),

contact_scores as (

    select * from {{ ref('contact_scores') }}

),

history as (

    select * from {{ ref('contact_intent_history') }}

),

transitions as (

    select * from {{ ref('segment_transitions') }}

),

history_span as (

    select
        min(segment_daily.as_of_date) as first_date,
        max(segment_daily.as_of_date) as last_date

    from {{ ref('segment_daily') }} as segment_daily
    cross join clock
    where segment_daily.as_of_date <= clock.as_of

),

segments_at_last as (

    select
        history.contact_id,
        history.score_model,
        history.segment

    from history
    inner join history_span
        on history.as_of_date = history_span.last_date

),

last_transitions as (

    select
        transitions.contact_id,
        transitions.score_model,
        max(transitions.transitioned_at) as transitioned_at

    from transitions
    cross join clock
    where transitions.transitioned_at <= clock.as_of
    group by 1, 2

),

-- Since the last change, or now if it is not in the history yet. Who never changed is
-- in its segment for as long as the history goes back.
segments_since as (

    select
        contact_scores.contact_id,
        contact_scores.score_model,
        case
            when history_span.last_date is null then null
            when coalesce(segments_at_last.segment, 'cold') <> contact_scores.segment
                then clock.as_of
            when last_transitions.transitioned_at is not null
                then last_transitions.transitioned_at
            else greatest(
                cast(history_span.first_date as {{ dbt.type_timestamp() }}),
                contacts.first_seen_at
            )
        end as segment_since

    from contact_scores
    inner join contacts
        on contact_scores.contact_id = contacts.contact_id
    cross join history_span
    cross join clock
    left join segments_at_last
        on
            contact_scores.contact_id = segments_at_last.contact_id
            and contact_scores.score_model = segments_at_last.score_model
    left join last_transitions
        on
            contact_scores.contact_id = last_transitions.contact_id
            and contact_scores.score_model = last_transitions.score_model

)

select * from segments_since
