with

order_days as (

    select * from {{ ref('int_contact_order_days') }}

),

signals as (

    select * from {{ ref('derived_signals') }}
    where activity in ('purchase_quickened', 'purchase_slowed')

),

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
