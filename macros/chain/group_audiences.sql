{#-
    The final select of who is in which audience: one row per contact and audience, from
    the CTEs `contact_conditions`, `conditions` (condition_id, audience) and
    `used_audiences`. `rule_group` is the set of audiences that the contact is in.
-#}
{% macro group_audiences() %}
audience_sizes as (

    select
        conditions.audience,
        count(*) as condition_count

    from conditions
    inner join used_audiences
        on conditions.audience = used_audiences.audience
    group by 1

),

-- Each has a bit of its own, so that a sum says which audiences a contact is in.
audiences_numbered as (

    select
        audience,
        condition_count,
        cast(power(2, row_number() over (order by audience) - 1) as bigint)
            as group_bit

    from audience_sizes

),

conditions_met as (

    select
        contact_conditions.contact_id,
        conditions.audience,
        count(*) as met_count

    from contact_conditions
    inner join conditions
        on contact_conditions.condition_id = conditions.condition_id
    group by 1, 2

),

memberships as (

    select
        conditions_met.contact_id,
        conditions_met.audience,
        audiences_numbered.condition_count,
        audiences_numbered.group_bit

    from conditions_met
    inner join audiences_numbered
        on
            conditions_met.audience = audiences_numbered.audience
            and conditions_met.met_count = audiences_numbered.condition_count

),

grouped as (

    select
        contact_id,
        audience,
        condition_count,
        cast(sum(group_bit) over (partition by contact_id) as bigint) as rule_group

    from memberships

)

select * from grouped
{%- endmacro %}
