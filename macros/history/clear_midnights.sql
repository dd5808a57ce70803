{#- Takes the midnights that this run writes out of a history, to be written anew. -#}
{% macro clear_midnights(history) %}
    delete from {{ history }}
    where
        as_of_date in (
            select midnights.as_of_date from {{ ref('int_midnights') }} as midnights
            where midnights.is_new
        )
{% endmacro %}


{#- Takes whoever objects to profiling out of a history. -#}
{% macro clear_suppressed(history) %}
    delete from {{ history }}
    where
        contact_id in (
            select contacts.contact_id from {{ ref('int_contacts') }} as contacts
            where contacts.is_suppressed
        )
{% endmacro %}


{#- Takes transitions out that this run tells anew: at its midnights and after them. -#}
{% macro clear_transitions(transitions) %}
    delete from {{ transitions }}
    where
        transitioned_at in (
            select midnights.as_of from {{ ref('int_midnights') }} as midnights
        )
{% endmacro %}
