with

identifiers as (

    select * from {{ ref('int_identifiers') }}

),

-- Of two versions of the same second the one received last counts; never the order of
-- the files.
versions_ranked as (

    select
        *,
        row_number() over (
            partition by record, version_at
            order by
                received_at desc,
                coalesce(customer_id, '') desc,
                coalesce(email, '') desc,
                coalesce(phone, '') desc
        ) as version_rank

    from {{ ref('int_record_versions') }}

),

-- Records that never changed hand nothing over, but may take something.
values_shown as (
    {% for kind in ['customer_id', 'email', 'phone'] %}
        select
            record_kind,
            record,
            '{{ kind }}' as kind,
            version_at,
            {{ kind }} as identifier

        from versions_ranked
        where version_rank = 1 and record_kind <> '{{ kind }}'
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

values_before as (

    select
        *,
        lag(identifier) over (
            partition by record, kind order by version_at
        ) as identifier_before

    from values_shown

),

changes as (

    select
        record_kind,
        record,
        version_at as changed_at,
        identifier,
        identifier_before

    from values_before
    where
        identifier <> identifier_before
        or (identifier is null and identifier_before is not null)
        or (identifier is not null and identifier_before is null)

),

released_identifiers as (

    select distinct
        record_kind,
        identifier_before as identifier

    from changes
    where identifier_before is not null

),

-- Each time that a record comes to show an identifier, or no longer does.
turns as (

    select
        changes.record_kind,
        changes.record,
        changes.identifier,
        changes.changed_at,
        1 as holder_change

    from changes
    inner join released_identifiers
        on
            changes.record_kind = released_identifiers.record_kind
            and changes.identifier = released_identifiers.identifier
    union all
    select
        record_kind,
        record,
        identifier_before as identifier,
        changed_at,
        -1 as holder_change

    from changes
    where identifier_before is not null

),

turns_counted as (

    select
        *,
        sum(holder_change) over (
            partition by record_kind, identifier
            order by changed_at
            range between unbounded preceding and current row
        ) as holders,
        min(case when holder_change = 1 then changed_at end) over (
            partition by record_kind, identifier
            order by changed_at, holder_change
            rows between 1 following and unbounded following
        ) as claimed_at,
        min(case when holder_change = 1 then changed_at end) over (
            partition by record_kind, identifier, record
            order by changed_at, holder_change
            rows between 1 following and unbounded following
        ) as shown_again_at,
        min(case when holder_change = -1 then changed_at end) over (
            partition by record_kind, identifier, record
            order by changed_at, holder_change
            rows between 1 following and unbounded following
        ) as released_next_at

    from turns

),

-- Lost when another holds it: already, or as soon as another claims it.
losses as (

    select
        record_kind,
        identifier,
        changed_at as released_at,
        case when holders > 0 then changed_at else claimed_at end as lost_at,
        shown_again_at

    from turns_counted
    where holder_change = -1

),

-- What several lose on a day is lost once.
losses_of_days as (

    select
        identifiers.node,
        losses.record_kind,
        cast(losses.lost_at as date) as lost_on,
        max(losses.released_at) as released_at,
        max(losses.lost_at) as lost_at

    from losses
    inner join identifiers
        on losses.identifier = identifiers.identifier
    where
        losses.lost_at is not null
        and (losses.shown_again_at is null or losses.lost_at < losses.shown_again_at)
    group by 1, 2, 3

),

lost_nodes as (

    select distinct node from losses_of_days

),

links_of_lost as (

    select
        links.*,
        links.node as lost_node,
        links.linked_node as other_node

    from {{ ref('int_identifier_links') }} as links
    inner join lost_nodes
        on links.node = lost_nodes.node
    union all
    select
        links.*,
        links.linked_node as lost_node,
        links.node as other_node

    from {{ ref('int_identifier_links') }} as links
    inner join lost_nodes
        on links.linked_node = lost_nodes.node

),

pairs_of_lost as (

    select
        node,
        linked_node,
        kind,
        linked_kind,
        lost_node,
        other_node,
        min(first_told_at) as first_told_at

    from links_of_lost
    group by 1, 2, 3, 4, 5, 6

),

holdings as (

    select
        turns_counted.record_kind,
        identifiers.node,
        records.node as record_node,
        turns_counted.changed_at as shown_from,
        turns_counted.released_next_at as shown_to

    from turns_counted
    inner join identifiers
        on turns_counted.identifier = identifiers.identifier
    inner join identifiers as records
        on turns_counted.record = records.identifier
    where turns_counted.holder_change = 1

),

pairs_lost as (

    select
        pairs_of_lost.node,
        pairs_of_lost.linked_node,
        pairs_of_lost.kind,
        pairs_of_lost.linked_kind,
        pairs_of_lost.lost_node,
        pairs_of_lost.other_node,
        losses_of_days.record_kind,
        losses_of_days.lost_on,
        losses_of_days.lost_at

    from losses_of_days
    inner join pairs_of_lost
        on
            losses_of_days.node = pairs_of_lost.lost_node
            and losses_of_days.released_at > pairs_of_lost.first_told_at

),

pairs_held as (

    select distinct
        pairs_lost.lost_node,
        pairs_lost.other_node,
        pairs_lost.lost_at

    from pairs_lost
    inner join holdings
        on
            pairs_lost.lost_node = holdings.node
            and pairs_lost.other_node = holdings.record_node
            and pairs_lost.record_kind = holdings.record_kind
            and pairs_lost.lost_at >= holdings.shown_from
            and (holdings.shown_to is null or pairs_lost.lost_at < holdings.shown_to)

),

-- It starts anew with whom it comes to: what it was linked with before it was let go is
-- parted from it, but for the records that show it.
pairs_parted as (

    select
        pairs_lost.node,
        pairs_lost.linked_node,
        pairs_lost.kind,
        pairs_lost.linked_kind,
        pairs_lost.lost_on,
        max(pairs_lost.lost_at) as lost_at

    from pairs_lost
    left join pairs_held
        on
            pairs_lost.lost_node = pairs_held.lost_node
            and pairs_lost.other_node = pairs_held.other_node
            and pairs_lost.lost_at = pairs_held.lost_at
    where pairs_held.lost_node is null
    group by 1, 2, 3, 4, 5

)

select * from pairs_parted
