{#-
    The final select of `order_value_risen` and `order_value_fallen`: the orders whose
    value differs from the contact's own earlier ones, from the CTEs `contact_orders`
    and `signals`.
-#}
{% macro derive_order_values() %}
earlier_values as (

    select
        contact_id,
        ordered_at,
        amount,
        count(amount) over earlier as earlier_orders,
        avg(amount) over earlier as mean_amount

    from contact_orders
    where amount > 0
    window earlier as (
        partition by contact_id, currency
        order by order_number
        rows between unbounded preceding and 1 preceding
    )

),

changes as (

    select
        contact_id,
        ordered_at,
        earlier_orders,
        {{ rounded_score('amount / nullif(mean_amount, 0) - 1') }} as rise

    from earlier_values
    where earlier_orders > 0

),

changes_signalled as (

    select
        changes.contact_id,
        signals.activity,
        changes.ordered_at as occurred_at

    from changes
    inner join signals
        on
            changes.earlier_orders >= signals.least_history
            and (
                (
                    signals.activity = 'order_value_risen'
                    and changes.rise >= signals.least_change
                )
                or (
                    signals.activity = 'order_value_fallen'
                    and -changes.rise >= signals.least_change
                )
            )

)

select * from changes_signalled
{%- endmacro %}
