with

rejected as (

    select * from {{ ref('stg_sync__rejected') }}

),

by_reason as (

    select
        sync,
        destination,
        op,
        state,
        code,
        field,
        count(*) as row_count,
        max(message) as example_message,
        max(tries) as most_tries,
        min(first_at) as first_at,
        max(last_at) as last_at,
        min(next_try_at) as next_try_at

    from rejected
    group by 1, 2, 3, 4, 5, 6

)

select * from by_reason
