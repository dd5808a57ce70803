-- A wrong limit stops the build before anybody is joined or parted by it.
-- depends_on: {{ ref('int_rule_faults') }}
with

limits as (

    select * from {{ ref('identity_limits') }}

),

pair_periods as (

    select * from {{ ref('int_identifier_pair_periods') }}

),

identifiers as (

    select * from {{ ref('int_identifiers') }}

),

identifiers_left_shared as (

    {{ identifiers_left_shared() }}

),

ends as (

    select
        node,
        kind,
        linked_kind,
        valid_from,
        valid_to

    from pair_periods
    union all
    select
        linked_node as node,
        linked_kind as kind,
        kind as linked_kind,
        valid_from,
        valid_to

    from pair_periods

),

nodes_with_many as (

    select
        ends.node,
        ends.linked_kind,
        limits.people

    from ends
    inner join limits
        on
            ends.kind = limits.identifier_kind
            and ends.linked_kind = limits.linked_kind
    group by 1, 2, 3
    having count(*) > limits.people

),

ends_of_many as (

    select
        ends.node,
        ends.linked_kind,
        ends.valid_from,
        ends.valid_to,
        nodes_with_many.people

    from ends
    inner join nodes_with_many
        on
            ends.node = nodes_with_many.node
            and ends.linked_kind = nodes_with_many.linked_kind

),

-- Any instant counts the links that begin by it, less those that ended.
people_changes as (

    select
        node,
        linked_kind,
        people,
        valid_from as changed_on,
        1 as people_change

    from ends_of_many
    union all
    select
        node,
        linked_kind,
        people,
        valid_to as changed_on,
        -1 as people_change

    from ends_of_many
    where valid_to is not null

),

people_changes_of_days as (

    select
        node,
        linked_kind,
        people,
        changed_on,
        sum(people_change) as people_change

    from people_changes
    group by 1, 2, 3, 4

),

people_counted as (

    select
        node,
        linked_kind,
        people,
        changed_on,
        sum(people_change) over (
            partition by node, linked_kind order by changed_on
        ) as people_linked

    from people_changes_of_days

),

people_compared as (

    select
        node,
        linked_kind,
        changed_on,
        case when people_linked > people then 1 else 0 end as is_over,
        lag(case when people_linked > people then 1 else 0 end, 1, 0) over (
            partition by node, linked_kind order by changed_on
        ) as was_over

    from people_counted

),

shared_turns as (

    select
        node,
        is_over,
        changed_on as shared_from,
        lead(changed_on) over (
            partition by node, linked_kind order by changed_on
        ) as shared_to

    from people_compared
    where is_over <> was_over

),

shared_periods as (

    select
        node,
        shared_from,
        shared_to

    from shared_turns
    where is_over = 1
    union all
    -- Who shared them was erased; they do not become those of who is left.
    select
        identifiers.node,
        identifiers_left_shared.shared_from,
        cast(null as date) as shared_to

    from identifiers_left_shared
    inner join identifiers
        on identifiers_left_shared.identifier = identifiers.identifier

)

select * from shared_periods
