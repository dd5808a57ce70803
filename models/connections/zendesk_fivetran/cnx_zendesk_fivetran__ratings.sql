{{ config(enabled=is_connected('support', 'zendesk_fivetran')) }}

with

ratings as (

    select
        *,
        _fivetran_synced as received_at

    from {{ loader_table('zendesk_fivetran', 'satisfaction_rating') }}

),

users as (

    select * from {{ loader_table('zendesk_fivetran', 'user') }}

),

{{ zendesk_ratings() }}
