with

outcomes as (

    select * from {{ ref('score_outcomes') }}
    where kind = 'sheet'

),

bands as (

    select 'hot' as band
    union all
    select 'warm' as band
    union all
    select 'cold' as band

),

outcomes_counted as (

    select
        as_of,
        scorer as score_model,
        horizon_days,
        segment,
        count(*) as contacts,
        sum(case when has_converted then 1 else 0 end) as conversions

    from outcomes
    group by 1, 2, 3, 4

),

sheets as (

    select distinct
        as_of,
        score_model,
        horizon_days

    from outcomes_counted

),

-- A band that nobody is in has a row too.
bands_counted as (

    select
        sheets.as_of,
        sheets.score_model,
        sheets.horizon_days,
        bands.band,
        cast(coalesce(outcomes_counted.contacts, 0) as {{ dbt.type_bigint() }})
            as contacts,
        cast(coalesce(outcomes_counted.conversions, 0) as {{ dbt.type_bigint() }})
            as conversions

    from sheets
    cross join bands
    left join outcomes_counted
        on
            sheets.as_of = outcomes_counted.as_of
            and sheets.score_model = outcomes_counted.score_model
            and sheets.horizon_days = outcomes_counted.horizon_days
            and bands.band = outcomes_counted.segment

),

rates as (

    select
        *,
        {{ share('conversions', 'contacts') }} as conversion_rate,
        {{ wilson_low('conversions', 'contacts') }} as wilson_low,
        {{ wilson_high('conversions', 'contacts') }} as wilson_high

    from bands_counted

)

select * from rates
