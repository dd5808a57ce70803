{#-
    The final select of why scores changed between two clocks: one row per pair and
    sheet, from the CTE `pairs`:

    - `pair_id`: a whole number, unique
    - `contact_id`
    - `from_as_of`, `to_as_of`: the clocks; the earlier a midnight
    - `from_known_until`: what was received by then was known at the earlier clock; null
      where nobody recorded it: then all was known that is known today
    - `from_rule_version`, `to_rule_version`

    The score is counted again and again on the way from the earlier clock to the later,
    each time with one thing more as it is at the later: the time (`decay`), what was
    done since (`new_activity`), what became known or was taken back of what was done
    before (`corrections`), who is who (`identity`), the rules (`rules`). The parts add
    up to `score_to` - `score_from`.
-#}
{% macro changes_between() %}
identifier_contacts as (

    select * from {{ ref('int_identifier_contacts') }}

),

activity_days as (

    select * from {{ ref('int_activity_days') }}

),

records as (

    select * from {{ ref('int_usable_records') }}

),

rule_versions as (

    select * from {{ ref('int_rule_versions') }}

),

pair_identifiers as (

    select
        pairs.pair_id,
        pairs.from_as_of,
        pairs.to_as_of,
        pairs.from_known_until,
        identifier_contacts.identifier,
        case
            when {{ in_force('identifier_contacts', 'pairs.from_as_of') }} then 1 else 0
        end as was_in_force,
        case
            when {{ in_force('identifier_contacts', 'pairs.to_as_of') }} then 1 else 0
        end as is_in_force

    from pairs
    inner join identifier_contacts
        on pairs.contact_id = identifier_contacts.contact_id

),

-- For all others nothing but the time and the rules changed.
touched_pairs as (

    select pair_id from pair_identifiers
    where was_in_force <> is_in_force
    union
    select pair_identifiers.pair_id
    from pair_identifiers
    inner join activity_days
        on pair_identifiers.identifier = activity_days.identifier
    where
        activity_days.activity_date >= pair_identifiers.from_as_of
        or activity_days.valid_from >= pair_identifiers.from_as_of
        or activity_days.valid_to >= pair_identifiers.from_as_of
        or activity_days.known_from > pair_identifiers.from_known_until
        or activity_days.known_to > pair_identifiers.from_known_until
    union
    select pair_identifiers.pair_id
    from pair_identifiers
    inner join records
        on pair_identifiers.identifier = records.identifier
    where records.version_at >= pair_identifiers.from_as_of

),

pairs_flagged as (

    select
        pairs.*,
        case when touched_pairs.pair_id is null then 0 else 1 end as is_touched,
        case
            when pairs.from_rule_version = pairs.to_rule_version then 0 else 1
        end as has_new_rules

    from pairs
    left join touched_pairs
        on pairs.pair_id = touched_pairs.pair_id

),

steps as (

    select
        pair_id,
        0 as step,
        contact_id,
        from_rule_version as rule_version,
        from_as_of as as_of,
        from_as_of as facts_before,
        from_as_of as links_as_of,
        cast(null as {{ dbt.type_timestamp() }}) as newcomers_as_of,
        from_known_until as known_until,
        cast(null as {{ dbt.type_timestamp() }}) as earlier_before,
        cast(null as {{ dbt.type_timestamp() }}) as earlier_known_until

    from pairs_flagged
    union all
    select
        pair_id,
        1 as step,
        contact_id,
        from_rule_version as rule_version,
        to_as_of as as_of,
        from_as_of as facts_before,
        from_as_of as links_as_of,
        cast(null as {{ dbt.type_timestamp() }}) as newcomers_as_of,
        from_known_until as known_until,
        cast(null as {{ dbt.type_timestamp() }}) as earlier_before,
        cast(null as {{ dbt.type_timestamp() }}) as earlier_known_until

    from pairs_flagged
    where is_touched = 1 or has_new_rules = 1
    union all
    select
        pair_id,
        2 as step,
        contact_id,
        from_rule_version as rule_version,
        to_as_of as as_of,
        to_as_of as facts_before,
        from_as_of as links_as_of,
        to_as_of as newcomers_as_of,
        cast(null as {{ dbt.type_timestamp() }}) as known_until,
        from_as_of as earlier_before,
        from_known_until as earlier_known_until

    from pairs_flagged
    where is_touched = 1
    union all
    select
        pair_id,
        3 as step,
        contact_id,
        from_rule_version as rule_version,
        to_as_of as as_of,
        to_as_of as facts_before,
        from_as_of as links_as_of,
        to_as_of as newcomers_as_of,
        cast(null as {{ dbt.type_timestamp() }}) as known_until,
        cast(null as {{ dbt.type_timestamp() }}) as earlier_before,
        cast(null as {{ dbt.type_timestamp() }}) as earlier_known_until

    from pairs_flagged
    where is_touched = 1
    union all
    select
        pair_id,
        4 as step,
        contact_id,
        from_rule_version as rule_version,
        to_as_of as as_of,
        to_as_of as facts_before,
        to_as_of as links_as_of,
        cast(null as {{ dbt.type_timestamp() }}) as newcomers_as_of,
        cast(null as {{ dbt.type_timestamp() }}) as known_until,
        cast(null as {{ dbt.type_timestamp() }}) as earlier_before,
        cast(null as {{ dbt.type_timestamp() }}) as earlier_known_until

    from pairs_flagged
    where is_touched = 1 and has_new_rules = 1
    union all
    select
        pair_id,
        5 as step,
        contact_id,
        to_rule_version as rule_version,
        to_as_of as as_of,
        to_as_of as facts_before,
        to_as_of as links_as_of,
        cast(null as {{ dbt.type_timestamp() }}) as newcomers_as_of,
        cast(null as {{ dbt.type_timestamp() }}) as known_until,
        cast(null as {{ dbt.type_timestamp() }}) as earlier_before,
        cast(null as {{ dbt.type_timestamp() }}) as earlier_known_until

    from pairs_flagged

),

subjects as (

    select
        pair_id * 6 + step as subject_id,
        steps.*

    from steps

),

drivers as (

    with
    {{ drivers_at() }}

),

scales as (

    select distinct
        rule_version,
        score_model,
        scale

    from rule_versions

),

raw_scores as (

    select
        subject_id,
        score_model,
        sum(net_points) as raw_score

    from drivers
    group by 1, 2

),

step_scores as (

    select
        subjects.pair_id,
        subjects.step,
        scales.score_model,
        {{ intent_score('coalesce(raw_scores.raw_score, 0)', 'scales.scale') }}
            as intent_score

    from subjects
    inner join scales
        on subjects.rule_version = scales.rule_version
    left join raw_scores
        on
            subjects.subject_id = raw_scores.subject_id
            and scales.score_model = raw_scores.score_model

),

drivers_ranked as (

    select
        subjects.pair_id,
        drivers.score_model,
        drivers.activity,
        row_number() over (
            partition by drivers.subject_id, drivers.score_model
            order by
                {{ rounded_score('drivers.net_points') }} desc,
                drivers.activity
        ) as driver_rank

    from drivers
    inner join subjects
        on drivers.subject_id = subjects.subject_id
    where subjects.step = 5 and drivers.net_points > 0

),

steps_gathered as (

    select
        pairs_flagged.pair_id,
        pairs_flagged.is_touched,
        pairs_flagged.has_new_rules,
        step_scores.score_model,
        {% for step in range(6) %}
            max(case when step_scores.step = {{ step }} then step_scores.intent_score end)
                as score_{{ step }}{{ ',' if not loop.last }}
        {% endfor %}

    from pairs_flagged
    inner join step_scores
        on pairs_flagged.pair_id = step_scores.pair_id
    group by 1, 2, 3, 4

),

-- A sheet that there was not yet, scored nobody; one that is gone scores nobody.
steps_completed as (

    select
        pair_id,
        score_model,
        coalesce(score_0, 0) as score_0,
        case
            when is_touched = 1 or has_new_rules = 1 then coalesce(score_1, 0)
            else coalesce(score_5, 0)
        end as score_1,
        case
            when is_touched = 1 then coalesce(score_2, 0)
            when has_new_rules = 1 then coalesce(score_1, 0)
            else coalesce(score_5, 0)
        end as score_2,
        case
            when is_touched = 1 then coalesce(score_3, 0)
            when has_new_rules = 1 then coalesce(score_1, 0)
            else coalesce(score_5, 0)
        end as score_3,
        case
            when has_new_rules = 0 then coalesce(score_5, 0)
            when is_touched = 1 then coalesce(score_4, 0)
            else coalesce(score_1, 0)
        end as score_4,
        coalesce(score_5, 0) as score_5

    from steps_gathered

),

parts as (

    select
        steps_completed.pair_id,
        steps_completed.score_model,
        steps_completed.score_0 as score_from,
        steps_completed.score_5 as score_to,
        steps_completed.score_1 - steps_completed.score_0 as decay,
        steps_completed.score_2 - steps_completed.score_1 as new_activity,
        steps_completed.score_3 - steps_completed.score_2 as corrections,
        steps_completed.score_4 - steps_completed.score_3 as identity,
        steps_completed.score_5 - steps_completed.score_4 as rules,
        drivers_ranked.activity as top_driver

    from steps_completed
    left join drivers_ranked
        on
            steps_completed.pair_id = drivers_ranked.pair_id
            and steps_completed.score_model = drivers_ranked.score_model
            and drivers_ranked.driver_rank = 1

)

select * from parts
{%- endmacro %}
