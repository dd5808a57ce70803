{#- More days are not looked at, nor more weeks compared. -#}
{% set most_days = 4000 %}
{% set most_weeks = 52 %}

with

clock as (

    select
        as_of,
        cast(as_of as date) as as_of_date

    from {{ ref('int_clock') }}

),

expectations as (

    select * from {{ ref('feed_expectations') }}

),

-- A clock sees what had arrived by then.
arrivals as (

    select arrivals.*
    from {{ ref('int_feed_arrivals') }} as arrivals
    cross join clock
    where
        arrivals.arrived_on < clock.as_of
        and arrivals.feed in ({{ sql_texts(intent_feeds()) }})

),

days_of_arrival as (

    select
        feed,
        feed_table,
        arrived_on as arrival_date,
        cast(sum(row_count) as {{ dbt.type_bigint() }}) as rows_arrived,
        cast(sum(quarantined) as {{ dbt.type_bigint() }}) as quarantined,
        cast(sum(unknown_names) as {{ dbt.type_bigint() }}) as unknown_names,
        max(newest_event_at) as newest_event_at,
        max(newest_arrival_at) as newest_arrival_at

    from arrivals
    group by 1, 2, 3

),

days_of_events as (

    select
        feed,
        feed_table,
        happened_on,
        cast(sum(row_count) as {{ dbt.type_bigint() }}) as rows_happened

    from arrivals
    where happened_on is not null
    group by 1, 2, 3

),

feed_tables as (

    select
        feed,
        feed_table,
        min(arrival_date) as first_date

    from days_of_arrival
    group by 1, 2

),

series as (

    {{ dbt.generate_series(most_days) }}

),

numbers as (

    select cast(generated_number as integer) as nth from series

),

dates as (

    select
        cast(
            {{ dbt.dateadd('day', '1 - numbers.nth', 'clock.as_of_date') }} as date
        ) as arrival_date

    from numbers
    cross join clock

),

calendar as (

    select
        arrival_date,
        {{ epoch_seconds('cast(arrival_date as ' ~ dbt.type_timestamp() ~ ')') }}
            as day_start

    from dates

),

days as (

    select
        feed_tables.feed,
        feed_tables.feed_table,
        calendar.arrival_date,
        {{ weekday('calendar.arrival_date') }} as day_name,
        calendar.day_start,
        least(calendar.day_start + 86400, {{ epoch_seconds('clock.as_of') }}) as day_end

    from feed_tables
    cross join calendar
    cross join clock
    where
        calendar.arrival_date >= feed_tables.first_date
        and calendar.arrival_date < clock.as_of

),

days_joined as (

    select
        days.feed,
        days.feed_table,
        days.arrival_date,
        days.day_end,
        days.day_end - days.day_start = 86400 as is_over,
        coalesce(expectations.quiet_weekdays, '') like '%' || days.day_name || '%'
            as is_quiet,
        days.day_end - days.day_start as day_seconds,
        coalesce(days_of_arrival.rows_arrived, 0) as rows_arrived,
        coalesce(days_of_events.rows_happened, 0) as rows_happened,
        days_of_arrival.quarantined
        / cast(days_of_arrival.rows_arrived as {{ type_double() }}) as quarantine_share,
        days_of_arrival.unknown_names
        / cast(days_of_arrival.rows_arrived as {{ type_double() }})
            as unknown_name_share,
        days_of_arrival.newest_event_at,
        days_of_arrival.newest_arrival_at,
        expectations.compared_weeks

    from days
    left join days_of_arrival
        on
            days.feed = days_of_arrival.feed
            and days.feed_table = days_of_arrival.feed_table
            and days.arrival_date = days_of_arrival.arrival_date
    left join days_of_events
        on
            days.feed = days_of_events.feed
            and days.feed_table = days_of_events.feed_table
            and days.arrival_date = days_of_events.happened_on
    left join expectations
        on
            days.feed = expectations.feed
            and days.feed_table = expectations.feed_table

),

-- Nothing is waited for on quiet days.
days_waited as (

    select
        *,
        sum(case when is_quiet then 0 else day_seconds end) over so_far
            as seconds_waited,
        max(newest_arrival_at) over so_far as newest_arrival_so_far,
        max(newest_event_at) over so_far as newest_event_so_far

    from days_joined
    window so_far as (
        partition by feed, feed_table
        order by arrival_date
        rows between unbounded preceding and current row
    )

),

days_silent as (

    select
        *,
        (
            seconds_waited
            - max(
                case
                    when rows_arrived > 0 and is_quiet then seconds_waited
                    when rows_arrived > 0
                        then
                            seconds_waited - day_end
                            + {{ epoch_seconds('newest_arrival_at') }}
                end
            ) over (
                partition by feed, feed_table
                order by arrival_date
                rows between unbounded preceding and current row
            )
        )
        / cast(3600 as {{ type_double() }}) as silent_hours

    from days_waited

),

weeks as (

    select nth as weeks_back from numbers
    where nth <= {{ most_weeks }}

),

days_and_weeks as (

    select
        days_joined.feed,
        days_joined.feed_table,
        days_joined.arrival_date,
        days_joined.compared_weeks,
        cast(
            {{ dbt.dateadd(
                'week', '-weeks.weeks_back', 'days_joined.arrival_date'
            ) }} as date
        ) as compared_date

    from days_joined
    inner join weeks
        on days_joined.compared_weeks >= weeks.weeks_back

),

days_compared as (

    select
        days_and_weeks.feed,
        days_and_weeks.feed_table,
        days_and_weeks.arrival_date,
        days_and_weeks.compared_weeks,
        compared.rows_arrived,
        row_number() over (
            partition by
                days_and_weeks.feed,
                days_and_weeks.feed_table,
                days_and_weeks.arrival_date
            order by compared.rows_arrived
        ) as nth,
        count(*) over (
            partition by
                days_and_weeks.feed,
                days_and_weeks.feed_table,
                days_and_weeks.arrival_date
        ) as day_count

    from days_and_weeks
    inner join days_joined as compared
        on
            days_and_weeks.feed = compared.feed
            and days_and_weeks.feed_table = compared.feed_table
            and days_and_weeks.compared_date = compared.arrival_date

),

-- The middle one, or the mean of the two in the middle; of too few weeks there is none.
medians as (

    select
        feed,
        feed_table,
        arrival_date,
        avg(
            case
                when 2 * nth between day_count and day_count + 2
                    then cast(rows_arrived as {{ type_double() }})
            end
        ) as median_rows

    from days_compared
    where 2 * day_count >= compared_weeks
    group by 1, 2, 3

),

final as (

    select
        days_silent.feed,
        days_silent.feed_table,
        days_silent.arrival_date,
        days_silent.is_over,
        days_silent.is_quiet,
        days_silent.rows_arrived,
        days_silent.rows_happened,
        medians.median_rows,
        days_silent.quarantine_share,
        days_silent.unknown_name_share,
        days_silent.newest_event_so_far as newest_event_at,
        days_silent.newest_arrival_so_far as newest_arrival_at,
        case when days_silent.silent_hours > 0 then days_silent.silent_hours else 0 end
            as silent_hours

    from days_silent
    left join medians
        on
            days_silent.feed = medians.feed
            and days_silent.feed_table = medians.feed_table
            and days_silent.arrival_date = medians.arrival_date

)

select * from final
