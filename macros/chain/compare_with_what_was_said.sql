{#-
    The final select of what changed against what was said: the parts of `changes` (see
    `changes_between`), made to add up from the scores in the CTE `said_from` to those in
    `said_to` (contact_id, score_model, intent_score, segment; who is not in them was
    not recorded). Where what was said is not what we count today for the same clock,
    something else was known then: the difference is a correction.
-#}
{% macro compare_with_what_was_said() %}
scores_said as (

    select
        changes.contact_id,
        changes.score_model,
        changes.from_as_of,
        changes.to_as_of,
        said_from.segment as from_segment,
        said_to.segment as to_segment,
        coalesce(said_from.intent_score, changes.score_from) as score_from,
        coalesce(said_to.intent_score, changes.score_to) as score_to,
        changes.decay,
        changes.new_activity,
        changes.corrections
        + changes.score_from - coalesce(said_from.intent_score, changes.score_from)
        + coalesce(said_to.intent_score, changes.score_to) - changes.score_to
            as corrections,
        changes.identity,
        changes.rules

    from changes
    left join said_from
        on
            changes.contact_id = said_from.contact_id
            and changes.score_model = said_from.score_model
    left join said_to
        on
            changes.contact_id = said_to.contact_id
            and changes.score_model = said_to.score_model

)

select * from scores_said
{%- endmacro %}
