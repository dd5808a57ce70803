with

hygiene_rules as (

    select
        coalesce(rule, '(blank)') as rule,
        method,
        feed,
        activity,
        pattern,
        least_count,
        within_seconds,
        reason,
        is_enabled

    from {{ ref('hygiene_rules') }}

),

feed_expectations as (

    select
        *,
        {{ rule_name(['feed', 'feed_table']) }} as rule

    from {{ ref('feed_expectations') }}

),

known_activities as (

    select distinct activity from {{ ref('activities') }}

),

hygiene_rule_faults as (

    select
        'hygiene_rules' as sheet,
        hygiene_rules.rule,
        case
            when hygiene_rules.rule = '(blank)' then 'rule is blank'
            when
                hygiene_rules.method is null
                or hygiene_rules.method not in (
                    'user_agent', 'email', 'tool_flag', 'burst', 'after_delivery'
                )
                then
                    'method must be one of user_agent, email, tool_flag, burst, '
                    || 'after_delivery'
            when
                hygiene_rules.feed is not null
                and hygiene_rules.feed not in (
                    {%- for feed in feed_tables() %}
                        '{{ feed }}'{{ ',' if not loop.last }}
                    {%- endfor %}
                )
                then 'there is no feed ' || hygiene_rules.feed
            when
                hygiene_rules.activity is not null
                and known_activities.activity is null
                then
                    'the activity ' || hygiene_rules.activity
                    || ' is not in activities'
            when
                hygiene_rules.method in ('user_agent', 'email')
                and hygiene_rules.pattern is null
                then 'pattern is blank'
            when
                hygiene_rules.method not in ('user_agent', 'email')
                and hygiene_rules.pattern is not null
                then 'pattern must be blank for ' || hygiene_rules.method
            when hygiene_rules.pattern <> lower(hygiene_rules.pattern)
                then 'pattern must be in lower case'
            when replace(replace(hygiene_rules.pattern, '%', ''), '_', '') = ''
                then 'pattern would match all'
            when
                hygiene_rules.method not in ('burst', 'after_delivery')
                and hygiene_rules.least_count is not null
                then 'least_count must be blank for ' || hygiene_rules.method
            when
                hygiene_rules.method not in ('burst', 'after_delivery')
                and hygiene_rules.within_seconds is not null
                then 'within_seconds must be blank for ' || hygiene_rules.method
            when
                hygiene_rules.method = 'burst'
                and coalesce(hygiene_rules.least_count, 0) < 2
                then 'least_count must be 2 or more'
            when
                hygiene_rules.method = 'after_delivery'
                and coalesce(hygiene_rules.least_count, 0) < 1
                then 'least_count must be 1 or more'
            when
                hygiene_rules.method in ('burst', 'after_delivery')
                and (
                    hygiene_rules.within_seconds is null
                    or hygiene_rules.within_seconds < 0
                    or hygiene_rules.within_seconds > 3600
                )
                then 'within_seconds must be from 0 to 3600'
            when hygiene_rules.reason is null then 'reason is blank'
            when hygiene_rules.is_enabled is null
                then 'is_enabled must be true or false'
        end as fault

    from hygiene_rules
    left join known_activities
        on hygiene_rules.activity = known_activities.activity

),

known_tables as (
    {% for feed, tables in feed_tables().items() %}
        {% set last_feed = loop.last %}
        {% for table in tables %}
            select '{{ feed }}, {{ table }}' as feed_table
            {{ 'union all' if not (last_feed and loop.last) }}
        {% endfor %}
    {% endfor %}

),

feed_expectation_faults as (

    select
        'feed_expectations' as sheet,
        feed_expectations.rule,
        case
            when known_tables.feed_table is null then 'there is no such feed and table'
            when
                (feed_expectations.late_after_hours is null)
                <> (feed_expectations.silent_after_hours is null)
                then
                    'late_after_hours and silent_after_hours stand together, or neither'
            when feed_expectations.late_after_hours <= 0
                then 'late_after_hours must be above 0'
            when
                feed_expectations.silent_after_hours
                < feed_expectations.late_after_hours
                then 'silent_after_hours must not be under late_after_hours'
            when {{ without_weekdays('feed_expectations.quiet_weekdays') }} <> ''
                then 'quiet_weekdays must be some of {{ weekdays() | join(" ") }}'
            when
                feed_expectations.compared_weeks is null
                or feed_expectations.compared_weeks < 1
                or feed_expectations.compared_weeks > 52
                then 'compared_weeks must be from 1 to 52'
            when coalesce(feed_expectations.least_rows, 0) < 1
                then 'least_rows must be 1 or more'
            {%- for share in [
                'least_share_of_median', 'most_quarantine_share', 'most_unknown_share',
            ] %}
                when
                    feed_expectations.{{ share }} < 0
                    or feed_expectations.{{ share }} > 1
                    then '{{ share }} must be from 0 to 1'
            {%- endfor %}
            when feed_expectations.most_share_of_median < 1
                then 'most_share_of_median must be 1 or more'
        end as fault

    from feed_expectations
    left join known_tables
        on feed_expectations.rule = known_tables.feed_table

),

{{ rule_faults(
    sheets=['hygiene_rules', 'feed_expectations'],
    checks=['hygiene_rule_faults', 'feed_expectation_faults'],
) }}
