-- Before and after it writes, it takes out what is not to stand there.
-- depends_on: {{ ref('int_midnights') }}
-- depends_on: {{ ref('int_contacts') }}
-- depends_on: {{ ref('int_contact_identifiers') }}
-- depends_on: {{ ref('int_identifier_contacts') }}
-- depends_on: {{ ref('score_models') }}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        full_refresh=false,
        pre_hook="{{ clear_transitions(this) if is_incremental() }}",
        post_hook="{{ clear_suppressed(this, 'transitioned_at', 'to_segment') }}",
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

-- What was said of a clock and what we count for it today differ by what became known
-- since: by corrections.
changes_joined as (

    select
        segment_changes.contact_id,
        segment_changes.score_model,
        changes.to_as_of as transitioned_at,
        segment_changes.from_segment,
        segment_changes.to_segment,
        coalesce(segment_changes.score_to, changes.score_to) as score_to,
        case
            when
                coalesce(ranks_to.segment_rank, 0)
                > coalesce(ranks_from.segment_rank, 0)
                then 1
            else -1
        end as direction,
        changes.decay,
        changes.new_activity,
        changes.corrections
        + changes.score_from - coalesce(segment_changes.score_from, changes.score_from)
        + coalesce(segment_changes.score_to, changes.score_to) - changes.score_to
            as corrections,
        changes.identity,
        changes.rules,
        changes.from_rule_version <> changes.to_rule_version as has_new_rules,
        case when segment_changes.to_segment is not null then changes.top_driver end
            as top_driver,
        edges_from.hot_enter_at <> edges_to.hot_enter_at
        or edges_from.hot_exit_below <> edges_to.hot_exit_below
        or edges_from.warm_enter_at <> edges_to.warm_enter_at
        or edges_from.warm_exit_below <> edges_to.warm_exit_below as has_new_edges,
        case segment_changes.from_segment
            when 'hot' then edges_from.hot_exit_below
            when 'warm' then edges_from.warm_exit_below
        end as left_below,
        case segment_changes.to_segment
            when 'hot' then edges_from.hot_enter_at
            when 'warm' then edges_from.warm_enter_at
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
    left join edges as edges_from
        on
            changes.from_rule_version = edges_from.rule_version
            and changes.score_model = edges_from.score_model
    left join edges as edges_to
        on
            changes.to_rule_version = edges_to.rule_version
            and changes.score_model = edges_to.score_model
    left join segment_ranks as ranks_from
        on segment_changes.from_segment = ranks_from.segment
    left join segment_ranks as ranks_to
        on segment_changes.to_segment = ranks_to.segment

),

pulls as (

    select
        contact_id,
        score_model,
        transitioned_at,
        from_segment,
        to_segment,
        top_driver,
        has_new_rules,
        -- By the edges of before there would have been no change.
        coalesce(
            has_new_edges
            and (
                (direction = 1 and {{ rounded_score('score_to') }} < entered_at)
                or (direction = -1 and {{ rounded_score('score_to') }} >= left_below)
            ),
            false
        ) as is_moved_by_edges,
        {{ rounded_score('direction * decay') }} as decay_pull,
        {{ rounded_score('direction * new_activity') }} as new_activity_pull,
        {{ rounded_score('direction * corrections') }} as corrections_pull,
        {{ rounded_score('direction * identity') }} as identity_pull,
        {{ rounded_score('direction * rules') }} as rules_pull

    from changes_joined

),

strongest_pulls as (

    select
        *,
        greatest(
            decay_pull, new_activity_pull, corrections_pull, identity_pull, rules_pull
        ) as strongest_pull

    from pulls

),

-- Where nothing pulls, another way to the same score led into another band.
causes as (

    select
        contact_id,
        score_model,
        transitioned_at,
        from_segment,
        to_segment,
        case
            when is_moved_by_edges then 'rule_change'
            when strongest_pull <= 0
                then case
                    when has_new_rules then 'rule_change'
                    when corrections_pull <> 0 then 'correction'
                    when identity_pull <> 0 then 'identity_change'
                    else 'decay'
                end
            when new_activity_pull = strongest_pull then 'new_activity'
            when identity_pull = strongest_pull then 'identity_change'
            when corrections_pull = strongest_pull then 'correction'
            when rules_pull = strongest_pull then 'rule_change'
            else 'decay'
        end as cause,
        top_driver

    from strongest_pulls

)

select * from causes
