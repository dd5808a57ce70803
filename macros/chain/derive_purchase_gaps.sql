{#-
    The final select of `purchase_quickened` and `purchase_slowed`: the orders whose gap
    to the one before differs from the contact's own earlier gaps, from the CTEs
    `order_days` and `signals`.
-#}
{% macro derive_purchase_gaps() %}
earlier_gaps as (

    select
        contact_id,
        first_ordered_at,
        gap_days,
        count(gap_days) over earlier as earlier_gaps,
        avg(gap_days) over earlier as mean_gap_days

    from order_days
    window earlier as (
        partition by contact_id
        order by order_date
        rows between unbounded preceding and 1 preceding
    )

),

changes as (

    select
        contact_id,
        first_ordered_at,
        earlier_gaps,
        {{ rounded_score('gap_days / nullif(mean_gap_days, 0) - 1') }} as growth

    from earlier_gaps
    where earlier_gaps > 0

),

changes_signalled as (

    select
        changes.contact_id,
        signals.activity,
        changes.first_ordered_at as occurred_at

    from changes
    inner join signals
        on
            changes.earlier_gaps >= signals.least_history
            and (
                (
                    signals.activity = 'purchase_slowed'
                    and changes.growth >= signals.least_change
                )
                or (
                    signals.activity = 'purchase_quickened'
                    and -changes.growth >= signals.least_change
                )
            )

)

select * from changes_signalled
{%- endmacro %}
