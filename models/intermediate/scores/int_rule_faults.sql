{{ config(materialized='table', post_hook='{{ stop_on_rule_faults(this) }}') }}

with

score_models as (

    select * from {{ ref('score_models') }}

),

activities as (

    select * from {{ ref('activities') }}

),

activity_rules as (

    select
        activity_rules.*,
        coalesce(score_model, '(blank)') || ', ' || coalesce(activity, '(blank)')
            as rule

    from {{ ref('activity_rules') }} as activity_rules

),

group_rules as (

    select
        group_rules.*,
        coalesce(score_model, '(blank)') || ', ' || coalesce(cap_group, '(blank)')
            as rule

    from {{ ref('group_rules') }} as group_rules

),

score_bands as (

    select
        score_bands.*,
        coalesce(score_model, '(blank)') || ', ' || coalesce(band, '(blank)') as rule

    from {{ ref('score_bands') }} as score_bands

),

event_names as (

    select
        event_names.*,
        coalesce(feed, '(blank)') || ', ' || coalesce(event_name, '(blank)') as rule

    from {{ ref('event_names') }} as event_names

),

feed_preferences as (

    select * from {{ ref('feed_preferences') }}

),

machine_agents as (

    select * from {{ ref('machine_agents') }}

),

score_model_faults as (

    select
        'score_models' as sheet,
        coalesce(score_model, '(blank)') as rule,
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
    union all
    select
        'score_models',
        coalesce(score_model, '(blank)'),
        'stands ' || cast(count(*) as {{ dbt.type_string() }}) || ' times'

    from score_models
    group by score_model
    having count(*) > 1
    union all
    select
        'score_models',
        coalesce(min(case when is_primary then score_model end), '(all)'),
        'there must be one primary sheet, but there are '
        || cast(sum(case when is_primary then 1 else 0 end) as {{ dbt.type_string() }})

    from score_models
    having sum(case when is_primary then 1 else 0 end) <> 1

),

activity_faults as (

    select
        'activities' as sheet,
        coalesce(activity, '(blank)') as rule,
        case
            when activity is null then 'activity is blank'
            when
                category is null
                or category not in (
                    {% for category in score_categories() %}
                        '{{ category }}'{{ ',' if not loop.last }}
                    {% endfor %}
                )
                then
                    'category must be one of {{ score_categories() | join(", ") }}'
            when cap_group is null then 'cap_group is blank'
            when
                buying_stage is null
                or buying_stage not in (
                    'awareness', 'consideration', 'decision', 'retention'
                )
                then
                    'buying_stage must be one of awareness, consideration, decision, '
                    || 'retention'
        end as fault

    from activities
    union all
    select
        'activities',
        activity,
        'stands ' || cast(count(*) as {{ dbt.type_string() }}) || ' times'

    from activities
    group by activity
    having count(*) > 1

),

activity_rule_faults as (

    select
        'activity_rules' as sheet,
        activity_rules.rule,
        case
            when score_models.score_model is null
                then 'the sheet is not in score_models'
            when activities.activity is null then 'the activity is not in activities'
            when activity_rules.points is null then 'points is blank'
            when activity_rules.half_life_days <= 0
                then 'half_life_days must be above 0, or blank to never fade'
            when activity_rules.cap <= 0 then 'cap must be above 0, or blank for none'
            when activity_rules.daily_limit <= 0
                then 'daily_limit must be above 0, or blank for none'
            when activity_rules.is_enabled is null
                then 'is_enabled must be true or false'
            when
                activity_rules.discharged_by is not null and discharging.activity is null
                then 'discharged_by is not in activities'
            when activity_rules.discharged_by = activity_rules.activity
                then 'discharged_by must be another activity'
            when discharging_rules.discharged_by is not null
                then
                    'discharged_by ' || activity_rules.discharged_by
                    || ', which is discharged itself'
        end as fault

    from activity_rules
    left join (select distinct score_model from score_models) as score_models
        on activity_rules.score_model = score_models.score_model
    left join (select distinct activity from activities) as activities
        on activity_rules.activity = activities.activity
    left join (select distinct activity from activities) as discharging
        on activity_rules.discharged_by = discharging.activity
    left join
        (
            select
                score_model,
                activity,
                min(discharged_by) as discharged_by

            from activity_rules
            group by 1, 2
        ) as discharging_rules
        on
            activity_rules.score_model = discharging_rules.score_model
            and activity_rules.discharged_by = discharging_rules.activity
    union all
    select
        'activity_rules',
        rule,
        'stands ' || cast(count(*) as {{ dbt.type_string() }}) || ' times'

    from activity_rules
    group by rule
    having count(*) > 1

),

group_rule_faults as (

    select
        'group_rules' as sheet,
        group_rules.rule,
        case
            when score_models.score_model is null
                then 'the sheet is not in score_models'
            when cap_groups.cap_group is null then 'no activity is of this cap_group'
            when group_rules.group_cap is null or group_rules.group_cap <= 0
                then 'group_cap must be above 0'
        end as fault

    from group_rules
    left join (select distinct score_model from score_models) as score_models
        on group_rules.score_model = score_models.score_model
    left join (select distinct cap_group from activities) as cap_groups
        on group_rules.cap_group = cap_groups.cap_group
    union all
    select
        'group_rules',
        rule,
        'stands ' || cast(count(*) as {{ dbt.type_string() }}) || ' times'

    from group_rules
    group by rule
    having count(*) > 1

),

band_faults as (

    select
        'score_bands' as sheet,
        score_bands.rule,
        case
            when score_models.score_model is null
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
                then 'a better band must enter at a higher score'
            when better.exit_below < score_bands.enter_at
                then 'a better band must not exit below where this one enters'
        end as fault

    from score_bands
    left join (select distinct score_model from score_models) as score_models
        on score_bands.score_model = score_models.score_model
    left join score_bands as better
        on
            score_bands.score_model = better.score_model
            and (
                (score_bands.band = 'warm' and better.band = 'hot')
                or (score_bands.band = 'cold' and better.band = 'warm')
            )
    union all
    select
        'score_bands',
        rule,
        'stands ' || cast(count(*) as {{ dbt.type_string() }}) || ' times'

    from score_bands
    group by rule
    having count(*) > 1
    union all
    select
        'score_bands',
        score_models.score_model,
        'needs the three bands hot, warm and cold'

    from score_models
    left join score_bands
        on score_models.score_model = score_bands.score_model
    where score_models.status <> 'archived'
    group by score_models.score_model
    having count(distinct score_bands.band) < 3

),

event_name_faults as (

    select
        'event_names' as sheet,
        event_names.rule,
        case
            when event_names.feed is null then 'feed is blank'
            when event_names.event_name is null then 'event_name is blank'
            when event_names.activity is not null and activities.activity is null
                then 'the activity ' || event_names.activity || ' is not in activities'
        end as fault

    from event_names
    left join (select distinct activity from activities) as activities
        on event_names.activity = activities.activity
    union all
    select
        'event_names',
        rule,
        'stands ' || cast(count(*) as {{ dbt.type_string() }}) || ' times'

    from event_names
    group by rule
    having count(*) > 1

),

feed_preference_faults as (

    select
        'feed_preferences' as sheet,
        coalesce(feed, '(blank)') as rule,
        case
            when feed is null then 'feed is blank'
            when preference is null then 'preference is blank'
        end as fault

    from feed_preferences
    union all
    select
        'feed_preferences',
        coalesce(min(feed), '(blank)') || ', ' || coalesce(max(feed), '(blank)'),
        'share the preference ' || cast(preference as {{ dbt.type_string() }})

    from feed_preferences
    group by preference
    having count(*) > 1

),

machine_agent_faults as (

    select
        'machine_agents' as sheet,
        coalesce(pattern, '(blank)') as rule,
        case
            when pattern is null then 'pattern is blank'
            when pattern <> lower(pattern) then 'pattern must be in lower case'
            when reason is null then 'reason is blank'
        end as fault

    from machine_agents

),

faults_unioned as (

    select * from score_model_faults
    union all
    select * from activity_faults
    union all
    select * from activity_rule_faults
    union all
    select * from group_rule_faults
    union all
    select * from band_faults
    union all
    select * from event_name_faults
    union all
    select * from feed_preference_faults
    union all
    select * from machine_agent_faults

),

faults as (

    select * from faults_unioned where fault is not null

)

select * from faults
