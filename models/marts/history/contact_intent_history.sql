-- Before and after it writes, it takes out what is not to stand there.
-- depends_on: {{ ref('int_contacts') }}
-- depends_on: {{ ref('int_contact_identifiers') }}
-- depends_on: {{ ref('int_identifier_contacts') }}
{#-
    What was said once can't be made again: `--full-refresh` leaves it alone. Only who
    objects to profiling, has no history either, nor outcomes of it. While a midnight is rewritten,
    `segment_daily` lacks it: until all is written, it counts as missing.
-#}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        full_refresh=false,
        pre_hook=[
            "{{ clear_midnights(built_earlier('segment_daily')) }}",
            "{{ clear_midnights(this) if is_incremental() }}",
        ],
        post_hook=[
            "{{ clear_suppressed(this, 'as_of_date', 'segment') }}",
            "{{ clear_suppressed(outcomes_kept(this), 'as_of', 'kind')
                if outcomes_kept(this) }}",
        ],
    )
}}

with

midnights as (

    select * from {{ ref('int_midnights') }}
    where is_new

),

segments as (

    select * from {{ ref('int_midnight_segments') }}

),

midnight_contacts as (

    select * from {{ ref('int_midnight_contacts') }}
    where not is_suppressed

),

score_models as (

    select * from {{ ref('score_models') }}
    where status <> 'archived'

),

-- Whoever was in a band at the midnight before: of this run, or kept by an earlier one.
banded_before as (

    select
        segments.contact_id,
        segments.score_model,
        midnights.as_of_date

    from midnights
    inner join segments
        on midnights.previous_date = segments.as_of_date
    where segments.segment <> 'cold'

    {% if is_incremental() %}

        union
        select
            history.contact_id,
            history.score_model,
            midnights.as_of_date

        from midnights
        inner join {{ this }} as history
            on midnights.previous_date = history.as_of_date
        left join midnights as rewritten
            on history.as_of_date = rewritten.as_of_date
        where history.segment <> 'cold' and rewritten.as_of_date is null

    {% endif %}

),

segments_kept as (

    select
        segments.contact_id,
        segments.score_model,
        segments.as_of_date,
        segments.intent_score,
        segments.segment,
        segments.basis

    from segments
    left join banded_before
        on
            segments.contact_id = banded_before.contact_id
            and segments.score_model = banded_before.score_model
            and segments.as_of_date = banded_before.as_of_date
    where
        {{ rounded_score('segments.intent_score') }} >= {{ dormant_below() }}
        or segments.segment <> 'cold'
        or banded_before.contact_id is not null

),

-- Contacts that were joined to others, or that nothing tells of any more, or nothing
-- may.
contacts_gone as (

    select
        banded_before.contact_id,
        banded_before.score_model,
        banded_before.as_of_date,
        cast(null as {{ type_double() }}) as intent_score,
        cast(null as {{ dbt.type_string() }}) as segment,
        midnights.basis

    from banded_before
    inner join midnights
        on banded_before.as_of_date = midnights.as_of_date
    inner join score_models
        on banded_before.score_model = score_models.score_model
    left join midnight_contacts
        on
            banded_before.contact_id = midnight_contacts.contact_id
            and midnights.as_of = midnight_contacts.as_of
    where midnight_contacts.contact_id is null

),

unioned as (

    select * from segments_kept
    union all
    select * from contacts_gone

)

select * from unioned
