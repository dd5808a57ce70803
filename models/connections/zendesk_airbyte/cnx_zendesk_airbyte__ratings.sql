{{ config(enabled=is_connected('support', 'zendesk_airbyte')) }}

with

ratings as (

    select
        *,
        _airbyte_extracted_at as received_at

    from {{ loader_table('zendesk_airbyte', 'satisfaction_ratings') }}

),

users as (

    select * from {{ loader_table('zendesk_airbyte', 'users') }}

),

{{ zendesk_ratings() }}
