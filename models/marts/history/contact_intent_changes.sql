with

clock as (

    select * from {{ ref('int_clock') }}

),

changes as (

    select changes.*
    from {{ ref('int_changes') }} as changes
    inner join clock
        on
            changes.to_as_of = clock.as_of
            and changes.from_as_of
            = cast({{ week_before('clock.as_of') }} as {{ dbt.type_timestamp() }})

),

said_from as (

    select
        history.contact_id,
        history.score_model,
        history.intent_score,
        history.segment

    from {{ ref('contact_intent_history') }} as history
    inner join clock
        on history.as_of_date = {{ week_before('clock.as_of') }}
    where history.segment is not null

),

sheets_from as (

    select distinct daily.score_model
    from {{ ref('segment_daily') }} as daily
    inner join clock
        on daily.as_of_date = {{ week_before('clock.as_of') }}

),

said_to as (

    select
        contact_id,
        score_model,
        intent_score,
        segment

    from {{ ref('contact_scores') }}

),

sheets_to as (

    select distinct score_model from said_to

),

{{ compare_with_what_was_said() }}
