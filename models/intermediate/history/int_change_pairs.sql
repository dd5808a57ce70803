-- What was written earlier is told from what is written now.
-- depends_on: {{ ref('int_midnights') }}
{#- Which of them were written earlier, with what was known then. -#}
{% set daily = built_earlier('segment_daily') %}

with

segment_changes as (

    select * from {{ ref('int_segment_changes') }}

),

rule_versions as (

    select max(rule_version) as rule_version from {{ ref('int_rule_versions') }}

),

-- One that this run writes knows all that is known today.
midnights_written as (
    {% if daily %}

        select distinct
            daily.as_of_date,
            daily.known_until,
            daily.rule_version

        from {{ daily }} as daily
        left join {{ ref('int_midnights') }} as midnights
            on
                daily.as_of_date = midnights.as_of_date
                and midnights.is_new
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
        as_of_date as to_date

    from segment_changes

),

pairs_numbered as (

    select
        row_number() over (order by pairs.from_date, pairs.to_date, pairs.contact_id)
            as pair_id,
        pairs.contact_id,
        cast(pairs.from_date as {{ dbt.type_timestamp() }}) as from_as_of,
        cast(pairs.to_date as {{ dbt.type_timestamp() }}) as to_as_of,
        written_from.known_until as from_known_until,
        written_to.known_until as to_known_until,
        coalesce(written_from.rule_version, rule_versions.rule_version)
            as from_rule_version,
        coalesce(written_to.rule_version, rule_versions.rule_version)
            as to_rule_version

    from pairs
    cross join rule_versions
    left join midnights_written as written_from
        on pairs.from_date = written_from.as_of_date
    left join midnights_written as written_to
        on pairs.to_date = written_to.as_of_date

)

select * from pairs_numbered
