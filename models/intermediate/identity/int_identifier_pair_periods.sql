with

links as (

    select * from {{ ref('int_identifier_links') }}

),

handovers as (

    select * from {{ ref('int_identifier_handovers') }}

),

parted_pairs as (

    select
        node,
        linked_node

    from links
    where withdrawn_at is not null
    union
    select
        node,
        linked_node

    from handovers

),

first_told as (

    select
        node,
        linked_node,
        kind,
        linked_kind,
        min(stated_on) as valid_from

    from links
    where first_told_at is not null
    group by 1, 2, 3, 4

),

never_parted as (

    select
        first_told.*,
        cast(null as date) as valid_to

    from first_told
    left join parted_pairs
        on
            first_told.node = parted_pairs.node
            and first_told.linked_node = parted_pairs.linked_node
    where parted_pairs.node is null

),

statements as (

    select
        links.node,
        links.linked_node,
        links.kind,
        links.linked_kind,
        links.stated_on,
        links.last_told_at,
        links.withdrawn_at

    from links
    inner join parted_pairs
        on
            links.node = parted_pairs.node
            and links.linked_node = parted_pairs.linked_node
    union all
    select
        node,
        linked_node,
        kind,
        linked_kind,
        lost_on as stated_on,
        cast(null as {{ dbt.type_timestamp() }}) as last_told_at,
        lost_at as withdrawn_at

    from handovers

),

days_stated as (

    select
        node,
        linked_node,
        kind,
        linked_kind,
        stated_on,
        max(last_told_at) as last_told_at,
        max(withdrawn_at) as withdrawn_at

    from statements
    group by 1, 2, 3, 4, 5

),

-- The last word of the day holds; of two in one second, that they are not one.
days_judged as (

    select
        *,
        case
            when last_told_at is null then 0
            when withdrawn_at is null or last_told_at > withdrawn_at then 1
            else 0
        end as is_linked

    from days_stated

),

days_compared as (

    select
        *,
        lag(is_linked, 1, 0) over (
            partition by node, linked_node order by stated_on
        ) as was_linked

    from days_judged

),

turns as (

    select
        *,
        lead(stated_on) over (
            partition by node, linked_node order by stated_on
        ) as turned_on

    from days_compared
    where is_linked <> was_linked

),

periods_told as (

    select * from never_parted
    union all
    select
        node,
        linked_node,
        kind,
        linked_kind,
        stated_on as valid_from,
        turned_on as valid_to

    from turns
    where is_linked = 1

)

select * from periods_told
