{#- What the scores of `subjects` are made of, as in contact_intent_drivers. -#}
with

drivers as (

    with
    {{ drivers_at() }}

),

scales as (

    select distinct
        score_model,
        rule_version,
        scale

    from {{ ref('int_rule_versions') }}

),

drivers_joined as (

    select
        drivers.*,
        subjects.as_of,
        scales.scale,
        sum(drivers.net_points) over (
            partition by drivers.subject_id, drivers.score_model
        ) as raw_score

    from drivers
    inner join subjects
        on drivers.subject_id = subjects.subject_id
    inner join scales
        on
            subjects.rule_version = scales.rule_version
            and drivers.score_model = scales.score_model

),

drivers_scored as (

    select
        as_of,
        score_model,
        category,
        activity,
        activity_count,
        last_at,
        decayed_amount,
        activity_score,
        net_points,
        {{ contribution('net_points', 'raw_score', 'scale') }} as contribution,
        raw_score,
        {{ intent_score('raw_score', 'scale') }} as intent_score

    from drivers_joined

),

final as (

    select
        *,
        {{ rounded_score('intent_score') }} >= {{ dormant_below() }} as is_active

    from drivers_scored

)

select * from final
