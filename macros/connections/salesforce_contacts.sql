{#-
    The final select of Salesforce's contacts, from the model's CTEs `contacts`, `leads`
    and `individuals`: one row per contact or lead. What the person consented to is a
    record of its own there: when it changes, so does the contact. A deleted record is
    left out, unless the person objected to profiling: the objection stands.
-#}
{% macro salesforce_contacts() %}
people as (

    select * from contacts
    union all
    select * from leads

),

joined as (

    select
        people.crm_id,
        people.email,
        people.phone,
        people.account_id,
        people.country,
        people.region,
        people.city,
        people.job_title,
        individuals.objected_to_profiling,
        people.email_opt_out,
        people.call_opt_out,
        people.created_at,
        greatest(
            coalesce(people.updated_at, people.created_at),
            coalesce(individuals.updated_at, people.updated_at, people.created_at)
        ) as updated_at,
        greatest(
            people.received_at, coalesce(individuals.received_at, people.received_at)
        ) as received_at,
        people.malformed_columns

    from people
    left join individuals
        on people.individual_id = individuals.individual_id
    where
        not coalesce(people.is_deleted, false)
        or coalesce(individuals.objected_to_profiling, false)

)

select * from joined
{%- endmacro %}
