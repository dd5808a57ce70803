{{ config(enabled=is_connected('support', 'zendesk_fivetran')) }}

with

tickets as (

    select
        *,
        via_channel as channel,
        _fivetran_synced as received_at

    from {{ loader_table('zendesk_fivetran', 'ticket') }}

),

users as (

    select * from {{ loader_table('zendesk_fivetran', 'user') }}

),

{{ zendesk_tickets() }}
