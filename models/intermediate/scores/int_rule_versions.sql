-- Wrong sheets stop the build in int_rule_faults, before they become a version.
-- depends_on: {{ ref('int_rule_faults') }}
{#-
    Its only record of past sheets is itself: `--full-refresh` leaves it alone.
-#}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        full_refresh=false,
    )
}}

{% set rule_columns = [
    'score_model', 'scale', 'hot_enter_at', 'hot_exit_below', 'warm_enter_at',
    'warm_exit_below', 'activity', 'audience', 'category', 'cap_group',
    'discharged_by', 'points', 'half_life_days', 'cap', 'daily_limit', 'group_cap',
    'is_for_audiences',
] %}

with

score_models as (

    select * from {{ ref('score_models') }}
    where status <> 'archived'

),

activities as (

    select * from {{ ref('activities') }}

),

activity_rules as (

    select * from {{ ref('activity_rules') }}
    where is_enabled

),

group_rules as (

    select * from {{ ref('group_rules') }}

),

score_bands as (

    select * from {{ ref('score_bands') }}

),

band_edges as (

    select
        score_model,
        max(case when band = 'hot' then enter_at end) as hot_enter_at,
        max(case when band = 'hot' then exit_below end) as hot_exit_below,
        max(case when band = 'warm' then enter_at end) as warm_enter_at,
        max(case when band = 'warm' then exit_below end) as warm_exit_below

    from score_bands
    group by 1

),

-- A sheet without rules is a sheet too: one by which nothing scores.
rules_joined as (

    select
        score_models.score_model,
        score_models.scale,
        band_edges.hot_enter_at,
        band_edges.hot_exit_below,
        band_edges.warm_enter_at,
        band_edges.warm_exit_below,
        activity_rules.activity,
        activity_rules.audience,
        activities.category,
        activities.cap_group,
        activity_rules.discharged_by,
        activity_rules.points,
        activity_rules.half_life_days,
        activity_rules.cap,
        activity_rules.daily_limit,
        group_rules.group_cap,
        max(case when activity_rules.audience is not null then 1 else 0 end) over (
            partition by score_models.score_model, activity_rules.activity
        ) as is_for_audiences

    from score_models
    left join band_edges
        on score_models.score_model = band_edges.score_model
    left join activity_rules
        on score_models.score_model = activity_rules.score_model
    left join activities
        on activity_rules.activity = activities.activity
    left join group_rules
        on
            score_models.score_model = group_rules.score_model
            and activities.cap_group = group_rules.cap_group

),

{% if is_incremental() %}

    last_version as (

        select coalesce(max(rule_version), 0) as rule_version from {{ this }}

    ),

    rules_compared as (

        select
            {{ rule_columns | join(',\n            ') }},
            1 as rule_change

        from rules_joined
        union all
        select
            {{ rule_columns | join(',\n            ') }},
            -1 as rule_change

        from {{ this }}
        where rule_version = (select last_version.rule_version from last_version)

    ),

    rule_changes as (

        select
            {{ rule_columns | join(',\n            ') }},
            sum(rule_change) as rule_change

        from rules_compared
        group by {{ range(1, 1 + rule_columns | length) | join(', ') }}
        having sum(rule_change) <> 0

    ),

    rules_versioned as (

        select
            last_version.rule_version + 1 as rule_version,
            rules_joined.*

        from rules_joined
        cross join last_version
        where (select count(*) from rule_changes) > 0

    ),

{% else %}

    rules_versioned as (

        select
            1 as rule_version,
            rules_joined.*

        from rules_joined

    ),

{% endif %}

final as (

    select
        cast(rule_version as {{ dbt.type_bigint() }}) as rule_version,
        {{ rule_columns | join(',\n        ') }},
        {{ run_id() }} as run_id

    from rules_versioned

)

select * from final
