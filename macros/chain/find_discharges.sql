{#-
    The final select of when a contact last did what discharges other activities, from
    the CTEs `contact_days` and `discharging_activities`.
-#}
{% macro find_discharges() %}
newest as (

    select
        contact_days.contact_id,
        contact_days.activity,
        max(contact_days.last_at) as discharged_at

    from contact_days
    inner join discharging_activities
        on contact_days.activity = discharging_activities.activity
    group by 1, 2

)

select * from newest
{%- endmacro %}
