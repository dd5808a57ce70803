{#- The calendar of metrics: how far it goes back from the clock, and how far ahead. -#}
{% set days_back = 4000 %}
{% set days_ahead = 400 %}

with

clock as (

    select cast(as_of as date) as as_of_date from {{ ref('int_clock') }}

),

series as (

    {{ dbt.generate_series(days_back + days_ahead) }}

),

numbers as (

    select cast(generated_number as integer) as nth from series

),

days as (

    select
        cast(
            {{ dbt.dateadd('day', 'numbers.nth - ' ~ days_back, 'clock.as_of_date') }}
            as date
        ) as date_day

    from numbers
    cross join clock

)

select * from days
