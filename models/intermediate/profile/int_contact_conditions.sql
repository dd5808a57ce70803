-- Wrong sheets stop the build in int_rule_faults, before any contact is judged.
-- depends_on: {{ ref('int_rule_faults') }}
with

contact_attributes as (

    select * from {{ ref('int_contact_attributes') }}

),

conditions as (

    select * from {{ ref('int_conditions') }}

),

{{ meet_conditions() }}
