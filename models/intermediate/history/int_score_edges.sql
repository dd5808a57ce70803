{{ config(materialized='view') }}

with

rule_versions as (

    select * from {{ ref('int_rule_versions') }}

),

newest_version as (

    select max(rule_version) as rule_version from rule_versions

),

edges as (

    select distinct
        rule_versions.score_model,
        rule_versions.hot_enter_at,
        rule_versions.hot_exit_below,
        rule_versions.warm_enter_at,
        rule_versions.warm_exit_below

    from rule_versions
    inner join newest_version
        on rule_versions.rule_version = newest_version.rule_version

)

select * from edges
