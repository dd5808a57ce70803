{#-
    The final select of what changed against what was said: the parts of `changes` (see
    `changes_between`), made to add up from the scores in the CTE `said_from` to those in
    `said_to` (contact_id, score_model, intent_score, segment). Where what was said is
    not what we count today for the same clock, something else was known then: the
    difference is a correction. `sheets_from` and `sheets_to` are the sheets of which
    scores were kept at the clock: who has none there, was cold.
-#}
{% macro compare_with_what_was_said() %}
scores_kept as (

    select
        changes.*,
        {% for clock in ['from', 'to'] %}
            case
                when said_{{ clock }}.intent_score is not null
                    then said_{{ clock }}.intent_score
                when
                    sheets_{{ clock }}.score_model is not null
                    and {{ rounded_score('changes.score_' ~ clock) }}
                    >= {{ dormant_below() }}
                    then 0
                else changes.score_{{ clock }}
            end as said_score_{{ clock }},
            case
                when said_{{ clock }}.segment is not null then said_{{ clock }}.segment
                when
                    sheets_{{ clock }}.score_model is not null
                    and changes.was_contact_{{ clock }} = 1
                    then 'cold'
            end as {{ clock }}_segment{{ ',' if not loop.last }}
        {% endfor %}

    from changes
    {% for clock in ['from', 'to'] %}
        left join said_{{ clock }}
            on
                changes.contact_id = said_{{ clock }}.contact_id
                and changes.score_model = said_{{ clock }}.score_model
        left join sheets_{{ clock }}
            on changes.score_model = sheets_{{ clock }}.score_model
    {% endfor %}

),

scores_said as (

    select
        contact_id,
        score_model,
        from_as_of,
        to_as_of,
        from_segment,
        to_segment,
        said_score_from as score_from,
        said_score_to as score_to,
        decay,
        new_activity,
        corrections + score_from - said_score_from + said_score_to - score_to
            as corrections,
        identity,
        rules

    from scores_kept

)

select * from scores_said
{%- endmacro %}
