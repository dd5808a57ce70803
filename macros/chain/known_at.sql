{#-
    True for a version of a fact that a subject knows of. Facts of days before the
    subject's `earlier_before` are those known at `earlier_known_until`, all others those
    known at `known_until`; a null moment of knowledge: as known today. `taken_back` is
    a relation of earlier facts that were taken back since (see `taken_back_since`): to
    take them back is no news of the past, so they are as known at `known_until`.
-#}
{% macro known_at(fact, fact_date, subject, taken_back) -%}
    case
        when
            {{ fact_date }} < {{ subject }}.earlier_before
            and {{ taken_back }}.contact_id is null
            then {{ known_by(fact, subject ~ '.earlier_known_until') }}
        else {{ known_by(fact, subject ~ '.known_until') }}
    end
{%- endmacro %}


{#- True for the version of a fact that was known at a moment; null: today. -#}
{% macro known_by(fact, moment) -%}
    (
        ({{ moment }} is null and {{ fact }}.known_to is null)
        or (
            {{ fact }}.known_from <= {{ moment }}
            and ({{ fact }}.known_to is null or {{ fact }}.known_to > {{ moment }})
        )
    )
{%- endmacro %}


{#-
    True for an earlier fact that stood at the subject's `earlier_before` and is taken
    back on a day since.
-#}
{% macro taken_back_since(fact, fact_date, subject) -%}
    {{ fact_date }} < {{ subject }}.earlier_before
    and {{ fact }}.valid_to >= {{ subject }}.earlier_before
    and {{ fact }}.valid_to < {{ subject }}.facts_before
    and {{ known_by(fact, subject ~ '.known_until') }}
{%- endmacro %}
