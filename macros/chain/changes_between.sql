{#-
    The final select of why scores changed between two clocks: one row per pair and
    sheet, from the CTE `pairs`:

    - `pair_id`: a whole number, unique
    - `contact_id`
    - `from_as_of`, `to_as_of`: the clocks; the earlier a midnight
    - `from_known_until`, `to_known_until`: what was received by then was known at the
      clock. Null at the later: all that is known today; null at the earlier: nobody
      recorded it, so there can be no corrections
    - `from_rule_version`, `to_rule_version`

    The score is counted again and again on the way from the earlier clock to the later,
    each time with one thing more as it is at the later: the time (`decay`), what was
    done since (`new_activity`), what became known or was taken back of what was done
    before (`corrections`), who is who (`identity`), the rules (`rules`). The parts add
    up to `score_to` - `score_from`. Who was no contact at a clock, scored 0 there.
-#}
{% macro changes_between() %}
{%- set steps = [
    {},
    {'as_of': 'to'},
    {'as_of': 'to', 'facts': 'to', 'known': 'to', 'newcomers': true, 'earlier': true},
    {'as_of': 'to', 'facts': 'to', 'known': 'to', 'newcomers': true},
    {'as_of': 'to', 'facts': 'to', 'known': 'to', 'links': 'to'},
    {'as_of': 'to', 'facts': 'to', 'known': 'to', 'links': 'to', 'rules': 'to'},
] -%}
{%- set no_time = 'cast(null as ' ~ dbt.type_timestamp() ~ ')' -%}
identifier_contacts as (

    select * from {{ ref('int_identifier_contacts') }}

),

activity_days as (

    select * from {{ ref('int_activity_days') }}

),

orders as (

    select * from {{ ref('int_orders') }}

),

records as (

    select * from {{ ref('int_usable_records') }}

),

rule_versions as (

    select * from {{ ref('int_rule_versions') }}

),

pairs_of_knowledge as (

    select
        pair_id,
        contact_id,
        from_as_of,
        to_as_of,
        coalesce(from_known_until, to_known_until) as from_known_until,
        to_known_until,
        case
            when to_known_until < from_known_until then to_known_until
            else from_known_until
        end as both_known_until,
        from_rule_version,
        to_rule_version

    from pairs

),

pair_identifiers as (

    select
        pairs.pair_id,
        pairs.from_as_of,
        pairs.both_known_until,
        identifier_contacts.identifier,
        case
            when identifier_contacts.identifier like 'anonymous_id:%' then 0 else 1
        end as is_known,
        case
            when {{ in_force('identifier_contacts', 'pairs.from_as_of') }} then 1 else 0
        end as was_in_force,
        case
            when {{ in_force('identifier_contacts', 'pairs.to_as_of') }} then 1 else 0
        end as is_in_force

    from pairs_of_knowledge as pairs
    inner join identifier_contacts
        on pairs.contact_id = identifier_contacts.contact_id

),

-- With nothing but cookies, it is a visitor and no contact.
pairs_known as (

    select
        pair_id,
        max(is_known * was_in_force) as was_contact_from,
        max(is_known * is_in_force) as was_contact_to,
        max(case when was_in_force <> is_in_force then 1 else 0 end) as has_new_links

    from pair_identifiers
    group by 1

),

-- For all others nothing but the time and the rules changed.
touched_pairs as (

    select pair_id from pairs_known
    where has_new_links = 1
    {% for facts, began in [('activity_days', 'activity_date'), ('orders', 'valid_from')] %}
        union
        select pair_identifiers.pair_id
        from pair_identifiers
        inner join {{ facts }}
            on pair_identifiers.identifier = {{ facts }}.identifier
        where
            {{ facts }}.{{ began }} >= pair_identifiers.from_as_of
            or {{ facts }}.valid_to >= pair_identifiers.from_as_of
            or {{ facts }}.known_from > pair_identifiers.both_known_until
            or {{ facts }}.known_to > pair_identifiers.both_known_until
    {% endfor %}
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
        coalesce(pairs_known.was_contact_from, 0) as was_contact_from,
        coalesce(pairs_known.was_contact_to, 0) as was_contact_to,
        case when pairs_known.was_contact_from = 1 then pairs.from_as_of end
            as from_links_as_of,
        case when pairs_known.was_contact_to = 1 then pairs.to_as_of end
            as to_links_as_of,
        case when pairs_known.was_contact_to = 1 then pairs.from_as_of end
            as newcomers_since,
        case when touched_pairs.pair_id is null then 0 else 1 end as is_touched,
        case
            when pairs.from_rule_version = pairs.to_rule_version then 0 else 1
        end as has_new_rules

    from pairs_of_knowledge as pairs
    left join pairs_known
        on pairs.pair_id = pairs_known.pair_id
    left join touched_pairs
        on pairs.pair_id = touched_pairs.pair_id

),

steps as (
    {% for step in steps %}
        select
            pair_id,
            {{ loop.index0 }} as step,
            contact_id,
            {{ step.as_of or 'from' }}_as_of as as_of,
            {{ step.facts or 'from' }}_as_of as facts_before,
            {{ step.links or 'from' }}_links_as_of as links_as_of,
            {{ 'newcomers_since' if step.newcomers else no_time }} as newcomers_since,
            {{ step.known or 'from' }}_known_until as known_until,
            {{ 'from_as_of' if step.earlier else no_time }} as earlier_before,
            {{ 'from_known_until' if step.earlier else no_time }}
                as earlier_known_until,
            {{ step.rules or 'from' }}_rule_version as rule_version

        from pairs_flagged
        {{ {
            1: 'where is_touched = 1 or has_new_rules = 1',
            2: 'where is_touched = 1',
            3: 'where is_touched = 1',
            4: 'where is_touched = 1 and has_new_rules = 1',
        }[loop.index0] }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

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
        pairs_flagged.was_contact_from,
        pairs_flagged.was_contact_to,
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
    group by 1, 2, 3, 4, 5, 6

),

-- A sheet that there was not yet, scored nobody; one that is gone scores nobody.
steps_completed as (

    select
        pair_id,
        score_model,
        was_contact_from,
        was_contact_to,
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
        steps_completed.was_contact_from,
        steps_completed.was_contact_to,
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
