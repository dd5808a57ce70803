{#-
    Takes whoever objects to profiling out of a history: all rows of contacts that had one
    of its identifiers then, or that are gone since they were joined to it. `date` and
    `segment`: the columns that tell when, and the segment since then.
-#}
{% macro clear_suppressed(history, date, segment) %}
    delete from {{ history }}
    where
        exists (
            select 1
            from {{ ref('int_identifier_contacts') }} as identifier_contacts
            inner join {{ ref('int_contact_identifiers') }} as contact_identifiers
                on identifier_contacts.identifier = contact_identifiers.identifier
            inner join {{ ref('int_contacts') }} as contacts
                on contact_identifiers.contact_id = contacts.contact_id
            where
                contacts.is_suppressed
                and identifier_contacts.contact_id = {{ history }}.contact_id
                and identifier_contacts.valid_from < {{ history }}.{{ date }}
                and (
                    identifier_contacts.valid_to is null
                    or identifier_contacts.valid_to >= {{ history }}.{{ date }}
                    or {{ history }}.{{ segment }} is null
                )
        )
{% endmacro %}
