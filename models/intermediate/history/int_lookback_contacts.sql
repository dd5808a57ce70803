with

lookback_nights as (

    select * from {{ ref('int_lookback_nights') }}

),

written_midnights as (

    select as_of from {{ ref('int_midnights') }}
    where is_new

),

rule_versions as (

    select max(rule_version) as rule_version from {{ ref('int_rule_versions') }}

),

-- Of midnights that are written now, all scores are there.
midnights as (

    select distinct
        lookback_nights.contact_id,
        lookback_nights.score_model,
        lookback_nights.night as as_of

    from lookback_nights
    left join written_midnights
        on lookback_nights.night = written_midnights.as_of
    where written_midnights.as_of is null

),

contacts as (

    with
    {{ contacts_at(of_contacts=true) }}

),

-- Before it was known, a contact had no score.
final as (

    select
        row_number() over (
            order by contacts.as_of, contacts.contact_id, midnights.score_model
        ) as subject_id,
        contacts.contact_id,
        midnights.score_model,
        rule_versions.rule_version,
        {{ subject_as_known_today('contacts.as_of') }}

    from contacts
    inner join midnights
        on
            contacts.contact_id = midnights.contact_id
            and contacts.as_of = midnights.as_of
    cross join rule_versions
    where not contacts.is_suppressed

)

select * from final
