{#-
    The last of the history to be built: a midnight that it has is written in full.
    `--full-refresh` leaves it alone.
-#}
{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['as_of_date', 'score_model'],
        on_schema_change='fail',
        full_refresh=false,
    )
}}

with

midnights as (

    select * from {{ ref('int_midnights') }}

),

midnight_segments as (

    select * from {{ ref('int_midnight_segments') }}

),

suppressed_contacts as (

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

transitions as (

    select
        transitions.score_model,
        midnights.as_of_date,
        transitions.from_segment,
        transitions.to_segment

    from {{ ref('segment_transitions') }} as transitions
    inner join midnights
        on transitions.transitioned_at = midnights.as_of

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
    union all
    select
        midnights.as_of_date,
        score_models.score_model,
        'suppressed' as segment,
        count(*) as contacts,
        cast(null as {{ type_double() }}) as score_sum

    from suppressed_contacts
    inner join midnights
        on suppressed_contacts.as_of = midnights.as_of
    cross join score_models
    group by 1, 2

),

new_rows as (

    select
        midnights.as_of_date,
        midnights.previous_date,
        score_models.score_model,
        segments.segment,
        cast(coalesce(contacts_counted.contacts, 0) as {{ dbt.type_bigint() }})
            as contacts,
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
    where midnights.is_new

),

{% if is_incremental() %}

    -- Of the midnights that follow, only the entries and exits are told anew.
    following_rows as (

        select
            daily.as_of_date,
            midnights.previous_date,
            daily.score_model,
            daily.segment,
            daily.contacts,
            daily.score_sum,
            daily.basis,
            daily.known_until,
            daily.rule_version,
            daily.run_id

        from {{ this }} as daily
        inner join midnights
            on daily.as_of_date = midnights.as_of_date
        inner join score_models
            on daily.score_model = score_models.score_model
        where not midnights.is_new

    ),

    all_rows as (

        select * from new_rows
        union all
        select * from following_rows

    ),

    contacts_before as (

        select
            as_of_date,
            score_model,
            segment,
            contacts

        from {{ this }}
        where
            as_of_date not in (
                select midnights.as_of_date from midnights
                where midnights.is_new
            )
        union all
        select
            as_of_date,
            score_model,
            segment,
            contacts

        from new_rows

    ),

{% else %}

    all_rows as (

        select * from new_rows

    ),

    contacts_before as (

        select * from new_rows

    ),

{% endif %}

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

-- Who was erased, or objected since, has left too, but no transition tells of it.
rows_joined as (

    select
        all_rows.as_of_date,
        all_rows.score_model,
        all_rows.segment,
        all_rows.contacts,
        all_rows.score_sum,
        all_rows.score_sum / nullif(all_rows.contacts, 0) as score_mean,
        coalesce(entries.entries, 0) as entries,
        case
            when all_rows.previous_date is null then 0
            when all_rows.segment in ('hot', 'warm')
                then
                    coalesce(contacts_before.contacts, 0)
                    - all_rows.contacts
                    + coalesce(entries.entries, 0)
            else coalesce(exits.exits, 0)
        end as exits,
        all_rows.basis,
        all_rows.known_until,
        all_rows.rule_version,
        all_rows.run_id

    from all_rows
    left join entries
        on
            all_rows.as_of_date = entries.as_of_date
            and all_rows.score_model = entries.score_model
            and all_rows.segment = entries.segment
    left join exits
        on
            all_rows.as_of_date = exits.as_of_date
            and all_rows.score_model = exits.score_model
            and all_rows.segment = exits.segment
    left join contacts_before
        on
            all_rows.previous_date = contacts_before.as_of_date
            and all_rows.score_model = contacts_before.score_model
            and all_rows.segment = contacts_before.segment

)

select * from rows_joined
