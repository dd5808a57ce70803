{{ config(enabled=is_connected('web', 'segment')) }}

with

identifies as (

    select * from {{ loader_table('segment', 'identifies') }}

),

renamed as (

    select
        id as event_id,
        timestamp as event_time,
        received_at,
        anonymous_id,
        user_id,
        email,
        phone,
        malformed_columns

    from identifies

)

select * from renamed
