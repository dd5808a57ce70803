with

pairs as (

    select * from {{ ref('int_change_pairs') }}

),

changes as (

    with
    {{ changes_between() }}

),

changes_joined as (

    select
        pairs.contact_id,
        changes.score_model,
        pairs.from_as_of,
        pairs.to_as_of,
        pairs.from_rule_version,
        pairs.to_rule_version,
        changes.score_from,
        changes.score_to,
        changes.decay,
        changes.new_activity,
        changes.corrections,
        changes.identity,
        changes.rules,
        changes.top_driver

    from changes
    inner join pairs
        on changes.pair_id = pairs.pair_id

)

select * from changes_joined
