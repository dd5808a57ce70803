{{ config(enabled=is_connected('support', 'zendesk_fivetran')) }}

with

tickets as (

    select * from {{ loader_table('zendesk_fivetran', 'ticket') }}
    where coalesce(status, '') <> 'deleted'

),

customers as (

    select * from {{ loader_table('zendesk_fivetran', 'user') }}
    where coalesce(role, 'end-user') = 'end-user'

),

joined as (

    select
        tickets.id as ticket_id,
        customers.external_id as customer_id,
        customers.email,
        customers.phone,
        tickets.via_channel as channel,
        tickets.type as topic,
        tickets.created_at as opened_at,
        tickets.updated_at,
        tickets._fivetran_synced as received_at,
        tickets.malformed_columns

    from tickets
    inner join customers
        on tickets.requester_id = customers.id

)

select * from joined
