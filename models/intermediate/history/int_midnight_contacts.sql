with

midnights as (

    select as_of from {{ ref('int_midnights') }}
    where is_new

),

rule_versions as (

    select max(rule_version) as rule_version from {{ ref('int_rule_versions') }}

),

contacts as (

    with
    {{ contacts_at() }}

),

final as (

    select
        row_number() over (order by contacts.as_of, contacts.contact_id) as subject_id,
        contacts.contact_id,
        contacts.is_suppressed,
        rule_versions.rule_version,
        {{ subject_as_known_today('contacts.as_of') }}

    from contacts
    cross join rule_versions

)

select * from final
