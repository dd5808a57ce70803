{#- A share of nobody counts as this share, so that the index is finite. -#}
{% set least_share = 0.0001 %}
{% set bins = 10 %}

with

midnights as (

    select
        as_of,
        lag(as_of) over (order by as_of) as previous_as_of

    from {{ ref('int_evaluation_midnights') }}

),

subjects as (

    select
        subject_id,
        as_of

    from {{ ref('int_evaluation_subjects') }}

),

scores as (

    select * from {{ ref('int_evaluation_scores') }}
    where kind = 'sheet'

),

inputs as (

    select * from {{ ref('int_evaluation_inputs') }}

),

populations as (

    select
        as_of,
        count(*) as contacts

    from subjects
    group by 1

),

scores_counted as (

    select
        subjects.as_of,
        scores.scorer as subject,
        'score' as kind,
        scores.score as value,
        count(*) as contacts

    from scores
    inner join subjects
        on scores.subject_id = subjects.subject_id
    group by 1, 2, 3, 4

),

inputs_counted as (

    select
        subjects.as_of,
        inputs.activity as subject,
        'input' as kind,
        cast(inputs.quantity as {{ type_double() }}) as value,
        count(*) as contacts

    from inputs
    inner join subjects
        on inputs.subject_id = subjects.subject_id
    group by 1, 2, 3, 4

),

input_activities as (

    select distinct subject
    from inputs_counted

),

inputs_totalled as (

    select
        as_of,
        subject,
        sum(contacts) as contacts

    from inputs_counted
    group by 1, 2

),

-- Whoever did nothing of it, did it 0 times.
inputs_absent as (

    select
        populations.as_of,
        input_activities.subject,
        'input' as kind,
        cast(0 as {{ type_double() }}) as value,
        populations.contacts - coalesce(inputs_totalled.contacts, 0) as contacts

    from populations
    cross join input_activities
    left join inputs_totalled
        on
            populations.as_of = inputs_totalled.as_of
            and input_activities.subject = inputs_totalled.subject

),

values_counted as (

    select * from scores_counted
    union all
    select * from inputs_counted
    union all
    select * from inputs_absent

),

-- Each value with how many have it at a midnight, and at the one before.
values_paired as (

    select
        midnights.as_of,
        midnights.previous_as_of,
        values_counted.subject,
        values_counted.kind,
        values_counted.value,
        values_counted.contacts as contacts_now,
        0 as contacts_before

    from midnights
    inner join values_counted
        on midnights.as_of = values_counted.as_of
    where midnights.previous_as_of is not null
    union all
    select
        midnights.as_of,
        midnights.previous_as_of,
        values_counted.subject,
        values_counted.kind,
        values_counted.value,
        0 as contacts_now,
        values_counted.contacts as contacts_before

    from midnights
    inner join values_counted
        on midnights.previous_as_of = values_counted.as_of

),

values_summed as (

    select
        as_of,
        previous_as_of,
        subject,
        kind,
        value,
        sum(contacts_now) as contacts_now,
        sum(contacts_before) as contacts_before

    from values_paired
    group by 1, 2, 3, 4, 5

),

values_cumulated as (

    select
        *,
        sum(contacts_now) over (partition by as_of, kind, subject) as all_now,
        sum(contacts_before) over (partition by as_of, kind, subject) as all_before,
        sum(contacts_now) over so_far as now_so_far,
        sum(contacts_before) over so_far as before_so_far

    from values_summed
    window so_far as (
        partition by as_of, kind, subject
        order by value
        rows between unbounded preceding and current row
    )

),

-- Bins are tenths of those before, by how many of them have less; a value is in one.
values_binned as (

    select
        *,
        abs(
            {{ share('now_so_far', 'all_now') }}
            - {{ share('before_so_far', 'all_before') }}
        ) as distance,
        floor(
            {{ bins }}
            * {{ share('before_so_far - contacts_before', 'all_before') }}
        ) as bin

    from values_cumulated

),

bins_summed as (

    select
        as_of,
        previous_as_of,
        subject,
        kind,
        least(bin, {{ bins - 1 }}) as bin,
        greatest({{ share('sum(contacts_now)', 'max(all_now)') }}, {{ least_share }})
            as share_now,
        greatest(
            {{ share('sum(contacts_before)', 'max(all_before)') }}, {{ least_share }}
        ) as share_before,
        max(distance) as distance

    from values_binned
    where all_now > 0 and all_before > 0
    group by 1, 2, 3, 4, 5

),

drift as (

    select
        as_of,
        previous_as_of,
        subject,
        kind,
        sum(
            (share_now - share_before) * ln(share_now / nullif(share_before, 0))
        ) as psi,
        max(distance) as ks

    from bins_summed
    group by 1, 2, 3, 4

)

select * from drift
