{#-
    True for a version of a fact that a subject knows of. Facts of days before the
    subject's `earlier_before` are those known at `earlier_known_until`, all others those
    known at `known_until`; a null moment of knowledge: as known today.
-#}
{% macro known_at(fact, fact_date, subject) -%}
    case
        when {{ fact_date }} < {{ subject }}.earlier_before
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
