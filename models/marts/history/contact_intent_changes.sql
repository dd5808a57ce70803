with

clock as (

    select * from {{ ref('int_clock') }}

),

contacts as (

    select contact_id from {{ ref('int_contacts') }}
    where not is_suppressed

),

rule_versions_newest as (

    select max(rule_version) as rule_version from {{ ref('int_rule_versions') }}

),

-- What was known when that midnight was written, if it was.
midnights_written as (

    select distinct
        as_of_date,
        known_until,
        rule_version

    from {{ ref('segment_daily') }}

),

pairs as (

    select
        row_number() over (order by contacts.contact_id) as pair_id,
        contacts.contact_id,
        cast({{ week_before('clock.as_of') }} as {{ dbt.type_timestamp() }})
            as from_as_of,
        clock.as_of as to_as_of,
        midnights_written.known_until as from_known_until,
        cast(null as {{ dbt.type_timestamp() }}) as to_known_until,
        coalesce(midnights_written.rule_version, rule_versions_newest.rule_version)
            as from_rule_version,
        rule_versions_newest.rule_version as to_rule_version

    from contacts
    cross join clock
    cross join rule_versions_newest
    left join midnights_written
        on {{ week_before('clock.as_of') }} = midnights_written.as_of_date

),

parts as (

    with
    {{ changes_between() }}

),

changes as (

    select
        pairs.contact_id,
        pairs.from_as_of,
        pairs.to_as_of,
        parts.*

    from parts
    inner join pairs
        on parts.pair_id = pairs.pair_id

),

said_from as (

    select
        history.contact_id,
        history.score_model,
        history.intent_score,
        history.segment

    from {{ ref('contact_intent_history') }} as history
    inner join clock
        on history.as_of_date = {{ week_before('clock.as_of') }}
    where history.segment is not null

),

sheets_from as (

    select distinct daily.score_model
    from {{ ref('segment_daily') }} as daily
    inner join clock
        on daily.as_of_date = {{ week_before('clock.as_of') }}

),

said_to as (

    select
        contact_id,
        score_model,
        intent_score,
        segment

    from {{ ref('contact_scores') }}

),

sheets_to as (

    select distinct score_model from said_to

),

{{ compare_with_what_was_said() }}
