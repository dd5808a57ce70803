{#-
    The final select of Shopify's returns, from the model's CTEs `orders`, `order_lines`,
    `refunds` and `refund_lines`: one row per refund in which goods came back.

    Goods whose `restock_type` is `cancel` were never sent: they are no return, but
    nothing is left of an order once they and the returned ones are all that it had. The
    refund with which that is so is the full return. A refund of money alone is none.
-#}
{% macro shopify_returns() %}
pieces_ordered as (

    select
        order_id,
        sum(quantity) as pieces,
        max(received_at) as received_at

    from order_lines
    group by 1

),

pieces_refunded as (

    select
        refund_id,
        sum(quantity) as pieces,
        sum(case when restock_type = 'cancel' then 0 else quantity end)
            as pieces_returned,
        sum(case when restock_type = 'cancel' then 0 else amount end) as amount,
        max(received_at) as received_at

    from refund_lines
    group by 1

),

refunds_summed as (

    select
        refunds.refund_id,
        refunds.order_id,
        refunds.refunded_at,
        refunds.note,
        refunds.malformed_columns,
        pieces_refunded.pieces_returned,
        pieces_refunded.amount,
        greatest(refunds.received_at, pieces_refunded.received_at) as received_at,
        sum(pieces_refunded.pieces) over (
            partition by refunds.order_id
            order by refunds.refunded_at, refunds.refund_id
            rows between unbounded preceding and current row
        ) as pieces_so_far

    from refunds
    inner join pieces_refunded
        on refunds.refund_id = pieces_refunded.refund_id

),

returns as (

    select
        refunds_summed.refund_id as return_id,
        refunds_summed.order_id,
        orders.customer_id,
        orders.email,
        refunds_summed.refunded_at as returned_at,
        coalesce(refunds_summed.pieces_so_far >= pieces_ordered.pieces, false)
            as is_full_return,
        refunds_summed.amount,
        refunds_summed.note as reason,
        greatest(
            refunds_summed.received_at,
            orders.received_at,
            coalesce(pieces_ordered.received_at, orders.received_at)
        ) as received_at,
        refunds_summed.malformed_columns

    from refunds_summed
    inner join orders
        on refunds_summed.order_id = orders.order_id
    left join pieces_ordered
        on refunds_summed.order_id = pieces_ordered.order_id
    where refunds_summed.pieces_returned > 0

)

select * from returns
{%- endmacro %}
