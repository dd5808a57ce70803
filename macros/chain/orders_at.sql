{#-
    The final select of the orders that stand at the clocks of subjects, numbered as they
    followed each other, from the CTE `identifier_clocks` (see `identifiers_at`).
-#}
{% macro orders_at() %}
orders as (

    select * from {{ ref('int_orders') }}

),

orders_standing as (

    select
        identifier_clocks.contact_id,
        orders.*

    from orders
    inner join identifier_clocks
        on orders.identifier = identifier_clocks.identifier
    where
        {{ in_force('orders', 'identifier_clocks.facts_before') }}
        and {{ known_at('orders', 'orders.valid_from', 'identifier_clocks') }}

),

{{ number_orders() }}
{%- endmacro %}
