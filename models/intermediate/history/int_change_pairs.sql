{% set counts = built_earlier('int_segment_counts') %}

with

clock as (

    select * from {{ ref('int_clock') }}

),

contacts as (

    select contact_id from {{ ref('int_contacts') }}
    where not is_suppressed

),

segment_changes as (

    select * from {{ ref('int_segment_changes') }}

),

rule_versions as (

    select max(rule_version) as rule_version from {{ ref('int_rule_versions') }}

),

midnights as (

    select * from {{ ref('int_midnights') }}
    where is_new

),

-- What was known when a midnight was written; one of this run knows all.
midnights_written as (
    {% if counts %}

        select distinct
            counts.as_of_date,
            counts.known_until,
            counts.rule_version

        from {{ counts }} as counts
        left join midnights
            on counts.as_of_date = midnights.as_of_date
        where midnights.as_of_date is null

    {% else %}

        select
            cast(null as date) as as_of_date,
            cast(null as {{ dbt.type_timestamp() }}) as known_until,
            cast(null as {{ dbt.type_bigint() }}) as rule_version
        where 1 = 0

    {% endif %}
),

pairs as (

    select distinct
        contact_id,
        previous_date as from_date,
        cast(previous_date as {{ dbt.type_timestamp() }}) as from_as_of,
        cast(as_of_date as {{ dbt.type_timestamp() }}) as to_as_of

    from segment_changes

    {% if not var('intent_backfill') %}

        union
        select
            contacts.contact_id,
            {{ week_before('clock.as_of') }} as from_date,
            cast({{ week_before('clock.as_of') }} as {{ dbt.type_timestamp() }})
                as from_as_of,
            clock.as_of as to_as_of

        from contacts
        cross join clock

    {% endif %}

),

pairs_numbered as (

    select
        row_number() over (
            order by pairs.from_as_of, pairs.to_as_of, pairs.contact_id
        ) as pair_id,
        pairs.contact_id,
        pairs.from_as_of,
        pairs.to_as_of,
        written_from.known_until as from_known_until,
        written_to.known_until as to_known_until,
        coalesce(
            written_from.rule_version,
            written_to.rule_version,
            rule_versions.rule_version
        ) as from_rule_version,
        coalesce(written_to.rule_version, rule_versions.rule_version)
            as to_rule_version

    from pairs
    cross join rule_versions
    cross join clock
    left join midnights_written as written_from
        on pairs.from_date = written_from.as_of_date
    left join midnights_written as written_to
        on
            cast(pairs.to_as_of as date) = written_to.as_of_date
            and pairs.to_as_of < clock.as_of

)

select * from pairs_numbered
