{#-
    Compares what is in force by all that is known now with what it holds, and writes
    the pairs that differ: whatever the reason is, a new row, a late one, or a limit
    that was changed, the models after it need to look at nothing else.
-#}
{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['node', 'linked_node'],
        on_schema_change='fail',
    )
}}

with

pair_periods as (

    select
        node,
        linked_node,
        valid_from,
        valid_to

    from {{ ref('int_identifier_pair_periods') }}

),

shared_identifiers as (

    select * from {{ ref('int_shared_identifiers') }}

),

ends as (

    select
        pair_periods.*,
        pair_periods.node as end_node

    from pair_periods
    union all
    select
        pair_periods.*,
        pair_periods.linked_node as end_node

    from pair_periods

),

-- An identifier joins nobody while it is shared.
cuts as (

    select
        ends.node,
        ends.linked_node,
        greatest(ends.valid_from, shared_identifiers.shared_from) as cut_from,
        case
            when ends.valid_to is null then shared_identifiers.shared_to
            when shared_identifiers.shared_to < ends.valid_to
                then shared_identifiers.shared_to
            else ends.valid_to
        end as cut_to

    from ends
    inner join shared_identifiers
        on
            ends.end_node = shared_identifiers.node
            and (
                ends.valid_to is null
                or ends.valid_to > shared_identifiers.shared_from
            )
            and (
                shared_identifiers.shared_to is null
                or ends.valid_from < shared_identifiers.shared_to
            )

),

cut_pairs as (

    select distinct
        node,
        linked_node

    from cuts

),

uncut_periods as (

    select pair_periods.*
    from pair_periods
    left join cut_pairs
        on
            pair_periods.node = cut_pairs.node
            and pair_periods.linked_node = cut_pairs.linked_node
    where cut_pairs.node is null

),

periods_to_cut as (

    select pair_periods.*
    from pair_periods
    inner join cut_pairs
        on
            pair_periods.node = cut_pairs.node
            and pair_periods.linked_node = cut_pairs.linked_node

),

changes as (

    select
        node,
        linked_node,
        valid_from as changed_on,
        1 as told_change,
        0 as cut_change

    from periods_to_cut
    union all
    select
        node,
        linked_node,
        valid_to as changed_on,
        -1 as told_change,
        0 as cut_change

    from periods_to_cut
    where valid_to is not null
    union all
    select
        node,
        linked_node,
        cut_from as changed_on,
        0 as told_change,
        1 as cut_change

    from cuts
    union all
    select
        node,
        linked_node,
        cut_to as changed_on,
        0 as told_change,
        -1 as cut_change

    from cuts
    where cut_to is not null

),

changes_of_days as (

    select
        node,
        linked_node,
        changed_on,
        sum(told_change) as told_change,
        sum(cut_change) as cut_change

    from changes
    group by 1, 2, 3

),

days_summed as (

    select
        node,
        linked_node,
        changed_on,
        sum(told_change) over pair_days as periods_open,
        sum(cut_change) over pair_days as cuts_open

    from changes_of_days
    window pair_days as (partition by node, linked_node order by changed_on)

),

days_judged as (

    select
        node,
        linked_node,
        changed_on,
        case when periods_open = 1 and cuts_open = 0 then 1 else 0 end as is_in_force

    from days_summed

),

days_compared as (

    select
        *,
        lag(is_in_force, 1, 0) over (
            partition by node, linked_node order by changed_on
        ) as was_in_force

    from days_judged

),

turns as (

    select
        *,
        lead(changed_on) over (
            partition by node, linked_node order by changed_on
        ) as turned_on

    from days_compared
    where is_in_force <> was_in_force

),

periods as (

    select * from uncut_periods
    union all
    select
        node,
        linked_node,
        changed_on as valid_from,
        turned_on as valid_to

    from turns
    where is_in_force = 1

),

{% if is_incremental() %}

    periods_compared as (

        select
            node,
            linked_node,
            valid_from,
            valid_to,
            1 as change

        from periods
        union all
        select
            node,
            linked_node,
            valid_from,
            valid_to,
            -1 as change

        from {{ this }}
        where valid_from is not null

    ),

    periods_that_differ as (

        select
            node,
            linked_node,
            valid_from,
            valid_to

        from periods_compared
        group by 1, 2, 3, 4
        having sum(change) <> 0

    ),

    touched_pairs as (

        select distinct
            node,
            linked_node

        from periods_that_differ

    ),

    -- A pair that is not in force at any time any more keeps a row, without a period.
    touched_periods as (

        select
            touched_pairs.node,
            touched_pairs.linked_node,
            periods.valid_from,
            periods.valid_to

        from touched_pairs
        left join periods
            on
                touched_pairs.node = periods.node
                and touched_pairs.linked_node = periods.linked_node

    ),

{% else %}

    touched_periods as (

        select * from periods

    ),

{% endif %}

final as (

    select
        node,
        linked_node,
        valid_from,
        valid_to,
        {{ run_id() }} as run_id

    from touched_periods

)

select * from final
