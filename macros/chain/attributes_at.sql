{#-
    The final select of what was known of subjects at their clocks, one row per subject
    (as `contact_id`) and attribute, from the CTE `subjects` (see `activity_scores_at`).
-#}
{% macro attributes_at() %}
identifier_clocks as (

    with
    {{ identifiers_at() }}

),

contact_orders as (

    with
    {{ orders_at() }}

),

contact_records as (

    with
    {{ records_at() }}

),

clocks as (

    select
        subject_id as contact_id,
        as_of

    from subjects

),

{{ tell_attributes() }}
{%- endmacro %}
