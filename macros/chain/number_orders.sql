{#-
    The final select of contacts' orders, numbered as they followed each other, from the
    CTE `orders_standing` (rows of int_orders with the contact_id).
-#}
{% macro number_orders() %}
orders_numbered as (

    select
        contact_id,
        order_key,
        ordered_at,
        valid_from as order_date,
        amount,
        currency,
        row_number() over (
            partition by contact_id
            order by ordered_at, order_key
        ) as order_number

    from orders_standing

)

select * from orders_numbered
{%- endmacro %}
