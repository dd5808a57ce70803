{#- What changed the scores of `pairs`, against what was said at their clocks. -#}
with

changes_counted as (

    with
    {{ changes_between() }}

),

changes as (

    select
        changes_counted.*,
        pairs.contact_id,
        pairs.from_as_of,
        pairs.to_as_of

    from changes_counted
    inner join pairs
        on changes_counted.pair_id = pairs.pair_id

),

{{ compare_with_what_was_said() }}
