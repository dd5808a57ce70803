{{ config(enabled='shop' in var('intent_feeds'), materialized='view') }}

with

customers as (

    select * from {{ ref('stg_shop__customers') }}

),

orders as (

    select * from {{ ref('stg_shop__orders') }}

),

order_lines as (

    select * from {{ ref('stg_shop__order_lines') }}

),

returns as (

    select * from {{ ref('stg_shop__returns') }}

),

subscriptions as (

    select * from {{ ref('stg_shop__subscriptions') }}

),

orders_named as (

    select
        {{ activity_columns(
            identifiers=['customer_id', 'email', 'phone'],
            feed_table="'orders'",
            event_id='order_id',
            event_name="'Order Placed'",
            order_id='order_id',
            amount='order_total',
            currency='currency',
            occurred_at='ordered_at',
            version_at='coalesce(updated_at, cancelled_at, ordered_at)',
            reversed_at='cancelled_at',
            bad_value="case when order_total < 0 then 'negative_amount' end",
        ) }}

    from orders

),

returns_named as (

    select
        {{ activity_columns(
            identifiers=['customer_id', 'email'],
            feed_table="'returns'",
            event_id='return_id',
            event_name="'Order Returned'",
            event_detail='reason',
            order_id='order_id',
            is_whole_order='is_full_return',
            amount='amount',
            occurred_at='returned_at',
            version_at='received_at',
        ) }}

    from returns

),

subscriptions_named as (

    select
        {{ activity_columns(
            identifiers=['customer_id', 'email'],
            feed_table="'subscriptions'",
            event_id='subscription_event_id',
            event_name='event_name',
            amount='amount',
            currency='currency',
            occurred_at='event_time',
            bad_value="case when amount < 0 then 'negative_amount' end",
        ) }}

    from subscriptions

),

customers_named as (

    select
        {{ activity_columns(
            identifiers=['customer_id', 'email', 'phone'],
            feed_table="'customers'",
            event_id='customer_id',
            event_name="'Customer Recorded'",
            is_record='true',
            occurred_at='created_at',
            version_at='coalesce(updated_at, created_at)',
            bad_value=impossible_attributes(),
        ) }}

    from customers

),

order_lines_named as (

    select
        {{ activity_columns(
            identifiers=[],
            feed_table="'order_lines'",
            event_id='order_line_id',
            event_name="'Order Line Recorded'",
            is_record='true',
            occurred_at='received_at',
            bad_value="case when quantity < 0 then 'negative_quantity' end",
        ) }}

    from order_lines

),

{{ judge_activities(
    'shop',
    [
        'orders_named',
        'returns_named',
        'subscriptions_named',
        'customers_named',
        'order_lines_named',
    ],
    needs_identifier="feed_table <> 'order_lines'",
) }}
