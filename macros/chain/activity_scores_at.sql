{#-
    The final select of activity scores at any clocks: one row per subject, sheet and
    activity, by the steps by which the live models do it. From the CTE `subjects`, a
    contact as it is seen from a clock:

    - `subject_id`: a whole number, unique
    - `contact_id`
    - `as_of`: the clock, from which ages are counted
    - `facts_before`: what was done on the days before it counts
    - `links_as_of`: the contact's identifiers are those in force then; null: none
    - `newcomers_since`: and those first seen since then that are in force at
      `facts_before`; null: none
    - `rule_version`: of `int_rule_versions`
    - `known_until`, `earlier_before`, `earlier_known_until`: which versions of facts
      (see `known_at`); null: as known today
    - `score_model`, if `of_sheet`: the only sheet by which it is scored
-#}
{% macro activity_scores_at(of_sheet=false) %}
all_conditions as (

    select * from {{ ref('int_conditions') }}

),

rules_in_force as (

    select * from {{ ref('int_rule_versions') }}
    where
        activity is not null
        and rule_version in (select distinct subjects.rule_version from subjects)

),

-- Facts that no rule is for take no part; derived signals come of orders and logins.
wanted_activities as (

    select activity from rules_in_force
    where points <> 0
    union
    select discharged_by as activity from rules_in_force
    where discharged_by is not null
    union
    select 'logged_in' as activity

),

clocks as (

    select
        subject_id as contact_id,
        as_of,
        facts_before,
        rule_version,
        {{ 'score_model,' if of_sheet }}
        known_until,
        earlier_before,
        earlier_known_until

    from subjects

),

identifier_clocks as (

    with
    {{ identifiers_at(of_sheet) }}

),

contact_orders as (

    with
    {{ orders_at() }}

),

days_observed_and_derived as (

    with
    {{ days_at(of_sheet) }}

),

used_audiences as (

    select distinct audience from rules_in_force

),

conditions as (

    select all_conditions.*
    from all_conditions
    inner join used_audiences
        on all_conditions.audience = used_audiences.audience
    where all_conditions.sheet = 'audiences'

),

contact_records as (

    with
    {{ records_at() }}

),

contact_attributes as (

    with
    {{ tell_attributes('conditions') }}

),

contact_conditions as (

    with
    {{ meet_conditions() }}

),

-- A condition with several values has several rows.
audience_conditions as (

    select distinct
        condition_id,
        audience

    from conditions

),

contact_audiences as (

    with
    conditions as (select * from audience_conditions),

    {{ group_audiences() }}

),

contact_rule_groups as (

    select distinct
        contact_id,
        rule_group

    from contact_audiences

),

group_audiences as (

    select distinct
        rule_group,
        audience,
        condition_count

    from contact_audiences

),

rules as (

    with
    {{ group_rules(by_version=true) }}

),

contact_days as (

    select
        days_observed_and_derived.*,
        coalesce(contact_rule_groups.rule_group, 0) as rule_group

    from days_observed_and_derived
    left join contact_rule_groups
        on days_observed_and_derived.contact_id = contact_rule_groups.contact_id

),

discharging_activities as (

    select distinct discharged_by as activity from rules
    where discharged_by is not null

),

discharges as (

    with
    {{ find_discharges() }}

),

activity_scores as (

    with
    {{ score_activities(by_version=true, of_sheet=of_sheet) }}

),

-- Rules may differ by audience; the caps of groups do not.
group_caps as (

    select distinct
        rule_version,
        score_model,
        activity,
        cap_group,
        group_cap

    from rules

),

scores_joined as (

    select
        activity_scores.*,
        group_caps.cap_group,
        group_caps.group_cap

    from activity_scores
    inner join clocks
        on activity_scores.contact_id = clocks.contact_id
    inner join group_caps
        on
            clocks.rule_version = group_caps.rule_version
            and activity_scores.score_model = group_caps.score_model
            and activity_scores.activity = group_caps.activity

)

select * from scores_joined
{%- endmacro %}
