-- What a contact can't do, is no target.
-- depends_on: {{ ref('activities') }}
-- depends_on: {{ ref('derived_signals') }}
{{
    config(
        pre_hook="{{ stop_on_unknown_targets(ref('activities'), ref('derived_signals')) }}"
    )
}}

{% set asked = evaluation_asked() %}
{% set days = evaluation_target().days %}

with

clock as (

    select * from {{ ref('int_clock') }}

),

activity_days as (

    select * from {{ ref('int_activity_days') }}
    where known_to is null

),

span as (

    select
        min(activity_days.activity_date) as first_date,
        max(activity_days.activity_date) as last_date

    from activity_days
    inner join clock
        on activity_days.activity_date < clock.as_of

),

-- Outcomes are known up to the clock, and no further than there are facts.
known_spans as (

    select
        span.first_date,
        cast(clock.as_of as date) as clock_date,
        least(
            cast(clock.as_of as date),
            cast({{ dbt.dateadd('day', 1, 'span.last_date') }} as date)
        ) as known_to_date

    from clock
    cross join span

),

last_dates as (

    select
        first_date,
        clock_date,
        {% if asked.last %}
            cast('{{ asked.last }}' as date) as last_date
        {% else %}
            cast({{ dbt.dateadd('day', -(days | last), 'known_to_date') }} as date)
                as last_date
        {% endif %}

    from known_spans

),

numbers as (

    with
    {{ numbers_below_ten_to(3) }}

),

dates_asked as (

    select
        last_dates.first_date,
        last_dates.clock_date,
        cast({{ dbt.dateadd(
            'day', '-' ~ asked.every_days ~ ' * numbers.number', 'last_dates.last_date'
        ) }} as date) as as_of_date

    from last_dates
    cross join numbers
    where numbers.number < {{ asked.midnights }}

),

-- Before the first fact nobody has a score; after the clock nobody has an outcome.
dates_known as (

    select as_of_date from dates_asked
    where
        as_of_date > first_date
        and cast({{ dbt.dateadd('day', days | first, 'as_of_date') }} as date)
        <= clock_date

),

midnights as (

    select
        cast(as_of_date as {{ dbt.type_timestamp() }}) as as_of,
        row_number() over (order by as_of_date) as midnight_number

    from dates_known

)

select * from midnights
