{{ config(enabled=is_connected('support', 'zendesk_fivetran')) }}

with

ratings as (

    select
        *,
        case
            when score like 'good%' then 5
            when score like 'bad%' then 1
        end as given_score

    from {{ loader_table('zendesk_fivetran', 'satisfaction_rating') }}

),

customers as (

    select * from {{ loader_table('zendesk_fivetran', 'user') }}
    where coalesce(role, 'end-user') = 'end-user'

),

joined as (

    select
        ratings.id as rating_id,
        ratings.ticket_id,
        customers.external_id as customer_id,
        customers.email,
        ratings.given_score as score,
        coalesce(ratings.updated_at, ratings.created_at) as rated_at,
        ratings._fivetran_synced as received_at,
        ratings.malformed_columns

    from ratings
    inner join customers
        on ratings.requester_id = customers.id
    where ratings.given_score is not null

)

select * from joined
