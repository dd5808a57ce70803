{{ config(materialized='table', post_hook='{{ stop_on_rule_faults(this) }}') }}

{% set signals = [
    'purchase_repeated', 'order_value_risen', 'order_value_fallen',
    'purchase_quickened', 'purchase_slowed', 'purchase_due', 'purchase_expected',
    'login_regular', 'loyalty_year_completed',
] %}

with

score_models as (

    select
        *,
        {{ rule_name(['score_model']) }} as rule

    from {{ ref('score_models') }}

),

activities as (

    select
        *,
        {{ rule_name(['activity']) }} as rule

    from {{ ref('activities') }}

),

activity_rules as (

    select
        *,
        {{ rule_name(['score_model', 'activity'], optional=['audience']) }} as rule

    from {{ ref('activity_rules') }}

),

group_rules as (

    select
        *,
        {{ rule_name(['score_model', 'cap_group']) }} as rule

    from {{ ref('group_rules') }}

),

score_bands as (

    select
        *,
        {{ rule_name(['score_model', 'band']) }} as rule

    from {{ ref('score_bands') }}

),

derived_signals as (

    select
        *,
        {{ rule_name(['activity']) }} as rule

    from {{ ref('derived_signals') }}

),

event_names as (

    select
        *,
        {{ rule_name(['feed', 'event_name']) }} as rule

    from {{ ref('event_names') }}

),

feed_preferences as (

    select
        *,
        {{ rule_name(['feed']) }} as rule

    from {{ ref('feed_preferences') }}

),

feed_faults as (

    select * from {{ ref('int_feed_faults') }}

),

identity_rule_faults as (

    select * from {{ ref('int_identity_rule_faults') }}

),

profile_rule_faults as (

    select * from {{ ref('int_profile_rule_faults') }}

),

known_score_models as (

    select distinct score_model from score_models

),

known_activities as (

    select distinct activity from activities

),

known_cap_groups as (

    select distinct cap_group from activities

),

score_model_faults as (

    select
        'score_models' as sheet,
        rule,
        case
            when score_model is null then 'score_model is blank'
            when status is null or status not in ('active', 'draft', 'archived')
                then 'status must be active, draft or archived'
            when is_primary is null then 'is_primary must be true or false'
            when is_primary and status <> 'active'
                then 'the primary sheet must be active'
            when scale is null or scale <= 0 then 'scale must be above 0'
        end as fault

    from score_models

),

primary_faults as (

    select
        'score_models' as sheet,
        'is_primary' as rule,
        'one sheet must be primary, not '
        || cast(count(case when is_primary then 1 end) as {{ dbt.type_string() }})
            as fault

    from score_models
    having count(case when is_primary then 1 end) <> 1

),

shown_sheet_faults as (

    select
        'score_models' as sheet,
        'var intent_sheet' as rule,
        'names no sheet of score_models that is scored' as fault

    from score_models
    having
        count(case when {{ is_shown_sheet() }} and status <> 'archived' then 1 end) = 0

),

activity_faults as (

    select
        'activities' as sheet,
        rule,
        case
            when activity is null then 'activity is blank'
            when
                category is null
                or category not in (
                    {%- for category in score_categories() %}
                        '{{ category }}'{{ ',' if not loop.last }}
                    {%- endfor %}
                )
                then
                    'category must be one of '
                    || '{{ score_categories() | join(", ") }}'
            when cap_group is null then 'cap_group is blank'
            when
                buying_stage is null
                or buying_stage not in (
                    'awareness', 'consideration', 'decision', 'retention'
                )
                then
                    'buying_stage must be one of awareness, consideration, '
                    || 'decision, retention'
        end as fault

    from activities

),

discharged_activities as (

    select distinct
        score_model,
        activity

    from activity_rules
    where discharged_by is not null

),

activity_rule_faults as (

    select
        'activity_rules' as sheet,
        activity_rules.rule,
        case
            when known_score_models.score_model is null
                then 'the sheet is not in score_models'
            when known_activities.activity is null
                then 'the activity is not in activities'
            when activity_rules.points is null then 'points is blank'
            when activity_rules.half_life_days <= 0
                then 'half_life_days must be above 0, or blank to never fade'
            when activity_rules.cap <= 0 then 'cap must be above 0, or blank for none'
            when activity_rules.daily_limit <= 0
                then 'daily_limit must be above 0, or blank for none'
            when activity_rules.is_enabled is null
                then 'is_enabled must be true or false'
            when activity_rules.discharged_by is null then null
            when discharging.activity is null
                then
                    'discharged_by ' || activity_rules.discharged_by
                    || ' is not in activities'
            when activity_rules.discharged_by = activity_rules.activity
                then 'discharged_by must be another activity'
            when discharged_activities.activity is not null
                then
                    'discharged_by ' || activity_rules.discharged_by
                    || ' is discharged itself'
        end as fault

    from activity_rules
    left join known_score_models
        on activity_rules.score_model = known_score_models.score_model
    left join known_activities
        on activity_rules.activity = known_activities.activity
    left join known_activities as discharging
        on activity_rules.discharged_by = discharging.activity
    left join discharged_activities
        on
            activity_rules.score_model = discharged_activities.score_model
            and activity_rules.discharged_by = discharged_activities.activity

),

group_rule_faults as (

    select
        'group_rules' as sheet,
        group_rules.rule,
        case
            when known_score_models.score_model is null
                then 'the sheet is not in score_models'
            when known_cap_groups.cap_group is null
                then 'no activity is of this cap_group'
            when group_rules.group_cap is null or group_rules.group_cap <= 0
                then 'group_cap must be above 0'
        end as fault

    from group_rules
    left join known_score_models
        on group_rules.score_model = known_score_models.score_model
    left join known_cap_groups
        on group_rules.cap_group = known_cap_groups.cap_group

),

score_band_faults as (

    select
        'score_bands' as sheet,
        score_bands.rule,
        case
            when known_score_models.score_model is null
                then 'the sheet is not in score_models'
            when
                score_bands.band is null
                or score_bands.band not in ('hot', 'warm', 'cold')
                then 'band must be hot, warm or cold'
            when
                score_bands.enter_at is null
                or score_bands.enter_at < 0
                or score_bands.enter_at > 5
                then 'enter_at must be from 0 to 5'
            when score_bands.exit_below is null then 'exit_below is blank'
            when score_bands.exit_below > score_bands.enter_at
                then 'exit_below must not be above enter_at'
            when better.enter_at <= score_bands.enter_at
                then 'the better band ' || better.band || ' must enter at more'
            when better.exit_below < score_bands.enter_at
                then
                    'the better band ' || better.band
                    || ' must not reach below where this one enters'
        end as fault

    from score_bands
    left join known_score_models
        on score_bands.score_model = known_score_models.score_model
    left join score_bands as better
        on
            score_bands.score_model = better.score_model
            and (
                (score_bands.band = 'warm' and better.band = 'hot')
                or (score_bands.band = 'cold' and better.band = 'warm')
            )

),

missing_band_faults as (

    select
        'score_bands' as sheet,
        score_models.rule,
        'the bands hot, warm and cold are needed' as fault

    from score_models
    left join score_bands
        on score_models.score_model = score_bands.score_model
    where score_models.status <> 'archived'
    group by 1, 2
    having count(distinct score_bands.band) < 3

),

derived_signal_faults as (

    select
        'derived_signals' as sheet,
        rule,
        case
            when
                activity is null
                or activity not in (
                    {%- for signal in signals %}
                        '{{ signal }}'{{ ',' if not loop.last }}
                    {%- endfor %}
                )
                then 'activity must be one of {{ signals | join(", ") }}'
            when least_history is null or least_history < 1
                then 'least_history must be 1 or more'
            when
                activity in ('order_value_fallen', 'purchase_quickened')
                and (least_change is null or least_change <= 0 or least_change >= 1)
                then 'least_change must be between 0 and 1'
            when
                activity in ('order_value_risen', 'purchase_slowed')
                and (least_change is null or least_change <= 0)
                then 'least_change must be above 0'
            when
                least_change is not null
                and activity not in (
                    'order_value_risen', 'order_value_fallen',
                    'purchase_quickened', 'purchase_slowed'
                )
                then 'least_change must be blank'
            when
                activity in ('purchase_due', 'purchase_expected')
                and (most_variation is null or most_variation < 0)
                then 'most_variation must be 0 or more'
            when
                activity in ('purchase_due', 'purchase_expected')
                and (lapses_after is null or lapses_after <= 1)
                then 'lapses_after must be above 1'
            when
                activity not in ('purchase_due', 'purchase_expected')
                and (most_variation is not null or lapses_after is not null)
                then 'most_variation and lapses_after must be blank'
            when
                activity = 'purchase_expected'
                and (days_ahead is null or days_ahead < 1)
                then 'days_ahead must be 1 or more'
            when activity <> 'purchase_expected' and days_ahead is not null
                then 'days_ahead must be blank'
        end as fault

    from derived_signals

),

event_name_faults as (

    select
        'event_names' as sheet,
        event_names.rule,
        case
            when event_names.feed is null then 'feed is blank'
            when event_names.event_name is null then 'event_name is blank'
            when
                event_names.activity is not null
                and known_activities.activity is null
                then 'the activity ' || event_names.activity || ' is not in activities'
            when event_names.effect not in ('measured', 'takes_order_back')
                then 'effect must be measured or takes_order_back, or blank'
            when
                event_names.event_name
                <> general.event_name
                || lower(
                    substring(event_names.event_name, length(general.event_name) + 1)
                )
                then 'what stands after the colon must be in lower case'
        end as fault

    from event_names
    left join known_activities
        on event_names.activity = known_activities.activity
    left join event_names as general
        on
            event_names.feed = general.feed
            and general.event_name || ': '
            = substring(event_names.event_name, 1, length(general.event_name) + 2)

),

feed_preference_faults as (

    select
        'feed_preferences' as sheet,
        feed_preferences.rule,
        case
            when feed_preferences.feed is null then 'feed is blank'
            when feed_preferences.preference is null then 'preference is blank'
            when rival.feed is not null
                then 'has the same preference as ' || rival.feed
        end as fault

    from feed_preferences
    left join feed_preferences as rival
        on
            feed_preferences.preference = rival.preference
            and feed_preferences.feed > rival.feed

),

{{ rule_faults(
    sheets=[
        'score_models', 'activities', 'activity_rules', 'group_rules',
        'score_bands', 'derived_signals', 'event_names', 'feed_preferences',
    ],
    checks=[
        'score_model_faults', 'primary_faults', 'shown_sheet_faults',
        'activity_faults', 'activity_rule_faults', 'profile_rule_faults',
        'identity_rule_faults', 'group_rule_faults', 'score_band_faults',
        'missing_band_faults', 'derived_signal_faults', 'event_name_faults',
        'feed_preference_faults', 'feed_faults',
    ],
) }}
