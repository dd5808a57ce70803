{#-
    A midnight is written when `segment_daily`, the last to be built, has it. So a run
    that was cut short is made up for by the next.
-#}
{% set daily = built_earlier('segment_daily') %}
{% set backfill = var('intent_backfill') %}

with

clock as (

    select * from {{ ref('int_clock') }}

),

dates_written as (
    {% if daily %}

        select distinct
            as_of_date,
            basis

        from {{ daily }}

    {% else %}

        select
            cast(null as date) as as_of_date,
            cast(null as {{ dbt.type_string() }}) as basis
        where 1 = 0

    {% endif %}
),

numbers as (

    with
    {{ numbers_below_ten_to(4) }}

),

{% if backfill %}

    span as (

        select
            cast('{{ backfill["from"] }}' as date) as first_date,
            least(cast('{{ backfill["to"] }}' as date), cast(as_of as date)) as last_date

        from clock

    ),

{% else %}

    last_lived as (

        select max(as_of_date) as as_of_date from dates_written
        where basis = 'lived'

    ),

    -- The first build writes the newest midnight, the others all since the last.
    span as (

        select
            case
                when last_lived.as_of_date is null then cast(clock.as_of as date)
                else cast(
                    greatest(
                        {{ dbt.dateadd('day', 1, 'last_lived.as_of_date') }},
                        {{ dbt.dateadd(
                            'day',
                            1 - var('intent_history_days'),
                            'cast(clock.as_of as date)'
                        ) }}
                    ) as date
                )
            end as first_date,
            cast(clock.as_of as date) as last_date

        from last_lived
        cross join clock

    ),

{% endif %}

dates_wanted as (

    select
        cast(
            {{ dbt.dateadd(
                'day',
                'numbers.number' ~ (' * 7' if backfill and backfill['grain'] == 'week'),
                'span.first_date',
            ) }} as date
        ) as as_of_date,
        span.last_date

    from span
    cross join numbers

),

-- What was lived is not written over.
dates_to_write as (

    select dates_wanted.as_of_date
    from dates_wanted
    left join dates_written
        on
            dates_wanted.as_of_date = dates_written.as_of_date
            and dates_written.basis = 'lived'
    where
        dates_wanted.as_of_date <= dates_wanted.last_date
        and dates_written.as_of_date is null

),

all_dates as (

    select as_of_date from dates_to_write
    union
    select as_of_date from dates_written

),

dates_in_order as (

    select
        as_of_date,
        lag(as_of_date) over (order by as_of_date) as previous_date

    from all_dates

),

midnights as (

    select
        dates_in_order.as_of_date,
        cast(dates_in_order.as_of_date as {{ dbt.type_timestamp() }}) as as_of,
        dates_in_order.previous_date,
        dates_to_write.as_of_date is not null as is_new,
        case
            when dates_to_write.as_of_date is null then dates_written.basis
            else '{{ "restated" if backfill else "lived" }}'
        end as basis

    from dates_in_order
    left join dates_to_write
        on dates_in_order.as_of_date = dates_to_write.as_of_date
    left join dates_to_write as previous_to_write
        on dates_in_order.previous_date = previous_to_write.as_of_date
    left join dates_written
        on dates_in_order.as_of_date = dates_written.as_of_date
    where
        dates_to_write.as_of_date is not null
        or previous_to_write.as_of_date is not null

)

select * from midnights
