{{ config(enabled=is_connected('support', 'zendesk_airbyte')) }}

with

tickets as (

    select
        *,
        {{ json_text('via', ['channel']) }} as channel,
        _airbyte_extracted_at as received_at

    from {{ loader_table('zendesk_airbyte', 'tickets') }}

),

users as (

    select * from {{ loader_table('zendesk_airbyte', 'users') }}

),

{{ zendesk_tickets() }}
