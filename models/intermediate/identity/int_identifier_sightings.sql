-- Wrong sheets stop the build in int_rule_faults, before anything is counted.
-- depends_on: {{ ref('int_rule_faults') }}
{#-
    The one reader of the feeds' rows for identity: what is new, reduced. Rows are only
    added, and one may say what an older one said: all readers take the first or last.
-#}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        post_hook='{{ remember_counted_files() }}',
    )
}}

with

new_rows as (
    {% for feed in intent_feeds() %}
        select
            {% for kind in identifier_kinds() %}
                {{ kind }},
            {% endfor %}
            {{ record_kind() }} as record_kind,
            case when event_name = 'Identifiers Unlinked' then 1 else 0 end
                as is_withdrawal,
            occurred_at,
            -- A record is as old as it says; what a version of it shows is known from
            -- when that version was written.
            case
                when {{ record_kind() }} is not null then version_at
                else occurred_at
            end as told_at,
            case
                when
                    quarantine_reason is null
                    and {{ first_identifier() }} is not null
                    then 1
                else 0
            end as is_usable

        from {{ ref('int_' ~ feed ~ '__activities') }}
        where {{ is_new_file('source_file') }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- Rows repeat the same identifiers over and over. Which are usable is asked of what is
-- left: an engine that asks it of each row cleans its texts anew for each question.
rows_reduced as (

    select
        {% for kind in identifier_kinds() %}
            {{ kind }},
        {% endfor %}
        record_kind,
        is_withdrawal,
        cast(told_at as date) as told_on,
        is_usable,
        min(occurred_at) as first_occurred_at,
        min(told_at) as first_told_at,
        max(told_at) as last_told_at,
        sum(is_usable) as usable_rows

    from new_rows
    group by {{ range(1, 5 + identifier_kinds() | length) | join(', ') }}

),

sightings as (

    select
        {% for kind in identifier_kinds() %}
            {{ kind }},
        {% endfor %}
        record_kind,
        is_withdrawal,
        told_on,
        first_occurred_at,
        first_told_at,
        last_told_at,
        {{ run_id() }} as run_id

    from rows_reduced
    where usable_rows > 0

)

select * from sightings
