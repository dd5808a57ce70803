{#- Takes the midnights that this run writes out of a history, if there is one. -#}
{% macro clear_midnights(history) %}
    {% if history %}
        delete from {{ history }}
        where
            as_of_date in (
                select midnights.as_of_date from {{ ref('int_midnights') }} as midnights
                where midnights.is_new
            )
    {% endif %}
{% endmacro %}


{#-
    Takes transitions out that this run tells anew: at its midnights and at those that
    follow one. Of archived sheets nothing is told any more, so theirs stay.
-#}
{% macro clear_transitions(transitions) %}
    delete from {{ transitions }}
    where
        transitioned_at in (
            select midnights.as_of from {{ ref('int_midnights') }} as midnights
        )
        and score_model in (
            select score_models.score_model from {{ ref('score_models') }} as score_models
            where score_models.status <> 'archived'
        )
{% endmacro %}
