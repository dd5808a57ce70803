with

segment_counts as (

    select * from {{ ref('int_segment_counts') }}

),

transitions as (

    select
        score_model,
        cast(transitioned_at as date) as as_of_date,
        from_segment,
        to_segment

    from {{ ref('segment_transitions') }}

),

entries as (

    select
        as_of_date,
        score_model,
        to_segment as segment,
        count(*) as entries

    from transitions
    group by 1, 2, 3

),

exits as (

    select
        as_of_date,
        score_model,
        from_segment as segment,
        count(*) as exits

    from transitions
    group by 1, 2, 3

),

segments_joined as (

    select
        segment_counts.as_of_date,
        segment_counts.score_model,
        segment_counts.segment,
        segment_counts.contacts,
        segment_counts.score_sum,
        segment_counts.score_sum / nullif(segment_counts.contacts, 0) as score_mean,
        coalesce(entries.entries, 0) as entries,
        coalesce(exits.exits, 0) as exits,
        segment_counts.basis,
        segment_counts.known_until,
        segment_counts.rule_version

    from segment_counts
    left join entries
        on
            segment_counts.as_of_date = entries.as_of_date
            and segment_counts.score_model = entries.score_model
            and segment_counts.segment = entries.segment
    left join exits
        on
            segment_counts.as_of_date = exits.as_of_date
            and segment_counts.score_model = exits.score_model
            and segment_counts.segment = exits.segment

)

select * from segments_joined
