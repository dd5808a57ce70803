{#-
    The final select of the orders that stand at the clocks of subjects, numbered as they
    followed each other, from the CTE `identifier_clocks` (see `identifiers_at`).
-#}
{% macro orders_at() %}
orders as (

    select * from {{ ref('int_orders') }}

),

orders_ended as (

    select * from {{ ref('int_orders') }}
    where valid_to is not null

),

orders_taken_back as (

    select distinct
        identifier_clocks.contact_id,
        orders_ended.order_key

    from orders_ended
    inner join identifier_clocks
        on orders_ended.identifier = identifier_clocks.identifier
    where
        {{ taken_back_since(
            'orders_ended', 'orders_ended.valid_from', 'identifier_clocks'
        ) }}

),

orders_standing as (

    select
        identifier_clocks.contact_id,
        orders.*

    from orders
    inner join identifier_clocks
        on orders.identifier = identifier_clocks.identifier
    left join orders_taken_back
        on
            identifier_clocks.contact_id = orders_taken_back.contact_id
            and orders.order_key = orders_taken_back.order_key
    where
        {{ in_force('orders', 'identifier_clocks.facts_before') }}
        and {{ known_at(
            'orders', 'orders.valid_from', 'identifier_clocks', 'orders_taken_back'
        ) }}

),

{{ number_orders() }}
{%- endmacro %}
