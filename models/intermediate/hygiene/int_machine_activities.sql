{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='activity_key',
        on_schema_change='fail',
    )
}}

{% set rules_checksum = seed_checksum('hygiene_rules') %}
-- No CTE of all activities: some engines would write it out before they filter it.
{% set activities = ref('int_activities') %}
{% if is_incremental() %}
    {% set activities = 'activities_of_days' %}
{% endif %}
{% set of_the_rule %}
    (rules.feed is null or rules.feed = activities.feed)
            and (rules.activity is null or rules.activity = activities.activity)
{%- endset %}

with

rules as (

    select * from {{ ref('hygiene_rules') }}
    where is_enabled

),

internal_identifiers as (

    select * from {{ ref('int_internal_identifiers') }}

),

{% if is_incremental() %}

    last_judgement as (

        select
            coalesce(max(case when rule = '{{ rules_checksum }}' then run_id end), 0)
                as run_id

        from {{ this }}
        where activity_key = 'all'

    ),

    -- Rows of which the rules as they stand have not been asked yet.
    new_rows as (

        select
            activities.identifier,
            activities.activity,
            cast(activities.occurred_at as date) as activity_date

        from {{ ref('int_activities') }} as activities
        cross join last_judgement
        where
            activities.disposition <> 'quarantined'
            and activities.run_id > last_judgement.run_id

    ),

    identifiers_judged_internal as (

        select distinct judged.identifier
        from {{ this }} as judged
        inner join rules
            on judged.rule = rules.rule
        where rules.method = 'email'

    ),

    -- A link made or withdrawn may show whose events they were all along.
    identifiers_changed as (

        select coalesce(internal.identifier, judged.identifier) as identifier
        from internal_identifiers as internal
        full outer join identifiers_judged_internal as judged
            on internal.identifier = judged.identifier
        where internal.identifier is null or judged.identifier is null

    ),

    touched_days as (

        select
            identifier,
            activity_date

        from new_rows
        {% for days in [-1, 1] %}
            union
            -- A delivery shows what scanned it, be it just beyond midnight.
            select
                identifier,
                cast({{ dbt.dateadd('day', days, 'activity_date') }} as date)
                    as activity_date

            from new_rows
            where activity = 'email_received'
        {% endfor %}
        union
        select
            activities.identifier,
            cast(activities.occurred_at as date) as activity_date

        from {{ ref('int_activities') }} as activities
        inner join identifiers_changed
            on activities.identifier = identifiers_changed.identifier
        where activities.disposition = 'counted'

    ),

    activities_of_days as (

        select activities.*
        from {{ ref('int_activities') }} as activities
        inner join touched_days
            on
                activities.identifier = touched_days.identifier
                and cast(activities.occurred_at as date) = touched_days.activity_date
        where activities.disposition = 'counted'

    ),

{% endif %}

-- Patterns are tried on the distinct agents, which are few, not on every activity.
user_agents as (

    select distinct user_agent from {{ activities }}
    where user_agent is not null

),

user_agents_matched as (

    select
        user_agents.user_agent,
        rules.*

    from user_agents
    inner join rules
        on lower(user_agents.user_agent) like rules.pattern
    where rules.method = 'user_agent'

),

matched_by_user_agent as (

    select
        activities.activity_key,
        rules.rule

    from {{ activities }} as activities
    inner join user_agents_matched as rules
        on
            activities.user_agent = rules.user_agent
            and {{ of_the_rule }}
    where activities.disposition = 'counted'

),

matched_by_tool_flag as (

    select
        activities.activity_key,
        rules.rule

    from {{ activities }} as activities
    inner join rules
        on {{ of_the_rule }}
    where
        activities.disposition = 'counted'
        and activities.is_machine_flagged
        and rules.method = 'tool_flag'

),

matched_by_email as (

    select
        activities.activity_key,
        rules.rule

    from {{ activities }} as activities
    inner join internal_identifiers
        on activities.identifier = internal_identifiers.identifier
    inner join rules
        on
            internal_identifiers.rule = rules.rule
            and {{ of_the_rule }}
    where activities.disposition = 'counted'

),

-- A burst of n activities ends where the n-th is not too far from the first. What the
-- shop delivers is nothing that the recipient does.
busy_days as (

    select
        activities.identifier,
        cast(activities.occurred_at as date) as activity_date,
        rules.rule,
        rules.least_count,
        rules.within_seconds

    from {{ activities }} as activities
    inner join rules
        on {{ of_the_rule }}
    where
        activities.disposition = 'counted'
        and activities.activity <> 'email_received'
        and rules.method = 'burst'
    group by 1, 2, 3, 4, 5
    having count(*) >= rules.least_count

),

busy_activities as (

    select
        activities.activity_key,
        activities.identifier,
        {{ epoch_seconds('activities.occurred_at') }} as occurred_second,
        rules.rule,
        busy_days.activity_date,
        busy_days.least_count,
        busy_days.within_seconds,
        row_number() over (
            partition by busy_days.rule, busy_days.identifier, busy_days.activity_date
            order by activities.occurred_at, activities.activity_key
        ) as nth

    from {{ activities }} as activities
    inner join busy_days
        on
            activities.identifier = busy_days.identifier
            and cast(activities.occurred_at as date) = busy_days.activity_date
    inner join rules
        on
            busy_days.rule = rules.rule
            and {{ of_the_rule }}
    where
        activities.disposition = 'counted'
        and activities.activity <> 'email_received'

),

burst_starts as (

    select
        busy_activities.activity_key,
        busy_activities.identifier,
        busy_activities.activity_date,
        busy_activities.rule,
        busy_activities.nth,
        busy_activities.least_count,
        max(
            case
                when
                    ends.occurred_second - busy_activities.occurred_second
                    <= busy_activities.within_seconds
                    then busy_activities.nth
            end
        ) over (
            partition by
                busy_activities.rule,
                busy_activities.identifier,
                busy_activities.activity_date
            order by busy_activities.nth
            rows between unbounded preceding and current row
        ) as last_start

    from busy_activities
    left join busy_activities as ends
        on
            busy_activities.rule = ends.rule
            and busy_activities.identifier = ends.identifier
            and busy_activities.activity_date = ends.activity_date
            and busy_activities.nth + busy_activities.least_count - 1
            = ends.nth

),

matched_by_burst as (

    select
        activity_key,
        rule

    from burst_starts
    where nth - last_start < least_count

),

messages_handled as (

    select
        activities.activity_key,
        activities.identifier,
        activities.message_id,
        activities.occurred_at,
        rules.rule,
        rules.least_count,
        rules.within_seconds

    from {{ activities }} as activities
    inner join rules
        on {{ of_the_rule }}
    where
        activities.disposition = 'counted'
        and activities.message_id is not null
        and activities.activity <> 'email_received'
        and rules.method = 'after_delivery'

),

messages as (

    select distinct
        identifier,
        message_id

    from messages_handled

),

deliveries as (

    select
        activities.identifier,
        activities.message_id,
        min(activities.occurred_at) as delivered_at

    from {{ ref('int_activities') }} as activities
    inner join messages
        on
            activities.message_id = messages.message_id
            and activities.identifier = messages.identifier
    where activities.disposition = 'counted' and activities.activity = 'email_received'
    group by 1, 2

),

-- A gateway may scan before it lets the mail through.
messages_scanned as (

    select
        messages_handled.activity_key,
        messages_handled.rule,
        messages_handled.least_count,
        count(*) over (
            partition by
                messages_handled.rule,
                messages_handled.identifier,
                messages_handled.message_id
        ) as times_handled

    from messages_handled
    inner join deliveries
        on
            messages_handled.message_id = deliveries.message_id
            and messages_handled.identifier = deliveries.identifier
    where
        abs(
            {{ epoch_seconds('messages_handled.occurred_at') }}
            - {{ epoch_seconds('deliveries.delivered_at') }}
        )
        <= messages_handled.within_seconds

),

matched_after_delivery as (

    select
        activity_key,
        rule

    from messages_scanned
    where times_handled >= least_count

),

matches as (

    select * from matched_by_user_agent
    union all
    select * from matched_by_tool_flag
    union all
    select * from matched_by_email
    union all
    select * from matched_by_burst
    union all
    select * from matched_after_delivery

),

first_matches as (

    select
        activity_key,
        min(rule) as rule

    from matches
    group by 1

),

verdicts as (

    select
        activities.activity_key,
        activities.identifier,
        cast(activities.occurred_at as date) as activity_date,
        rules.rule,
        rules.reason

    from {{ activities }} as activities
    inner join first_matches
        on activities.activity_key = first_matches.activity_key
    inner join rules
        on first_matches.rule = rules.rule
    where activities.disposition = 'counted'

),

{% if is_incremental() %}

    verdicts_before as (

        select
            judged.activity_key,
            judged.identifier,
            judged.activity_date,
            judged.rule,
            judged.reason

        from {{ this }} as judged
        inner join touched_days
            on
                judged.identifier = touched_days.identifier
                and judged.activity_date = touched_days.activity_date

    ),

    verdicts_changed as (

        select
            coalesce(verdicts.activity_key, former.activity_key) as activity_key,
            coalesce(verdicts.identifier, former.identifier) as identifier,
            coalesce(verdicts.activity_date, former.activity_date) as activity_date,
            verdicts.rule,
            verdicts.reason

        from verdicts
        full outer join verdicts_before as former
            on verdicts.activity_key = former.activity_key
        where
            coalesce(verdicts.rule, '') <> coalesce(former.rule, '')
            or coalesce(verdicts.reason, '') <> coalesce(former.reason, '')
            or verdicts.identifier <> former.identifier
            or verdicts.activity_date <> former.activity_date

    ),

{% else %}

    verdicts_changed as (

        select * from verdicts

    ),

{% endif %}

final as (

    select
        *,
        {{ run_id() }} as run_id

    from verdicts_changed
    union all
    select
        'all' as activity_key,
        cast(null as {{ dbt.type_string() }}) as identifier,
        cast(null as date) as activity_date,
        '{{ rules_checksum }}' as rule,
        cast(null as {{ dbt.type_string() }}) as reason,
        {{ run_id() }} as run_id

)

select * from final
