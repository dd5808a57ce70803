with

source as (

    select * from {{ audit_source('rows') }}

),

renamed as (

    select
        ---------- ids
        run_id,
        row_id,
        ---------- strings
        sync,
        destination,
        op,
        replace(state, ' ', '_') as state,
        code,
        field,
        message,
        changed_fields,
        ---------- numerics
        seq,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'decided_at') }} as decided_at

    from source

)

select * from renamed
