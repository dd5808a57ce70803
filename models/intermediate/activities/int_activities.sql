-- Wrong sheets stop the build in int_rule_faults, before anything is counted.
-- depends_on: {{ ref('int_rule_faults') }}
{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='activity_key',
        on_schema_change='fail',
        post_hook='{{ remember_counted_files() }}',
    )
}}

{% set told_columns = [
    'feed', 'feed_table', 'event_id', 'event_name', 'activity', 'business_key',
    'identifier', 'reversed_order_id', 'product_category', 'user_agent', 'message_id',
    'is_machine_flagged', 'quantity', 'amount', 'currency', 'quarantine_reason',
    'malformed_columns', 'source_file', 'occurred_at', 'received_at', 'version_at',
    'reversed_at',
] %}
{#- Never by order of arrival: the columns decide, to the last one. -#}
{% set of_the_same_thing_the_best_first -%}
            partition by rows_preferred.activity_key
            order by
                rows_preferred.preference asc,
                rows_preferred.feed asc,
                rows_preferred.has_no_version asc,
                rows_preferred.version_at desc,
                rows_preferred.occurred_at asc,
                rows_preferred.identifier asc,
                rows_preferred.event_id asc,
                rows_preferred.received_at desc,
                rows_preferred.is_not_reversed asc,
                rows_preferred.reversed_at asc,
                rows_preferred.reverses_nothing asc,
                rows_preferred.reversed_order_id asc,
                coalesce(rows_preferred.user_agent, '') asc,
                coalesce(rows_preferred.message_id, '') asc,
                case when rows_preferred.is_machine_flagged then 0 else 1 end asc,
                rows_preferred.source_file asc
{%- endset %}

with

feed_preferences as (

    select * from {{ ref('feed_preferences') }}

),

new_rows as (
    {% for feed in intent_feeds() %}
        select
            {{ told_columns | join(',\n            ') }}

        from {{ ref('int_' ~ feed ~ '__activities') }}
        where
            {{ is_new_file('source_file') }}
            and (activity is not null or quarantine_reason is not null)
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

new_rows_keyed as (

    select
        {{ activity_key() }} as activity_key,
        new_rows.*

    from new_rows

),

{% if is_incremental() %}

    told_before as (

        select
            activity_key,
            {{ told_columns | join(',\n            ') }},
            disposition

        from {{ this }}

    ),

    -- A file that is read again may hold most of its rows as they were told.
    rows_compared as (

        select
            *,
            1 as row_change

        from new_rows_keyed
        union all
        select
            activity_key,
            {{ told_columns | join(',\n            ') }},
            -1 as row_change

        from told_before
        where {{ is_new_file('source_file') }} and disposition <> 'gone'

    ),

    row_changes as (

        select
            activity_key,
            {{ told_columns | join(',\n            ') }},
            sum(row_change) as row_change

        from rows_compared
        group by {{ range(1, 2 + told_columns | length) | join(', ') }}
        having sum(row_change) <> 0

    ),

    touched_keys as (

        select distinct activity_key from row_changes

    ),

    -- What was told before of the same things is judged again with them.
    rows_told as (

        select
            told_before.activity_key,
            told_before.{{ told_columns | join(',\n            told_before.') }}

        from told_before
        inner join touched_keys
            on told_before.activity_key = touched_keys.activity_key
        where
            not {{ is_new_file('source_file') }}
            and told_before.disposition <> 'gone'
        union all
        select new_rows_keyed.*
        from new_rows_keyed
        inner join touched_keys
            on new_rows_keyed.activity_key = touched_keys.activity_key

    ),

    -- They no longer count, but the days that they were on must be counted anew.
    rows_gone as (

        select
            activity_key,
            {{ told_columns | join(',\n            ') }}

        from row_changes
        where row_change < 0
        union all
        select
            told_before.activity_key,
            told_before.{{ told_columns | join(',\n            told_before.') }}

        from told_before
        inner join touched_keys
            on told_before.activity_key = touched_keys.activity_key
        where told_before.disposition = 'gone'

    ),

{% else %}

    rows_told as (

        select * from new_rows_keyed

    ),

{% endif %}

-- Nearly all is told once, and needs no comparing: only the rest is put in order.
keys_told_again as (

    select activity_key from rows_told
    group by 1
    having count(*) > 1

),

rows_told_once as (

    select rows_told.*
    from rows_told
    left join keys_told_again
        on rows_told.activity_key = keys_told_again.activity_key
    where keys_told_again.activity_key is null

),

rows_told_again as (

    select rows_told.*
    from rows_told
    inner join keys_told_again
        on rows_told.activity_key = keys_told_again.activity_key

),

rows_preferred as (

    select
        rows_told_again.*,
        feed_preferences.preference,
        coalesce(rows_told_again.received_at, rows_told_again.occurred_at)
            as known_from,
        case when rows_told_again.version_at is null then 1 else 0 end
            as has_no_version,
        case when rows_told_again.reversed_at is null then 1 else 0 end
            as is_not_reversed,
        case when rows_told_again.reversed_order_id is null then 1 else 0 end
            as reverses_nothing

    from rows_told_again
    left join feed_preferences
        on rows_told_again.feed = feed_preferences.feed

),

rows_ranked as (

    select
        rows_preferred.*,
        row_number() over tellings as telling,
        min(rows_preferred.known_from) over better_tellings as outdone_at,
        lag(rows_preferred.feed) over tellings as feed_before,
        first_value(rows_preferred.feed) over tellings as winning_feed,
        first_value(rows_preferred.event_id) over tellings as winning_event_id,
        first_value(rows_preferred.version_at) over tellings as winning_version_at

    from rows_preferred
    window
        tellings as (
            {{ of_the_same_thing_the_best_first }}
        ),
        better_tellings as (
            {{ of_the_same_thing_the_best_first }}
            rows between unbounded preceding and 1 preceding
        )

),

-- A cancellation is believed of whichever feed tells it: of each, the newest word.
cancellations as (

    select
        activity_key,
        min(reversed_at) as taken_back_at

    from rows_ranked
    where
        reversed_at is not null
        and quarantine_reason is null
        and (feed_before is null or feed_before <> feed)
    group by 1

),

rows_judged as (

    select
        rows_ranked.activity_key,
        rows_ranked.{{ told_columns | join(',\n        rows_ranked.') }},
        case
            when rows_ranked.quarantine_reason is not null then 'quarantined'
            when rows_ranked.telling = 1 then 'counted'
            when
                rows_ranked.feed = rows_ranked.winning_feed
                and rows_ranked.event_id = rows_ranked.winning_event_id
                and (
                    rows_ranked.version_at = rows_ranked.winning_version_at
                    or (
                        rows_ranked.version_at is null
                        and rows_ranked.winning_version_at is null
                    )
                )
                then 'duplicate'
            else 'superseded'
        end as disposition,
        case when rows_ranked.quarantine_reason is null then rows_ranked.telling end
            as telling,
        case when rows_ranked.quarantine_reason is null then rows_ranked.outdone_at end
            as outdone_at,
        cancellations.taken_back_at

    from rows_ranked
    left join cancellations
        on rows_ranked.activity_key = cancellations.activity_key
    union all
    select
        activity_key,
        {{ told_columns | join(',\n        ') }},
        case when quarantine_reason is null then 'counted' else 'quarantined' end
            as disposition,
        case when quarantine_reason is null then 1 end as telling,
        cast(null as {{ dbt.type_timestamp() }}) as outdone_at,
        case when quarantine_reason is null then reversed_at end as taken_back_at

    from rows_told_once
    {% if is_incremental() %}
        union all
        select
            rows_gone.*,
            'gone' as disposition,
            cast(null as {{ dbt.type_bigint() }}) as telling,
            cast(null as {{ dbt.type_timestamp() }}) as outdone_at,
            cast(null as {{ dbt.type_timestamp() }}) as taken_back_at

        from rows_gone
    {% endif %}

),

final as (

    select
        *,
        {{ run_id() }} as run_id

    from rows_judged

)

select * from final
