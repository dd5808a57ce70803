with

source as (

    select * from {{ audit_source('runs') }}

),

renamed as (

    select
        ---------- ids
        run_id,
        follows_run_id,
        ---------- strings
        sync,
        destination,
        state,
        reason,
        ---------- numerics
        source_rows,
        without_key,
        unchanged,
        planned,
        acknowledged,
        rejected,
        deferred,
        skipped,
        in_doubt,
        requests,
        bytes_sent,
        ---------- timestamps
        {{ dbt.date_trunc('second', 'as_of') }} as as_of,
        {{ dbt.date_trunc('second', 'started_at') }} as started_at,
        {{ dbt.date_trunc('second', 'finished_at') }} as finished_at

    from source

)

select * from renamed
