-- The last to be built: what it counts, is written in full.
-- depends_on: {{ ref('segment_transitions') }}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        full_refresh=false,
        pre_hook="{{ clear_midnights(this) if is_incremental() }}",
    )
}}

with

midnights as (

    select * from {{ ref('int_midnights') }}
    where is_new

),

midnight_segments as (

    select * from {{ ref('int_midnight_segments') }}

),

midnight_contacts as (

    select * from {{ ref('int_midnight_contacts') }}
    where is_suppressed

),

score_models as (

    select score_model from {{ ref('score_models') }}
    where status <> 'archived'

),

rule_versions as (

    select max(rule_version) as rule_version from {{ ref('int_rule_versions') }}

),

arrivals as (

    select max(received_at) as received_at from {{ ref('int_activities') }}

),

segments as (
    {% for segment in ['hot', 'warm', 'cold', 'suppressed'] %}
        select '{{ segment }}' as segment
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

contacts_counted as (

    select
        as_of_date,
        score_model,
        segment,
        count(*) as contacts,
        sum(intent_score) as score_sum

    from midnight_segments
    group by 1, 2, 3

),

suppressed_counted as (

    select
        as_of,
        count(*) as contacts

    from midnight_contacts
    group by 1

),

final as (

    select
        midnights.as_of_date,
        score_models.score_model,
        segments.segment,
        cast(
            case
                when segments.segment = 'suppressed'
                    then coalesce(suppressed_counted.contacts, 0)
                else coalesce(contacts_counted.contacts, 0)
            end as {{ dbt.type_bigint() }}
        ) as contacts,
        case
            when segments.segment <> 'suppressed'
                then coalesce(contacts_counted.score_sum, 0)
        end as score_sum,
        midnights.basis,
        greatest(midnights.as_of, coalesce(arrivals.received_at, midnights.as_of))
            as known_until,
        rule_versions.rule_version,
        {{ run_id() }} as run_id

    from midnights
    cross join score_models
    cross join segments
    cross join rule_versions
    cross join arrivals
    left join contacts_counted
        on
            midnights.as_of_date = contacts_counted.as_of_date
            and score_models.score_model = contacts_counted.score_model
            and segments.segment = contacts_counted.segment
    left join suppressed_counted
        on midnights.as_of = suppressed_counted.as_of

)

select * from final
