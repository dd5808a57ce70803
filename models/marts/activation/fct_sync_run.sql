with

runs as (

    select * from {{ ref('stg_sync__runs') }}

),

final as (

    select
        run_id,
        sync,
        destination,
        state,
        started_at,
        finished_at,
        as_of,
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
        reason,
        follows_run_id

    from runs

)

select * from final
