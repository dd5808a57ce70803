with

outcomes as (

    select * from {{ ref('score_outcomes') }}

),

-- Contacts of the same score follow each other by their ids, which are hashes.
outcomes_ranked as (

    select
        as_of,
        scorer,
        horizon_days,
        case when has_converted then 1 else 0 end as has_converted,
        ntile(10) over (
            partition by as_of, scorer, horizon_days
            order by score desc, contact_id asc
        ) as decile

    from outcomes

),

deciles as (

    select
        as_of,
        scorer,
        horizon_days,
        cast(decile as {{ dbt.type_bigint() }}) as decile,
        count(*) as contacts,
        cast(sum(has_converted) as {{ dbt.type_bigint() }}) as conversions

    from outcomes_ranked
    group by 1, 2, 3, 4

),

deciles_totalled as (

    select
        *,
        sum(contacts) over (partition by as_of, scorer, horizon_days) as all_contacts,
        sum(conversions) over (partition by as_of, scorer, horizon_days)
            as all_conversions,
        sum(conversions) over (
            partition by as_of, scorer, horizon_days
            order by decile
            rows between unbounded preceding and current row
        ) as conversions_so_far

    from deciles

),

final as (

    select
        as_of,
        scorer,
        horizon_days,
        decile,
        contacts,
        conversions,
        {{ share('conversions', 'contacts') }} as conversion_rate,
        {{ share('conversions', 'contacts') }}
        / nullif({{ share('all_conversions', 'all_contacts') }}, 0) as lift,
        {{ share('conversions', 'all_conversions') }} as share_of_conversions,
        {{ share('conversions_so_far', 'all_conversions') }} as cumulative_share

    from deciles_totalled

)

select * from final
