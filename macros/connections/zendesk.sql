{#-
    The final select of Zendesk's tickets, from the model's CTEs `tickets`, with a
    `channel` and `received_at`, and `users`: one row per ticket that a customer opened
    and that is not deleted.
-#}
{% macro zendesk_tickets() -%}
customers as (

    {{ zendesk_customers() }}

),

of_customers as (

    select
        tickets.id as ticket_id,
        customers.external_id as customer_id,
        customers.email,
        customers.phone,
        tickets.channel,
        tickets.type as topic,
        tickets.created_at as opened_at,
        tickets.updated_at,
        tickets.received_at,
        tickets.malformed_columns

    from tickets
    inner join customers
        on tickets.requester_id = customers.id
    where coalesce(tickets.status, '') <> 'deleted'

)

select * from of_customers
{%- endmacro %}


{#-
    The final select of Zendesk's ratings, from the model's CTEs `ratings`, with a
    `received_at`, and `users`: one row per rating that a customer gave, 5 for good and 1
    for bad.
-#}
{% macro zendesk_ratings() -%}
customers as (

    {{ zendesk_customers() }}

),

scored as (

    select
        *,
        case
            when score like 'good%' then 5
            when score like 'bad%' then 1
        end as given_score

    from ratings

),

of_customers as (

    select
        scored.id as rating_id,
        scored.ticket_id,
        customers.external_id as customer_id,
        customers.email,
        scored.given_score as score,
        coalesce(scored.updated_at, scored.created_at) as rated_at,
        scored.received_at,
        scored.malformed_columns

    from scored
    inner join customers
        on scored.requester_id = customers.id
    where scored.given_score is not null

)

select * from of_customers
{%- endmacro %}


{#- Those of the CTE `users` who are customers, not agents. -#}
{% macro zendesk_customers() -%}
    select * from users
    where coalesce(role, 'end-user') = 'end-user'
{%- endmacro %}
