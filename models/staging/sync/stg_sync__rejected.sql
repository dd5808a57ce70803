with

source as (

    select * from {{ audit_source('rejected') }}

),

renamed as (

    select
        ---------- ids
        row_id,
        ---------- strings
        sync,
        destination,
        op,
        state,
        code,
        field,
        message,
        ---------- numerics
        tries,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'first_at') }} as first_at,
        {{ dbt.date_trunc('second', 'last_at') }} as last_at,
        {{ dbt.date_trunc('second', 'next_try_at') }} as next_try_at

    from source

)

select * from renamed
