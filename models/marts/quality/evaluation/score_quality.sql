{#- With fewer contacts that did it, or that did not, measures tell little. -#}
{% set least = 100 %}

with

outcomes as (

    select * from {{ ref('score_outcomes') }}

),

top_deciles as (

    select * from {{ ref('score_deciles') }}
    where decile = 1

),

-- Contacts of one score can't be told apart: they count together.
scores_counted as (

    select
        as_of,
        scorer,
        kind,
        horizon_days,
        score,
        cast(count(*) as {{ type_double() }}) as contacts,
        cast(
            sum(case when has_converted then 1 else 0 end) as {{ type_double() }}
        ) as conversions,
        sum(case when has_converted and segment = 'hot' then 1 else 0 end)
            as conversions_hot,
        sum(case when has_converted and segment in ('hot', 'warm') then 1 else 0 end)
            as conversions_hot_or_warm

    from outcomes
    group by 1, 2, 3, 4, 5

),

scores_cumulated as (

    select
        *,
        sum(contacts) over so_far as contacts_so_far,
        sum(conversions) over so_far as conversions_so_far

    from scores_counted
    window so_far as (
        partition by as_of, scorer, horizon_days
        order by score desc
        rows between unbounded preceding and current row
    )

),

totals as (

    select
        as_of,
        scorer,
        kind,
        horizon_days,
        sum(contacts) as contacts,
        sum(conversions) as conversions,
        sum(conversions_hot) as conversions_hot,
        sum(conversions_hot_or_warm) as conversions_hot_or_warm,
        -- Pairs of one that did it and one that did not, by who has the higher score.
        sum(
            (contacts - conversions) * (conversions_so_far - conversions / 2)
        ) as pairs_in_order,
        sum(conversions * conversions_so_far / nullif(contacts_so_far, 0))
            as precision_sum

    from scores_cumulated
    group by 1, 2, 3, 4

),

measures as (

    select
        totals.as_of,
        totals.scorer,
        totals.kind,
        totals.horizon_days,
        cast(totals.contacts as {{ dbt.type_bigint() }}) as contacts,
        cast(totals.conversions as {{ dbt.type_bigint() }}) as conversions,
        {{ share('totals.conversions', 'totals.contacts') }} as base_rate,
        case
            when totals.contacts > totals.conversions
                then
                    totals.pairs_in_order
                    / nullif(
                        totals.conversions * (totals.contacts - totals.conversions), 0
                    )
        end as roc_auc,
        totals.precision_sum / nullif(totals.conversions, 0) as pr_auc,
        top_deciles.lift as top_decile_lift,
        case
            when totals.kind = 'sheet'
                then {{ share('totals.conversions_hot', 'totals.conversions') }}
        end as share_caught_hot,
        case
            when totals.kind = 'sheet'
                then {{ share('totals.conversions_hot_or_warm', 'totals.conversions') }}
        end as share_caught_hot_or_warm,
        totals.conversions >= {{ least }}
        and totals.contacts - totals.conversions >= {{ least }} as has_enough

    from totals
    left join top_deciles
        on
            totals.as_of = top_deciles.as_of
            and totals.scorer = top_deciles.scorer
            and totals.horizon_days = top_deciles.horizon_days

)

select * from measures
