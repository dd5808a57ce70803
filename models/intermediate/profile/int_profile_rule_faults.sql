{{ config(materialized='view') }}

with

activity_rules as (

    select
        *,
        {{ rule_name(['score_model', 'activity'], optional=['audience']) }} as rule

    from {{ ref('activity_rules') }}

),

attributes as (

    select
        *,
        {{ rule_name(['attribute']) }} as rule

    from {{ ref('attributes') }}

),

audiences as (

    select
        *,
        {{ rule_name(['audience', 'attribute', 'operator', 'value']) }} as rule

    from {{ ref('audiences') }}

),

fit_rules as (

    select
        *,
        {{ rule_name(['attribute', 'operator', 'value']) }} as rule

    from {{ ref('fit_rules') }}

),

fit_grades as (

    select
        *,
        {{ rule_name(['fit_grade']) }} as rule

    from {{ ref('fit_grades') }}

),

buying_stages as (

    select
        *,
        {{ rule_name(['buying_stage']) }} as rule

    from {{ ref('buying_stages') }}

),

conditions as (

    select * from {{ ref('int_conditions') }}

),

known_attributes as (

    select
        attribute,
        max(kind) as kind

    from attributes
    group by 1

),

attribute_faults as (

    select
        'attributes' as sheet,
        rule,
        case
            when attribute is null then 'attribute is blank'
            when kind is null or kind not in ('text', 'number', 'list')
                then 'kind must be text, number or list'
        end as fault

    from attributes

),

conditions_unioned as (

    select
        'audiences' as sheet,
        rule,
        case when audience is null then 'audience is blank' end as own_fault,
        attribute,
        operator,
        value,
        cast(null as {{ type_double() }}) as softness

    from audiences
    union all
    select
        'fit_rules' as sheet,
        rule,
        case when points is null then 'points is blank' end as own_fault,
        attribute,
        operator,
        value,
        softness

    from fit_rules

),

conditions_read as (

    select
        sheet,
        rule,
        count(*) as value_count,
        max(case when lowest is null and operator <> 'at_most' then 1 else 0 end)
            as has_no_lowest,
        max(case when highest is null and operator <> 'at_least' then 1 else 0 end)
            as has_no_highest,
        max(case when lowest > highest then 1 else 0 end) as is_reversed

    from conditions
    group by 1, 2

),

condition_faults as (

    select
        conditions_unioned.sheet,
        conditions_unioned.rule,
        case
            when conditions_unioned.own_fault is not null
                then conditions_unioned.own_fault
            when conditions_unioned.attribute is null then 'attribute is blank'
            when known_attributes.attribute is null
                then 'the attribute is not in attributes'
            when conditions_unioned.operator is null then 'operator is blank'
            when
                known_attributes.kind = 'number'
                and conditions_unioned.operator not in (
                    'equals', 'in', 'between', 'at_least', 'at_most'
                )
                then
                    'operator must be equals, in, between, at_least or at_most '
                    || 'for a number'
            when
                known_attributes.kind <> 'number'
                and conditions_unioned.operator not in ('equals', 'in', 'contains')
                then 'operator must be equals, in or contains for a text'
            when conditions_read.rule is null then 'value is blank'
            when
                conditions_unioned.value like '%;%'
                and conditions_unioned.operator not in ('in', 'contains')
                then 'value holds several values: use in'
            when
                {{ dbt.split_part('conditions_unioned.value', "';'", 21) }} <> ''
                then 'value holds more than 20 values'
            when known_attributes.kind <> 'number'
                then
                    case
                        when conditions_unioned.softness is not null
                            then 'softness must be blank: only numbers have one'
                    end
            when
                conditions_unioned.operator = 'between'
                and (
                    conditions_read.has_no_lowest + conditions_read.has_no_highest > 0
                    or conditions_unioned.value like '% to % to %'
                )
                then 'value must be a range such as 30 to 45'
            when conditions_read.has_no_lowest + conditions_read.has_no_highest > 0
                then 'value must be a number'
            when conditions_read.is_reversed = 1
                then 'value must be a range from low to high'
            when conditions_unioned.softness <= 0
                then 'softness must be above 0, or blank for none'
        end as fault

    from conditions_unioned
    left join known_attributes
        on conditions_unioned.attribute = known_attributes.attribute
    left join conditions_read
        on
            conditions_unioned.sheet = conditions_read.sheet
            and conditions_unioned.rule = conditions_read.rule

),

audience_conditions as (

    select * from conditions
    where sheet = 'audiences'

),

audience_sizes as (

    select
        audience,
        count(distinct condition_id) as condition_count

    from audience_conditions
    group by 1

),

-- Two conditions on one attribute: can a contact meet both?
condition_pairs as (

    select
        one.audience,
        other.audience as other_audience,
        one.condition_id,
        other.condition_id as other_condition_id,
        max(
            case
                when one.kind = 'list' or 'contains' in (one.operator, other.operator)
                    then 1
                when one.kind = 'number' and one.lowest > other.highest then 0
                when one.kind = 'number' and other.lowest > one.highest then 0
                when one.kind = 'number' or one.part = other.part then 1
                else 0
            end
        ) as can_both_hold

    from audience_conditions as one
    inner join audience_conditions as other
        on one.attribute = other.attribute
    where one.audience < other.audience
    group by 1, 2, 3, 4

),

disjoint_audiences as (

    select distinct
        audience,
        other_audience

    from condition_pairs
    where can_both_hold = 0

),

unknown_audience_faults as (

    select
        'activity_rules' as sheet,
        activity_rules.rule,
        'the audience ' || activity_rules.audience || ' is not in audiences' as fault

    from activity_rules
    left join audiences
        on activity_rules.audience = audiences.audience
    where activity_rules.audience is not null and audiences.audience is null

),

rules_for_audiences as (

    select
        activity_rules.score_model,
        activity_rules.activity,
        activity_rules.audience,
        activity_rules.rule,
        audience_sizes.condition_count

    from activity_rules
    inner join audience_sizes
        on activity_rules.audience = audience_sizes.audience
    where activity_rules.is_enabled

),

tied_rule_faults as (

    select
        'activity_rules' as sheet,
        other.rule,
        'ties with ' || one.rule
        || ': a contact can be in both audiences, and both have as many conditions'
            as fault

    from rules_for_audiences as one
    inner join rules_for_audiences as other
        on
            one.score_model = other.score_model
            and one.activity = other.activity
            and one.condition_count = other.condition_count
    left join disjoint_audiences
        on
            one.audience = disjoint_audiences.audience
            and other.audience = disjoint_audiences.other_audience
    where one.audience < other.audience and disjoint_audiences.audience is null

),

audience_count_faults as (

    select
        'activity_rules' as sheet,
        'audience' as rule,
        'rules can be for 60 audiences at most' as fault

    from activity_rules
    having count(distinct audience) > 60

),

better_grades as (

    select
        fit_grades.fit_grade,
        min(better.enter_at) as least_enter_at

    from fit_grades
    inner join fit_grades as better
        on fit_grades.fit_grade > better.fit_grade
    group by 1

),

fit_grade_faults as (

    select
        'fit_grades' as sheet,
        fit_grades.rule,
        case
            when
                fit_grades.fit_grade is null
                or fit_grades.fit_grade not in ('A', 'B', 'C', 'D')
                then 'fit_grade must be A, B, C or D'
            when
                fit_grades.enter_at is null
                or fit_grades.enter_at < 0
                or fit_grades.enter_at > 100
                then 'enter_at must be from 0 to 100'
            when fit_grades.fit_grade = 'D' and fit_grades.enter_at > 0
                then 'enter_at must be 0: low scores would have no grade'
            when better_grades.least_enter_at <= fit_grades.enter_at
                then 'better grades must be entered at more'
        end as fault

    from fit_grades
    left join better_grades
        on fit_grades.fit_grade = better_grades.fit_grade

),

buying_stage_faults as (

    select
        'buying_stages' as sheet,
        buying_stages.rule,
        case
            when
                buying_stages.buying_stage is null
                or buying_stages.buying_stage not in (
                    'awareness', 'consideration', 'decision', 'retention'
                )
                then
                    'buying_stage must be one of awareness, consideration, '
                    || 'decision, retention'
            when buying_stages.precedence is null then 'precedence is blank'
            when rival.buying_stage is not null
                then 'has the same precedence as ' || rival.buying_stage
            when buying_stages.enter_at is null or buying_stages.enter_at <= 0
                then 'enter_at must be above 0'
        end as fault

    from buying_stages
    left join buying_stages as rival
        on
            buying_stages.precedence = rival.precedence
            and buying_stages.buying_stage > rival.buying_stage

),

missing_row_faults as (

    select
        'fit_grades' as sheet,
        'fit_grade' as rule,
        'the grades A, B, C and D are needed' as fault

    from fit_grades
    having count(distinct fit_grade) < 4
    union all
    select
        'buying_stages' as sheet,
        'buying_stage' as rule,
        'the stages awareness, consideration, decision and retention are needed'
            as fault

    from buying_stages
    having count(distinct buying_stage) < 4

),

{{ rule_faults(
    sheets=[
        'attributes', 'audiences', 'buying_stages', 'fit_rules', 'fit_grades',
    ],
    checks=[
        'attribute_faults', 'condition_faults', 'unknown_audience_faults',
        'tied_rule_faults', 'audience_count_faults', 'fit_grade_faults',
        'buying_stage_faults', 'missing_row_faults',
    ],
) }}
