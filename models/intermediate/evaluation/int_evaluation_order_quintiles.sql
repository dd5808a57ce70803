with

subjects as (

    select * from {{ ref('int_evaluation_subjects') }}

),

identifier_clocks as (

    with
    {{ identifiers_at() }}

),

subject_orders as (

    with
    {{ orders_at() }}

),

order_totals as (

    select
        contact_id as subject_id,
        count(*) as orders,
        max(ordered_at) as last_ordered_at

    from subject_orders
    group by 1

),

-- Values of two currencies can't be compared: each is ranked among its own.
currency_totals as (

    select
        subject_orders.contact_id as subject_id,
        subjects.as_of,
        subject_orders.currency,
        sum(subject_orders.amount) as amount

    from subject_orders
    inner join subjects
        on subject_orders.contact_id = subjects.subject_id
    where subject_orders.amount is not null
    group by 1, 2, 3

),

currency_quintiles as (

    select
        subject_id,
        {{ quintile('amount', 'as_of, currency') }} as value_quintile

    from currency_totals

),

value_quintiles as (

    select
        subject_id,
        max(value_quintile) as value_quintile

    from currency_quintiles
    group by 1

),

order_quintiles as (

    select
        order_totals.subject_id,
        {{ quintile('order_totals.last_ordered_at', 'subjects.as_of') }}
            as recency_quintile,
        {{ quintile('order_totals.orders', 'subjects.as_of') }} as frequency_quintile

    from order_totals
    inner join subjects
        on order_totals.subject_id = subjects.subject_id

),

quintiles as (

    select
        order_quintiles.subject_id,
        order_quintiles.recency_quintile,
        order_quintiles.frequency_quintile,
        coalesce(value_quintiles.value_quintile, 0) as value_quintile

    from order_quintiles
    left join value_quintiles
        on order_quintiles.subject_id = value_quintiles.subject_id

)

select * from quintiles
