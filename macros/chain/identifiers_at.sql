{#-
    The final select of the identifiers that subjects have at their clocks, from the CTE
    `subjects` (see `activity_scores_at`). A subject's id stands as its `contact_id`, as
    the steps after it know no subjects.
-#}
{% macro identifiers_at(of_sheet=false) %}
identifier_contacts as (

    select * from {{ ref('int_identifier_contacts') }}

),

subject_identifiers as (

    select
        identifier_contacts.identifier,
        subjects.subject_id as contact_id,
        subjects.as_of,
        subjects.facts_before,
        subjects.rule_version,
        {{ 'subjects.score_model,' if of_sheet }}
        subjects.known_until,
        subjects.earlier_before,
        subjects.earlier_known_until

    from subjects
    inner join identifier_contacts
        on subjects.contact_id = identifier_contacts.contact_id
    where
        ({{ in_force('identifier_contacts', 'subjects.links_as_of') }})
        or (
            identifier_contacts.first_seen_at >= subjects.newcomers_since
            and {{ in_force('identifier_contacts', 'subjects.facts_before') }}
        )

)

select * from subject_identifiers
{%- endmacro %}
