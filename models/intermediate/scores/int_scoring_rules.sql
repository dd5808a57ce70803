with

rule_versions as (

    select * from {{ ref('int_rule_versions') }}

),

newest_version as (

    select max(rule_version) as rule_version from rule_versions

),

rules_in_force as (

    select rule_versions.*
    from rule_versions
    inner join newest_version
        on rule_versions.rule_version = newest_version.rule_version
    where rule_versions.activity is not null

),

group_audiences as (

    select distinct
        rule_group,
        audience,
        condition_count

    from {{ ref('int_contact_audiences') }}

),

{{ group_rules() }}
