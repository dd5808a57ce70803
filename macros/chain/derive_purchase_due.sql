{#-
    The final select of `purchase_due` and `purchase_expected`: contacts whose own rhythm
    says that they order about now, or before long, from the CTEs `order_days`, `signals`
    and `clocks` (contact_id, as_of).
-#}
{% macro derive_purchase_due() %}
gaps_summed as (

    select
        contact_id,
        max(last_ordered_at) as last_ordered_at,
        count(gap_days) as gaps,
        cast(sum(gap_days) as {{ type_double() }}) as gap_days,
        cast(sum(gap_days * gap_days) as {{ type_double() }}) as squares

    from order_days
    group by 1
    having count(gap_days) > 0

),

-- The coefficient of variation: the gaps' standard deviation, as a share of their mean.
rhythms as (

    select
        contact_id,
        last_ordered_at,
        gaps,
        floor(86400 * gap_days / gaps) as mean_gap_seconds,
        {{ rounded_score(
            'sqrt(gaps * squares - gap_days * gap_days) / nullif(gap_days, 0)'
        ) }} as variation

    from gaps_summed

),

rhythms_signalled as (

    select
        rhythms.contact_id,
        signals.activity,
        {{ dbt.dateadd(
            'second',
            'greatest(rhythms.mean_gap_seconds - 86400 * coalesce(signals.days_ahead, 0), 0)',
            'rhythms.last_ordered_at',
        ) }} as due_at,
        {{ dbt.dateadd(
            'second',
            'floor(signals.lapses_after * rhythms.mean_gap_seconds)',
            'rhythms.last_ordered_at',
        ) }} as lapsed_at

    from rhythms
    inner join signals
        on
            signals.activity in ('purchase_due', 'purchase_expected')
            and rhythms.gaps >= signals.least_history
            and rhythms.variation <= signals.most_variation

),

due as (

    select
        rhythms_signalled.contact_id,
        rhythms_signalled.activity,
        rhythms_signalled.due_at as occurred_at

    from rhythms_signalled
    inner join clocks
        on
            rhythms_signalled.contact_id = clocks.contact_id
            and rhythms_signalled.due_at <= clocks.as_of
            and rhythms_signalled.lapsed_at > clocks.as_of

)

select * from due
{%- endmacro %}
