-- Before it writes, it takes out what it tells anew.
-- depends_on: {{ ref('int_midnights') }}
-- depends_on: {{ ref('int_contacts') }}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        full_refresh=false,
        pre_hook="{{ clear_transitions(this) if is_incremental() }}",
        post_hook="{{ clear_suppressed(this) }}",
    )
}}

with

segment_changes as (

    select * from {{ ref('int_segment_changes') }}

),

changes as (

    select * from {{ ref('int_changes') }}

),

edges as (

    select distinct
        rule_version,
        score_model,
        hot_enter_at,
        hot_exit_below,
        warm_enter_at,
        warm_exit_below

    from {{ ref('int_rule_versions') }}

),

segment_ranks as (

    select
        'hot' as segment,
        2 as segment_rank
    union all
    select
        'warm' as segment,
        1 as segment_rank

),

changes_joined as (

    select
        segment_changes.contact_id,
        segment_changes.score_model,
        changes.to_as_of as transitioned_at,
        segment_changes.from_segment,
        segment_changes.to_segment,
        case
            when coalesce(ranks_to.segment_rank, 0) > coalesce(ranks_from.segment_rank, 0)
                then 1
            else -1
        end as direction,
        {{ rounded_score('changes.score_to') }} as score_to,
        changes.decay,
        changes.new_activity,
        changes.corrections,
        changes.identity,
        changes.rules,
        case when segment_changes.to_segment is not null then changes.top_driver end
            as top_driver,
        case segment_changes.from_segment
            when 'hot' then edges.hot_exit_below
            when 'warm' then edges.warm_exit_below
        end as left_below,
        case segment_changes.to_segment
            when 'hot' then edges.hot_enter_at
            when 'warm' then edges.warm_enter_at
        end as entered_at

    from segment_changes
    inner join changes
        on
            segment_changes.contact_id = changes.contact_id
            and segment_changes.score_model = changes.score_model
            and changes.from_as_of
            = cast(segment_changes.previous_date as {{ dbt.type_timestamp() }})
            and changes.to_as_of
            = cast(segment_changes.as_of_date as {{ dbt.type_timestamp() }})
    left join edges
        on
            changes.from_rule_version = edges.rule_version
            and changes.score_model = edges.score_model
    left join segment_ranks as ranks_from
        on segment_changes.from_segment = ranks_from.segment
    left join segment_ranks as ranks_to
        on segment_changes.to_segment = ranks_to.segment

),

parts_pulling as (

    select
        *,
        direction * decay as decay_pull,
        direction * new_activity as new_activity_pull,
        direction * corrections as corrections_pull,
        direction * identity as identity_pull,
        direction * rules as rules_pull,
        greatest(
            direction * decay,
            direction * new_activity,
            direction * corrections,
            direction * identity,
            direction * rules
        ) as strongest_pull

    from changes_joined

),

-- By the edges of before there would have been no change: the edges are the cause.
causes as (

    select
        contact_id,
        score_model,
        transitioned_at,
        from_segment,
        to_segment,
        case
            when direction = 1 and score_to < entered_at then 'rule_change'
            when direction = -1 and score_to >= left_below then 'rule_change'
            when {{ rounded_score('strongest_pull') }} <= 0 then 'rule_change'
            when new_activity_pull = strongest_pull then 'new_activity'
            when identity_pull = strongest_pull then 'identity_change'
            when corrections_pull = strongest_pull then 'correction'
            when rules_pull = strongest_pull then 'rule_change'
            else 'decay'
        end as cause,
        top_driver

    from parts_pulling

)

select * from causes
