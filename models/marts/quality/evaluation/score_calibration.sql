with

outcomes as (

    select * from {{ ref('score_outcomes') }}
    where kind = 'sheet'

),

outcomes_binned as (

    select
        as_of,
        scorer as score_model,
        horizon_days,
        score,
        {{ score_bin('score') }} as score_bin,
        case when has_converted then 1 else 0 end as has_converted

    from outcomes

),

bins as (

    select
        as_of,
        score_model,
        horizon_days,
        score_bin,
        count(*) as contacts,
        avg(score) as mean_score,
        cast(sum(has_converted) as {{ dbt.type_bigint() }}) as conversions

    from outcomes_binned
    group by 1, 2, 3, 4

),

-- What is to be expected at a midnight, goes by outcomes that were known by then.
bins_before as (

    select
        bins.as_of,
        bins.score_model,
        bins.horizon_days,
        bins.score_bin,
        sum(earlier.contacts) as contacts,
        sum(earlier.conversions) as conversions

    from bins
    inner join bins as earlier
        on
            bins.score_model = earlier.score_model
            and bins.horizon_days = earlier.horizon_days
            and bins.score_bin = earlier.score_bin
            and bins.as_of >= {{ dbt.dateadd(
                'day', 'earlier.horizon_days', 'earlier.as_of'
            ) }}
    group by 1, 2, 3, 4

),

rates as (

    select
        bins.*,
        {{ share('bins.conversions', 'bins.contacts') }} as conversion_rate,
        {{ share('bins_before.conversions', 'bins_before.contacts') }} as expected_rate,
        {{ wilson_low('bins.conversions', 'bins.contacts') }} as wilson_low,
        {{ wilson_high('bins.conversions', 'bins.contacts') }} as wilson_high

    from bins
    left join bins_before
        on
            bins.as_of = bins_before.as_of
            and bins.score_model = bins_before.score_model
            and bins.horizon_days = bins_before.horizon_days
            and bins.score_bin = bins_before.score_bin

)

select * from rates
