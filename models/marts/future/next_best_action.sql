{#-
    One more unit of each activity, done at the clock, for each contact below hot: what
    changes in the cap groups that it touches, and so in the score.
-#}
with

clock as (

    select * from {{ ref('int_clock') }}

),

shown_score_model as (

    select
        score_model,
        scale

    from {{ ref('score_models') }}
    where {{ is_shown_sheet() }}

),

hot_bands as (

    select
        score_bands.score_model,
        score_bands.enter_at

    from {{ ref('score_bands') }} as score_bands
    inner join shown_score_model
        on score_bands.score_model = shown_score_model.score_model
    where score_bands.band = 'hot'

),

contact_scores as (

    select * from {{ ref('contact_scores') }}

),

rule_groups as (

    select distinct
        contact_id,
        rule_group

    from {{ ref('int_contact_audiences') }}

),

rules as (

    select rules.*
    from {{ ref('int_scoring_rules') }} as rules
    inner join shown_score_model
        on rules.score_model = shown_score_model.score_model

),

decay_state as (

    select decay_state.*
    from {{ ref('contact_decay_state') }} as decay_state
    inner join shown_score_model
        on decay_state.score_model = shown_score_model.score_model

),

contact_days as (

    select * from {{ ref('int_contact_activity_days') }}

),

discharges as (

    select * from {{ ref('int_contact_discharges') }}

),

own_doings as (

    select activity from {{ ref('activities') }}
    where coalesce(is_own_doing, true)

),

-- What is measured has no unit that is worth telling of: nobody looks for one second.
told_activities as (

    select distinct activity from {{ ref('event_names') }}
    where
        activity is not null
        and (effect is null or effect <> 'measured')
        and feed in (
            {%- for feed in intent_feeds() -%}
                {{ sql_text(feed) }} {{- ', ' if not loop.last }}
            {%- endfor -%}
        )

),

actions as (

    select rules.*
    from rules
    inner join own_doings
        on rules.activity = own_doings.activity
    inner join told_activities
        on rules.activity = told_activities.activity
    where rules.points > 0

),

-- An order also ends its being due or expected.
settlings as (

    select distinct
        rule_group,
        activity,
        discharged_by as new_activity

    from rules
    where discharged_by is not null
    union
    select
        rule_group,
        activity,
        'purchase' as new_activity

    from rules
    where activity in ('purchase_due', 'purchase_expected')

),

contacts_below as (

    select
        contact_scores.contact_id,
        contact_scores.score_model,
        contact_scores.as_of,
        contact_scores.raw_score,
        contact_scores.intent_score,
        hot_bands.enter_at,
        shown_score_model.scale,
        coalesce(rule_groups.rule_group, 0) as rule_group

    from contact_scores
    inner join shown_score_model
        on contact_scores.score_model = shown_score_model.score_model
    inner join hot_bands
        on contact_scores.score_model = hot_bands.score_model
    left join rule_groups
        on contact_scores.contact_id = rule_groups.contact_id
    where contact_scores.segment <> 'hot'

),

days_of_today as (

    select
        contact_days.contact_id,
        contact_days.activity,
        contact_days.quantity,
        contact_days.age_days,
        contact_days.last_at,
        row_number() over (
            partition by contact_days.contact_id, contact_days.activity
            order by contact_days.last_at desc, contact_days.quantity desc
        ) as day_rank

    from contact_days
    inner join clock
        on contact_days.activity_date = cast(clock.as_of as date)

),

-- By the identifier that did it last.
todays as (

    select
        contact_id,
        activity,
        quantity,
        age_days,
        last_at

    from days_of_today
    where day_rank = 1

),

most_points as (

    select max(points) as points from actions

),

days_made_young as (

    select
        todays.contact_id,
        max(actions.points * (todays.quantity + 1)) as points

    from todays
    inner join actions
        on todays.activity = actions.activity
    group by 1

),

negative_amounts as (

    select
        contact_id,
        sum(abs(amount)) as points

    from decay_state
    where amount < 0
    group by 1

),

-- No action adds more points than these, whatever caps leave of them.
contacts_within_reach as (

    select contacts_below.*
    from contacts_below
    cross join most_points
    left join days_made_young
        on contacts_below.contact_id = days_made_young.contact_id
    left join negative_amounts
        on contacts_below.contact_id = negative_amounts.contact_id
    where
        {{ rounded_score(intent_score(
            '(contacts_below.raw_score'
            ~ ' + greatest(most_points.points, coalesce(days_made_young.points, 0))'
            ~ ' + coalesce(negative_amounts.points, 0))',
            'contacts_below.scale'
        )) }} >= contacts_below.enter_at

),

contact_actions as (

    select
        contacts_within_reach.contact_id,
        contacts_within_reach.as_of,
        actions.activity as new_activity,
        actions.points,
        actions.cap,
        actions.cap_group,
        coalesce(decay_state.amount, 0) as amount,
        coalesce(todays.quantity, 0) as quantity_today,
        case
            when todays.quantity is null then 0
            when discharges.discharged_at >= todays.last_at then 0
            else
                least(todays.quantity, coalesce(actions.daily_limit, todays.quantity))
                * {{ decayed('todays.age_days', 'actions.half_life_days') }}
        end as counted_today,
        coalesce(actions.daily_limit, coalesce(todays.quantity, 0) + 1) as daily_limit,
        todays.last_at as last_today_at,
        discharges.discharged_at

    from contacts_within_reach
    inner join actions
        on
            actions.rule_group is null
            or contacts_within_reach.rule_group = actions.rule_group
    left join decay_state
        on
            contacts_within_reach.contact_id = decay_state.contact_id
            and actions.activity = decay_state.activity
    left join todays
        on
            contacts_within_reach.contact_id = todays.contact_id
            and actions.activity = todays.activity
    left join discharges
        on
            contacts_within_reach.contact_id = discharges.contact_id
            and actions.discharged_by = discharges.activity

),

-- A day is as old as its last event: one more makes the whole day young, and counts it
-- anew if it was discharged.
actions_counted as (

    select
        contact_id,
        new_activity,
        points,
        cap,
        cap_group,
        amount,
        amount + points * (
            case
                when
                    discharged_at >= as_of
                    and (last_today_at is null or discharged_at >= last_today_at)
                    then 0
                else least(quantity_today + 1, daily_limit)
            end
            - counted_today
        ) as amount_after

    from contact_actions

),

activities_changed as (

    select
        contact_id,
        new_activity,
        cap_group,
        {{ saturated('amount_after', 'cap') }} - {{ saturated('amount', 'cap') }}
            as points_changed

    from actions_counted
    union all
    select
        contacts_within_reach.contact_id,
        settlings.new_activity,
        decay_state.cap_group,
        -({{ saturated('decay_state.amount', 'decay_state.cap') }}) as points_changed

    from decay_state
    inner join contacts_within_reach
        on decay_state.contact_id = contacts_within_reach.contact_id
    inner join settlings
        on
            decay_state.activity = settlings.activity
            and (
                settlings.rule_group is null
                or contacts_within_reach.rule_group = settlings.rule_group
            )

),

groups_changed as (

    select
        contact_id,
        new_activity,
        cap_group,
        sum(points_changed) as points_changed

    from activities_changed
    group by 1, 2, 3

),

group_scores as (

    select
        contact_id,
        cap_group,
        sum({{ saturated('amount', 'cap') }}) as group_score

    from decay_state
    group by 1, 2

),

group_caps as (

    select distinct
        cap_group,
        group_cap

    from rules

),

groups_before_and_after as (

    select
        groups_changed.contact_id,
        groups_changed.new_activity,
        group_caps.group_cap,
        coalesce(group_scores.group_score, 0) as points_before,
        coalesce(group_scores.group_score, 0) + groups_changed.points_changed
            as points_after

    from groups_changed
    inner join group_caps
        on groups_changed.cap_group = group_caps.cap_group
    left join group_scores
        on
            groups_changed.contact_id = group_scores.contact_id
            and groups_changed.cap_group = group_scores.cap_group

),

raw_scores_changed as (

    select
        contact_id,
        new_activity,
        sum(
            case
                when points_after > 0 then {{ saturated('points_after', 'group_cap') }}
                else points_after
            end
            - case
                when points_before > 0
                    then {{ saturated('points_before', 'group_cap') }}
                else points_before
            end
        ) as points_changed

    from groups_before_and_after
    group by 1, 2

),

scores_after as (

    select
        contacts_within_reach.contact_id,
        contacts_within_reach.score_model,
        contacts_within_reach.as_of,
        contacts_within_reach.enter_at,
        actions_counted.new_activity as activity,
        actions_counted.points,
        contacts_within_reach.intent_score,
        {{ intent_score(
            '(contacts_within_reach.raw_score + raw_scores_changed.points_changed)',
            'contacts_within_reach.scale'
        ) }} as intent_score_after

    from actions_counted
    inner join contacts_within_reach
        on actions_counted.contact_id = contacts_within_reach.contact_id
    inner join raw_scores_changed
        on
            actions_counted.contact_id = raw_scores_changed.contact_id
            and actions_counted.new_activity = raw_scores_changed.new_activity

),

actions_ranked as (

    select
        scores_after.*,
        row_number() over (
            partition by scores_after.contact_id
            order by scores_after.points, scores_after.activity
        ) as action_rank

    from scores_after
    where
        {{ rounded_score('scores_after.intent_score_after') }} >= scores_after.enter_at

),

smallest_actions as (

    select
        contact_id,
        score_model,
        as_of,
        activity,
        points,
        intent_score,
        intent_score_after

    from actions_ranked
    where action_rank = 1

)

select * from smallest_actions
